//! Fleets of four sizes, three datacenters and some racks, and jobs for them.

use std::sync::Arc;

use pannier::scheduler::placement::{Candidate, CoreDemand, Demand, DeviceDemand, Fleet, PortDemand};

use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::model::*;
use crate::testing::{self, FakeState};

/// Nodes on which nothing runs.
pub fn cluster(nodes: u32, racks: u32) -> FakeState {
    let mut cluster = FakeState::default();
    for number in 0..nodes {
        cluster.set_node(node(number, racks));
    }
    cluster
}

pub fn fleet(nodes: u32) -> Fleet {
    let mut fleet = Fleet::default();
    for number in 0..nodes {
        fleet.set(&Arc::new(node(number, 50)), &[]);
    }
    fleet
}

fn node(number: u32, racks: u32) -> Node {
    let mut node = testing::node(u128::from(number) + 1);
    let scale = u64::from(1 + number % 4);
    node.datacenter = format!("dc{}", number % 3).into();
    node.attributes = [("kernel.name".into(), "linux".into()), ("cpu.arch".into(), "amd64".into())].into();
    node.meta = [("rack".into(), format!("r{}", number % racks).into())].into();
    node.resources.cpu = MegaHertz(scale * 20_000);
    node.resources.memory = MebiBytes(scale * 32_768);
    node.resources.disk = MebiBytes(500_000);
    node
}

pub fn ask(cpu: u64, memory: u64) -> Ask {
    Ask { cpu: MegaHertz(cpu), cores: 0, memory: MebiBytes(memory), disk: MebiBytes(10) }
}

/// `count` equal instances that any node may take.
pub fn demand(fleet: &Fleet, ask: Ask, count: u32) -> Demand {
    Demand {
        ask,
        ports: PortDemand::default(),
        devices: DeviceDemand::default(),
        cores: CoreDemand::default(),
        algorithm: SchedulerAlgorithm::Binpack,
        anti_affinity: false,
        group_count: count,
        candidates: fleet.placeable().map(|ord| Candidate { ord, collisions: 0, affinity: 0.0 }).collect(),
        spreads: Vec::new(),
        distinct: Vec::new(),
        distinct_hosts: false,
        salt: 1,
    }
}

pub fn even_spread(attribute: &str) -> Spread {
    Spread { attribute: attribute.into(), weight: 50, targets: vec![] }
}

pub fn job(kind: JobType, count: u32) -> Job {
    Job { job_type: kind, groups: vec![group("work", count, 250, 256)], ..testing::job("bench", count) }
}

pub fn group(name: &str, count: u32, cpu: u64, memory: u64) -> TaskGroup {
    let mut group = testing::group(name, count);
    let resources = &mut group.tasks[0].resources;
    (resources.cpu, resources.memory) = (MegaHertz(cpu), MebiBytes(memory));
    group.ephemeral_disk.size = MebiBytes(10);
    group
}
