//! The core against the slow reference, and fleets and asks that nobody should have.

mod absurd;
mod against_reference;
mod cases;
mod shortlists;
mod soak;

use std::sync::Arc;

use super::*;
use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::model::{Allocation, Ask, MebiBytes, MegaHertz, Node, NodeId};
use crate::scheduler::testing;

pub fn ask(cpu: u64, memory: u64) -> Ask {
    Ask { cpu: MegaHertz(cpu), cores: 0, memory: MebiBytes(memory), disk: MebiBytes(0) }
}

pub fn sized(id: u128, cpu: u64, memory: u64) -> Node {
    let mut node = testing::node(id);
    node.resources.cpu = MegaHertz(cpu);
    node.resources.memory = MebiBytes(memory);
    node
}

/// An allocation on a node that holds `ask`.
pub fn holding(node: u128, ask: Ask) -> Arc<Allocation> {
    Arc::new(Allocation { ask, ..testing::allocation(&testing::job("j", 1), 0, node) })
}

/// A fleet of these nodes, with so much used on each.
pub fn fleet(nodes: &[(Node, Ask)]) -> Fleet {
    let mut fleet = Fleet::default();
    for (node, used) in nodes {
        fleet.set(&Arc::new(node.clone()), &[holding(node.id.0, *used)]);
    }
    fleet
}

/// Instances that any node of the fleet may take.
pub fn demand(fleet: &Fleet, ask: Ask, count: u32) -> Demand {
    let candidates = fleet.placeable().map(|ord| Candidate { ord, collisions: 0, affinity: 0.0 }).collect();
    Demand {
        ask,
        ports: PortDemand::default(),
        devices: DeviceDemand::default(),
        cores: CoreDemand::default(),
        algorithm: SchedulerAlgorithm::Binpack,
        anti_affinity: false,
        group_count: count,
        candidates,
        spreads: Vec::new(),
        distinct: Vec::new(),
        distinct_hosts: false,
        salt: 0,
    }
}

/// Every pick for `count` instances, in order.
pub fn place(fleet: &mut Fleet, demand: &Demand, count: u32) -> Vec<Pick> {
    let mut packer = Packer::new(fleet, demand.clone());
    let mut left = count;
    let mut picks = Vec::new();
    while let Some(pick) = packer.pick_run(left) {
        left -= pick.count;
        picks.push(pick);
    }
    picks
}

pub fn placed(picks: &[Pick]) -> u64 {
    picks.iter().map(|pick| u64::from(pick.count)).sum()
}

pub fn ids(fleet: &Fleet, picks: &[Pick]) -> Vec<(NodeId, u32)> {
    picks.iter().map(|pick| (fleet.node(pick.ord).id, pick.count)).collect()
}
