//! A plan: what the scheduler wants to change, for one or many jobs, as one log entry.
//!
//! Plans carry *runs* ("node 17 takes indexes 40..52 of group web"): rows are made at `apply`, because everything
//! after the pick costs more than the pick. Ids and times come inside the plan, so `apply` stays deterministic.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::allocation::RescheduleEvent;
use super::{
    AllocClientStatus, AllocDesiredStatus, AllocId, Ask, AssignedDevice, AssignedPort, Deployment, DeploymentId, DeploymentStatus, EvalId,
    Evaluation, JobRef, NodeId, Text,
};
use crate::util::clock::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub created_at: Timestamp,
    /// New allocations' ids are `AllocId::derive(id_seed, ordinal)`, counted over all placements in order.
    pub id_seed: u128,
    pub placements: Vec<Placement>,
    pub stops: Vec<Stop>,
    pub in_place: Vec<InPlaceUpdate>,
    pub new_deployments: Vec<Deployment>,
    pub deployment_updates: Vec<DeploymentUpdate>,
    /// Evaluations that this plan finishes, blocks or creates (an upsert each).
    pub evaluations: Vec<Evaluation>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.placements.is_empty()
            && self.stops.is_empty()
            && self.in_place.is_empty()
            && self.new_deployments.is_empty()
            && self.deployment_updates.is_empty()
            && self.evaluations.is_empty()
    }
}

/// New instances of one group of one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    pub eval_id: EvalId,
    pub job: JobRef,
    /// `job_modify_index` of the newest specification, which this was decided for. `job` is older where canaries still run beside it.
    pub newest: u64,
    pub group: Text,
    /// Of one instance.
    pub ask: Ask,
    pub deployment: Option<DeploymentId>,
    pub canary: bool,
    pub metrics: Arc<PlacementMetrics>,
    pub runs: Vec<Run>,
}

/// Only allocations whose job has a priority lower by at least this are pushed aside.
pub const LEAST_PRIORITY_GAP: u8 = 10;

/// `count` instances with consecutive indexes on one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub node: NodeId,
    pub first_index: u32,
    pub count: u32,
    /// `count` x ports-per-instance, instance by instance.
    pub ports: Vec<AssignedPort>,
    /// `count` x cores-per-instance, instance by instance.
    pub cores: Vec<u16>,
    /// `count` x devices-per-instance, instance by instance.
    pub devices: Vec<AssignedDevice>,
    /// The instance this one replaces; only in runs of one.
    pub previous: Option<AllocId>,
    pub reschedules: Vec<RescheduleEvent>,
    /// Allocations on the node that are evicted for this one; only in runs of one.
    pub preempts: Vec<AllocId>,
}

/// An allocation that shall end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    pub alloc: AllocId,
    pub desired: AllocDesiredStatus,
    pub description: Text,
    /// Set when the scheduler knows what the node cannot tell any more (`Lost`, `Unknown`).
    pub client_status: Option<AllocClientStatus>,
    pub follow_up_eval: Option<EvalId>,
    pub preempted_by: Option<AllocId>,
}

/// An allocation that goes on under a newer specification, or is only marked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InPlaceUpdate {
    pub alloc: AllocId,
    pub job: JobRef,
    pub deployment: Option<DeploymentId>,
    pub follow_up_eval: Option<EvalId>,
    pub client_status: Option<AllocClientStatus>,
}

/// The next state of a deployment that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentUpdate {
    pub id: DeploymentId,
    pub status: DeploymentStatus,
    pub description: Text,
    /// Groups whose canaries go on as ordinary instances.
    pub promote: Vec<Text>,
    /// `job_modify_index` of the specification that is registered again, unless the job is another by now.
    pub revert_to: Option<u64>,
}

/// How a placement was chosen, or why it could not be: Nomad's `AllocMetric`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlacementMetrics {
    pub nodes_evaluated: u32,
    pub nodes_filtered: u32,
    pub nodes_in_pool: u32,
    pub nodes_available: BTreeMap<Text, u32>,
    /// Filtered nodes by node class.
    pub class_filtered: BTreeMap<Text, u32>,
    /// Filtered nodes by the constraint that did it (`${attr.kernel.name} = linux`, `missing drivers`, ...).
    pub constraint_filtered: BTreeMap<Text, u32>,
    pub nodes_exhausted: u32,
    pub class_exhausted: BTreeMap<Text, u32>,
    /// Exhausted nodes by dimension (`memory`, `cpu`, `network: ...`).
    pub dimension_exhausted: BTreeMap<Text, u32>,
    /// The largest free amount seen per exhausted dimension beside what was asked ("memory: largest free 3120 MiB, asked 4096 MiB").
    pub largest_free: BTreeMap<Text, Text>,
    /// The best nodes with their scores, best first (at most five).
    pub scores: Vec<NodeScore>,
    pub allocation_time_ns: u64,
    /// Further instances that failed for the same reason.
    pub coalesced_failures: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeScore {
    pub node: NodeId,
    /// Terms by Nomad's names: `binpack`, `job-anti-affinity`, ...
    pub terms: Vec<(Text, f64)>,
    pub total: f64,
}
