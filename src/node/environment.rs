//! The environment of a task: what the agent passes on, Nomad's `NOMAD_*` variables, and the task's own.

use std::collections::BTreeMap;
use std::path::Path;

use super::alloc_dir::AllocDir;
use super::interpolate::Interpolation;
use crate::model::{Allocation, AssignedDevice, AssignedPort, Job, MebiBytes, Node, Task, TaskGroup};

/// Never passed on from the agent's environment: they are the operator's, not the tasks'.
const WITHHELD: [&str; 12] = [
    "CONSUL_TOKEN",
    "CONSUL_HTTP_TOKEN",
    "CONSUL_HTTP_TOKEN_FILE",
    "NOMAD_TOKEN",
    "VAULT_TOKEN",
    "VAULT_LICENSE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "PANNIER_TOKEN",
    "PANNIER_GOSSIP_KEY",
];

/// Drivers whose tasks see the host's file system; all others see their directories at fixed places.
const HOST_FILE_SYSTEM_DRIVERS: [&str; 4] = ["raw_exec", "mock_driver", "mock", "qemu"];
/// Drivers whose tasks bring a system of their own, in which the agent's `PATH` means nothing.
const IMAGE_DRIVERS: [&str; 4] = ["docker", "podman", "oci", "vm"];

/// All that a task's environment is made of.
pub struct EnvironmentSource<'a> {
    pub node: &'a Node,
    pub region: &'a str,
    pub job: &'a Job,
    pub group: &'a TaskGroup,
    pub task: &'a Task,
    pub allocation: &'a Allocation,
    pub dirs: &'a AllocDir,
    /// The agent's own environment.
    pub agent: &'a BTreeMap<String, String>,
}

impl EnvironmentSource<'_> {
    /// The whole environment. Values may refer to variables and node facts.
    pub fn build(&self) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        if !IMAGE_DRIVERS.contains(&&*self.task.driver) {
            let passed_on = self.agent.iter().filter(|(name, _)| !WITHHELD.contains(&name.as_str()));
            env.extend(passed_on.map(|(name, value)| (name.clone(), value.clone())));
        }
        self.add_directories(&mut env);
        self.add_ids(&mut env);
        self.add_limits(&mut env);
        self.add_devices(&mut env);
        self.add_ports(&mut env);
        self.add_meta(&mut env);

        let mut own = BTreeMap::new();
        for (name, value) in &self.task.env {
            let interpolation = Interpolation { env: &env, node: self.node, region: self.region };
            own.insert(interpolation.text(name), interpolation.text(value));
        }
        env.extend(own);
        env
    }

    fn add_directories(&self, env: &mut BTreeMap<String, String>) {
        let task_dir = self.dirs.task(&self.task.name);
        let on_host = HOST_FILE_SYSTEM_DRIVERS.contains(&&*self.task.driver);
        let mut set = |name: &str, host: &Path, inside: &str| {
            let path = if on_host { host.to_string_lossy().into_owned() } else { inside.to_owned() };
            env.insert(name.to_owned(), path);
        };
        set("NOMAD_ALLOC_DIR", &self.dirs.shared(), "/alloc");
        set("NOMAD_TASK_DIR", &task_dir.join("local"), "/local");
        set("NOMAD_SECRETS_DIR", &task_dir.join("secrets"), "/secrets");
    }

    fn add_ids(&self, env: &mut BTreeMap<String, String>) {
        let Self { job, allocation, .. } = self;
        let mut set = |name: &str, value: String| env.insert(name.to_owned(), value);
        set("NOMAD_ALLOC_ID", allocation.id.to_string());
        set("NOMAD_SHORT_ALLOC_ID", allocation.id.short());
        set("NOMAD_ALLOC_NAME", allocation.name());
        set("NOMAD_ALLOC_INDEX", allocation.index.to_string());
        set("NOMAD_TASK_NAME", self.task.name.to_string());
        set("NOMAD_GROUP_NAME", self.group.name.to_string());
        set("NOMAD_JOB_ID", job.key.id.to_string());
        set("NOMAD_JOB_NAME", job.name.to_string());
        if let Some(parent) = &job.parent_id {
            set("NOMAD_JOB_PARENT_ID", parent.to_string());
        }
        set("NOMAD_NAMESPACE", job.key.namespace.to_string());
        set("NOMAD_REGION", self.region.to_owned());
        set("NOMAD_DC", self.node.datacenter.to_string());
    }

    fn add_limits(&self, env: &mut BTreeMap<String, String>) {
        let resources = &self.task.resources;
        let cpu = if resources.cores > 0 { crate::model::fit::compute_of_cores(self.node, resources.cores) } else { resources.cpu };
        let mut set = |name: &str, value: String| env.insert(name.to_owned(), value);
        set("NOMAD_CPU_LIMIT", cpu.0.to_string());
        if resources.cores > 0 {
            set("NOMAD_CPU_CORES", core_list(&self.group.cores_of(&self.task.name, &self.allocation.cores)));
        }
        set("NOMAD_MEMORY_LIMIT", resources.memory.0.to_string());
        if resources.memory_max > resources.memory && resources.memory_max != MebiBytes::UNLIMITED {
            set("NOMAD_MEMORY_MAX_LIMIT", resources.memory_max.0.to_string());
        }
        if let Some(parent) = self.node.attributes.get("unique.cgroup.parent") {
            set("NOMAD_PARENT_CGROUP", parent.to_string());
        }
    }

    /// Which devices the task has. Programs that know nothing of pannier find NVIDIA's cards by the variable that its container runtime
    /// reads; by itself a variable keeps nobody from a device.
    fn add_devices(&self, env: &mut BTreeMap<String, String>) {
        let given = || self.allocation.devices.iter().filter(|device| device.task == self.task.name);
        let ids =
            |devices: &mut dyn Iterator<Item = &AssignedDevice>| devices.map(|device| &*device.instance).collect::<Vec<_>>().join(",");
        if given().next().is_none() {
            return;
        }
        env.insert("PANNIER_DEVICE_IDS".to_owned(), ids(&mut given()));
        let shares: Vec<String> = given().map(|device| device.share.to_string()).collect();
        env.insert("PANNIER_DEVICE_SHARES".to_owned(), shares.join(","));
        let nvidia = ids(&mut given().filter(|device| &*device.vendor == "nvidia" && &*device.kind == "gpu"));
        if !nvidia.is_empty() {
            env.insert("NVIDIA_VISIBLE_DEVICES".to_owned(), nvidia);
        }
    }

    fn add_ports(&self, env: &mut BTreeMap<String, String>) {
        for port in &self.allocation.ports {
            let label = variable_name(&port.label);
            let AssignedPort { value, to, host_ip, .. } = port;
            let inside = if *to == 0 { value } else { to };
            let address = join_host_port(host_ip, *value);
            let mut set = |name: &str, value: String| env.insert(format!("NOMAD_{name}_{label}"), value);
            set("IP", host_ip.to_string());
            set("PORT", inside.to_string());
            set("ADDR", address.clone());
            set("HOST_IP", host_ip.to_string());
            set("HOST_PORT", value.to_string());
            set("HOST_ADDR", address);
            set("ALLOC_PORT", inside.to_string());
        }
    }

    fn add_meta(&self, env: &mut BTreeMap<String, String>) {
        let layers = [&self.job.meta, &self.group.meta, &self.task.meta];
        let merged: BTreeMap<_, _> = layers.into_iter().flatten().collect();
        for (key, value) in merged {
            let value = Interpolation { env, node: self.node, region: self.region }.text(value);
            let key = variable_name(key);
            env.insert(format!("NOMAD_META_{}", key.to_uppercase()), value.clone());
            env.insert(format!("NOMAD_META_{key}"), value);
        }
    }
}

/// A label as part of a variable's name: what a shell would not take becomes `_`.
fn variable_name(label: &str) -> String {
    label.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

fn join_host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `0-2,5`, as cpusets are written.
pub fn core_list(cores: &[u16]) -> String {
    let mut sorted = cores.to_vec();
    sorted.sort_unstable();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for core in sorted {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == core => *end = core,
            _ => ranges.push((core, core)),
        }
    }
    let texts: Vec<String> =
        ranges.iter().map(|(start, end)| if start == end { start.to_string() } else { format!("{start}-{end}") }).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AllocId, DeviceShare};
    use crate::node::testing;

    fn build(change: impl FnOnce(&mut Job, &mut Allocation)) -> BTreeMap<String, String> {
        let mut job = testing::service_job("shop");
        let mut allocation = testing::allocation(&job, "group");
        allocation.id = AllocId(0x1122_3344_5566_4778_899a_abbc_cdde_eff0);
        change(&mut job, &mut allocation);
        let node = testing::node();
        let dirs = AllocDir::new(Path::new("/data/alloc"), allocation.id);
        let agent = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned()), ("VAULT_TOKEN".to_owned(), "secret".to_owned())]);
        let group = &job.groups[0];
        let source = EnvironmentSource {
            node: &node,
            region: "global",
            job: &job,
            group,
            task: &group.tasks[0],
            allocation: &allocation,
            dirs: &dirs,
            agent: &agent,
        };
        source.build()
    }

    #[test]
    fn names_the_allocation_and_its_directories() {
        let env = build(|job, _| job.groups[0].tasks[0].driver = "raw_exec".into());
        let root = "/data/alloc/11223344-5566-4778-899a-abbccddeeff0";
        for (name, value) in [
            ("NOMAD_ALLOC_DIR", format!("{root}/alloc")),
            ("NOMAD_TASK_DIR", format!("{root}/task/local")),
            ("NOMAD_SECRETS_DIR", format!("{root}/task/secrets")),
            ("NOMAD_SHORT_ALLOC_ID", "11223344".to_owned()),
            ("NOMAD_ALLOC_NAME", "shop.group[0]".to_owned()),
            ("NOMAD_CPU_LIMIT", "100".to_owned()),
            ("NOMAD_MEMORY_LIMIT", "300".to_owned()),
            ("PATH", "/bin".to_owned()),
        ] {
            assert_eq!(env.get(name), Some(&value), "{name}");
        }
        assert!(!env.contains_key("VAULT_TOKEN"));
    }

    #[test]
    fn containers_see_fixed_directories_and_not_the_agents_path() {
        let env = build(|job, _| job.groups[0].tasks[0].driver = "docker".into());
        assert_eq!(env["NOMAD_TASK_DIR"], "/local");
        assert!(!env.contains_key("PATH"));
    }

    #[test]
    fn tells_ports_as_seen_from_inside_and_outside() {
        let env = build(|_, allocation| {
            allocation.ports.push(AssignedPort {
                label: "http-api".into(),
                value: 20_001,
                to: 8080,
                host_ip: "10.0.0.7".into(),
                shared: false,
            });
            allocation.ports.push(AssignedPort { label: "six".into(), value: 20_002, to: 0, host_ip: "fd00::1".into(), shared: false });
        });
        assert_eq!(env["NOMAD_PORT_http_api"], "8080");
        assert_eq!(env["NOMAD_HOST_PORT_http_api"], "20001");
        assert_eq!(env["NOMAD_ADDR_http_api"], "10.0.0.7:20001");
        assert_eq!(env["NOMAD_PORT_six"], "20002");
        assert_eq!(env["NOMAD_HOST_ADDR_six"], "[fd00::1]:20002");
    }

    #[test]
    fn a_task_is_told_its_own_devices() {
        let device = |task: &str, vendor: &str, instance: &str, share| AssignedDevice {
            task: task.into(),
            vendor: vendor.into(),
            kind: "gpu".into(),
            name: "A100".into(),
            instance: instance.into(),
            share: DeviceShare(share),
        };
        let env = build(|job, allocation| {
            let own = job.groups[0].tasks[0].name.clone();
            allocation.devices =
                vec![device(&own, "nvidia", "GPU-a", 1000), device("other", "nvidia", "GPU-b", 1000), device(&own, "acme", "7", 250)]
                    .into();
        });
        assert_eq!(env["PANNIER_DEVICE_IDS"], "GPU-a,7");
        assert_eq!(env["PANNIER_DEVICE_SHARES"], "1,0.25");
        assert_eq!(env["NVIDIA_VISIBLE_DEVICES"], "GPU-a");
        assert!(!build(|_, _| ()).contains_key("PANNIER_DEVICE_IDS"));
    }

    #[test]
    fn meta_of_the_task_wins_and_values_are_resolved() {
        let env = build(|job, _| {
            job.meta.insert("color".into(), "red".into());
            let task = &mut job.groups[0].tasks[0];
            task.meta.insert("color".into(), "blue of ${NOMAD_JOB_ID}".into());
            task.env.insert("SEEN".into(), "${NOMAD_META_color} on ${node.datacenter}".into());
        });
        assert_eq!(env["NOMAD_META_color"], "blue of shop");
        assert_eq!(env["NOMAD_META_COLOR"], "blue of shop");
        assert_eq!(env["SEEN"], "blue of shop on dc1");
    }

    #[test]
    fn writes_core_lists_as_cpusets() {
        assert_eq!(core_list(&[5, 0, 2, 1]), "0-2,5");
        assert_eq!(core_list(&[]), "");
    }
}
