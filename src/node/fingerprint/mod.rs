//! What this machine is and has: the facts that a node registers with. One file per subject; each reads its part of the
//! kernel's files and adds attributes and resources. All of it blocks.

pub mod cgroup;
pub mod cpu;
pub mod device;
pub mod driver;
pub mod host;
pub mod memory;
pub mod network;
pub mod storage;
pub mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::NodeConfig;
use crate::model::{DriverInfo, Eligibility, Node, NodeId, NodeResources, NodeStatus, Text};
use crate::runtime::driver::TaskDriver;
use crate::util::clock::Timestamp;

/// What the subjects add to.
#[derive(Debug, Default)]
pub struct Facts {
    pub attributes: BTreeMap<Text, Text>,
    pub resources: NodeResources,
    pub drivers: BTreeMap<Text, DriverInfo>,
}

impl Facts {
    fn set(&mut self, name: &str, value: &(impl ToString + ?Sized)) {
        self.attributes.insert(name.into(), value.to_string().into());
    }
}

/// Looks at everything. What cannot be found out is left out and logged, never an error: a node with fewer facts still runs tasks.
pub fn fingerprint(config: &NodeConfig, id: NodeId, drivers: &[Arc<dyn TaskDriver>]) -> Node {
    let mut facts = Facts::default();
    version::add(&mut facts);
    cpu::add(&mut facts, config);
    memory::add(&mut facts, config);
    storage::add(&mut facts, config);
    host::add(&mut facts);
    network::add(&mut facts, config);
    cgroup::add(&mut facts);
    device::add(&mut facts, config);
    driver::add(&mut facts, drivers);

    facts.resources.reserved_cpu = config.reserved.cpu;
    facts.resources.reserved_memory = config.reserved.memory;
    facts.resources.reserved_disk = config.reserved.disk;
    facts.resources.reserved_ports.clone_from(&config.reserved.ports);
    let host_name = facts.attributes.get("unique.hostname").cloned();
    Node {
        id,
        name: config.name.clone().or(host_name).unwrap_or_else(|| "localhost".into()),
        datacenter: config.datacenter.clone(),
        class: config.class.clone(),
        pool: config.pool.clone(),
        http_address: config.http_address.clone(),
        version: version::PANNIER.into(),
        attributes: facts.attributes,
        meta: config.meta.clone(),
        resources: facts.resources,
        drivers: facts.drivers,
        status: NodeStatus::Initializing,
        status_description: "".into(),
        eligibility: Eligibility::Eligible,
        drain: None,
        status_updated_at: Timestamp::default(),
        create_index: 0,
        modify_index: 0,
    }
}

/// Looks at the drivers again. They come and go while the node runs; the machine stays what it is, and what is measured of it (clock
/// rates, free space) varies too much to promise anew every time.
pub fn refresh(node: &Node, drivers: &[Arc<dyn TaskDriver>]) -> Node {
    let mut facts = Facts::default();
    driver::add(&mut facts, drivers);
    let mut fresh = node.clone();
    fresh.attributes.retain(|name, _| !name.starts_with("driver."));
    fresh.attributes.extend(facts.attributes);
    fresh.drivers = facts.drivers;
    fresh
}

/// A file's text, or `None` with a note in the log.
fn read(path: &str) -> Option<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) => {
            tracing::debug!(path, %error, "cannot read a fact");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MebiBytes, MegaHertz};

    #[test]
    fn this_machine_has_the_facts_that_jobs_ask_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = NodeConfig::new(dir.path().to_owned());
        config.memory_total = Some(MebiBytes(4096));
        config.reserved.memory = MebiBytes(96);
        config.reserved.cores = vec![0];
        let node = fingerprint(&config, NodeId(1), &[]);
        for name in [
            "kernel.name",
            "kernel.version",
            "os.name",
            "cpu.arch",
            "cpu.numcores",
            "cpu.totalcompute",
            "memory.totalbytes",
            "nomad.version",
        ] {
            assert!(node.attributes.contains_key(name), "{name}");
        }
        assert_eq!(node.resources.available().memory, MebiBytes(4000));
        assert!(node.resources.cpu > MegaHertz(0) && node.resources.disk > MebiBytes(0) && node.resources.total_cores > 0);
        assert!(!node.resources.reservable_cores.contains(&0));
    }
}
