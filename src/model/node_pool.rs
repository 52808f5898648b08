//! Node pools: nodes set apart, with settings of their own for how jobs are placed on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Text;
use super::scheduler_config::{SchedulerAlgorithm, SchedulerConfig};

/// The pool of nodes and jobs that name none, and the one that stands for every node: both are always there as they are.
pub const BUILT_IN: [&str; 2] = [DEFAULT, ALL];
pub const DEFAULT: &str = "default";
pub const ALL: &str = "all";

/// A pool that somebody wrote down. Nodes may name others, which then go by the cluster's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePool {
    pub name: Text,
    pub description: Text,
    pub meta: BTreeMap<Text, Text>,
    pub scheduler: PoolScheduler,
    pub create_index: u64,
    pub modify_index: u64,
}

/// What differs from the cluster's scheduler configuration for jobs of a pool; `None`: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolScheduler {
    pub algorithm: Option<SchedulerAlgorithm>,
    pub memory_oversubscription: Option<bool>,
}

impl SchedulerConfig {
    /// How jobs of this pool are placed.
    pub fn algorithm_in(&self, pool: Option<&NodePool>) -> SchedulerAlgorithm {
        pool.and_then(|pool| pool.scheduler.algorithm).unwrap_or(self.algorithm)
    }

    /// Whether tasks of jobs of this pool may use more memory than they reserve.
    pub fn oversubscribes_memory_in(&self, pool: Option<&NodePool>) -> bool {
        pool.and_then(|pool| pool.scheduler.memory_oversubscription).unwrap_or(self.memory_oversubscription)
    }
}
