//! What the packing core is asked to place, in numbers only.

use super::NodeOrd;
use super::cores::CoreDemand;
use super::devices::DeviceDemand;
use crate::model::Ask;
use crate::model::scheduler_config::SchedulerAlgorithm;

/// "This node has no such value" in an axis.
pub const NO_VALUE: u32 = u32::MAX;

/// Equal instances of one group and the nodes that may take them.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Of one instance; the compute of whole cores is added per node.
    pub ask: Ask,
    pub ports: PortDemand,
    pub devices: DeviceDemand,
    pub cores: CoreDemand,
    pub algorithm: SchedulerAlgorithm,
    /// Whether instances of the group avoid each other's nodes.
    pub anti_affinity: bool,
    /// The group's count: the divisor of the job anti-affinity.
    pub group_count: u32,
    /// Ascending by ordinal.
    pub candidates: Vec<Candidate>,
    pub spreads: Vec<SpreadAxis>,
    pub distinct: Vec<DistinctAxis>,
    /// At most one instance per node; nodes that have one already are not candidates.
    pub distinct_hosts: bool,
    /// Varies the choice of dynamic ports.
    pub salt: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub ord: NodeOrd,
    /// Instances of the same group that are there already.
    pub collisions: u32,
    /// Met affinities over all, -1..=1.
    pub affinity: f64,
}

#[derive(Clone, Debug, Default)]
pub struct PortDemand {
    /// Host ports by number, and whether they may be shared.
    pub fixed: Vec<(u16, bool)>,
    /// How many of the node's dynamic range.
    pub dynamic: u16,
}

impl PortDemand {
    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.dynamic == 0
    }
}

/// An attribute whose values instances are spread over.
#[derive(Clone, Debug)]
pub struct SpreadAxis {
    /// The value's ordinal of each candidate, or [`NO_VALUE`].
    pub values: Vec<u32>,
    /// Instances that have each value now.
    pub used: Vec<u32>,
    pub goal: SpreadGoal,
}

#[derive(Clone, Debug)]
pub enum SpreadGoal {
    /// As many on each value.
    Even,
    /// So many instances on each value (`None`: unwanted), and this axis' share of all weights.
    Targets { wanted: Vec<Option<f64>>, weight_share: f64 },
}

/// An attribute of which each value may be used `limit` times (`distinct_property`).
#[derive(Clone, Debug)]
pub struct DistinctAxis {
    pub values: Vec<u32>,
    pub used: Vec<u32>,
    pub limit: u32,
}

impl DistinctAxis {
    pub fn admits(&self, slot: usize) -> bool {
        let value = self.values[slot];
        value != NO_VALUE && self.used[value as usize] < self.limit
    }
}
