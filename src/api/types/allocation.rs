//! Allocations: the row of a list, the whole, and why one was or was not placed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;
use super::resources::{AllocatedResources, Resources};
use super::task::TaskState;

/// One row of `GET /v1/allocations`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocationListStub {
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    #[serde(rename = "EvalID", deserialize_with = "null_as_default")]
    pub eval_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(rename = "NodeID", deserialize_with = "null_as_default")]
    pub node_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub node_name: String,
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub job_type: String,
    pub job_version: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub task_group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_resources: Option<AllocatedResources>,
    /// `run`, `stop` or `evict`.
    #[serde(deserialize_with = "null_as_default")]
    pub desired_status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub desired_description: String,
    /// `pending`, `running`, `complete`, `failed`, `lost` or `unknown`.
    #[serde(deserialize_with = "null_as_default")]
    pub client_status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub client_description: String,
    pub desired_transition: DesiredTransition,
    #[serde(deserialize_with = "null_as_default")]
    pub task_states: BTreeMap<String, TaskState>,
    pub deployment_status: Option<AllocationDeploymentStatus>,
    #[serde(rename = "FollowupEvalID", deserialize_with = "null_as_default")]
    pub followup_eval_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub next_allocation: String,
    pub reschedule_tracker: Option<RescheduleTracker>,
    #[serde(deserialize_with = "null_as_default")]
    pub preempted_allocations: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub preempted_by_allocation: String,
    pub create_index: u64,
    pub modify_index: u64,
    /// Unix time in nanoseconds.
    pub create_time: i64,
    pub modify_time: i64,
}

/// `GET /v1/allocation/:id`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Allocation {
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(rename = "EvalID", deserialize_with = "null_as_default")]
    pub eval_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(rename = "NodeID", deserialize_with = "null_as_default")]
    pub node_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub node_name: String,
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    /// The job as it was when this allocation was placed.
    pub job: Option<serde_json::Value>,
    #[serde(deserialize_with = "null_as_default")]
    pub task_group: String,
    pub resources: Option<Resources>,
    #[serde(deserialize_with = "null_as_default")]
    pub task_resources: BTreeMap<String, Resources>,
    pub allocated_resources: Option<AllocatedResources>,
    pub metrics: Option<AllocationMetric>,
    #[serde(deserialize_with = "null_as_default")]
    pub desired_status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub desired_description: String,
    pub desired_transition: DesiredTransition,
    #[serde(deserialize_with = "null_as_default")]
    pub client_status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub client_description: String,
    #[serde(deserialize_with = "null_as_default")]
    pub task_states: BTreeMap<String, TaskState>,
    #[serde(rename = "DeploymentID", deserialize_with = "null_as_default")]
    pub deployment_id: String,
    pub deployment_status: Option<AllocationDeploymentStatus>,
    #[serde(rename = "FollowupEvalID", deserialize_with = "null_as_default")]
    pub followup_eval_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub previous_allocation: String,
    #[serde(deserialize_with = "null_as_default")]
    pub next_allocation: String,
    pub reschedule_tracker: Option<RescheduleTracker>,
    pub network_status: Option<AllocationNetworkStatus>,
    #[serde(deserialize_with = "null_as_default")]
    pub preempted_allocations: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub preempted_by_allocation: String,
    pub create_index: u64,
    pub modify_index: u64,
    pub alloc_modify_index: u64,
    /// Unix time in nanoseconds.
    pub create_time: i64,
    pub modify_time: i64,
}

/// What an operator asked to happen to an allocation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DesiredTransition {
    pub migrate: Option<bool>,
    pub reschedule: Option<bool>,
    pub force_reschedule: Option<bool>,
}

/// What a deployment thinks of an allocation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocationDeploymentStatus {
    /// None while undecided.
    pub healthy: Option<bool>,
    /// RFC 3339.
    pub timestamp: Option<String>,
    pub canary: bool,
    pub modify_index: u64,
}

/// The earlier attempts of an allocation's line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RescheduleTracker {
    #[serde(deserialize_with = "null_as_default")]
    pub events: Vec<RescheduleEvent>,
}

/// One earlier attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RescheduleEvent {
    /// Unix time in nanoseconds.
    pub reschedule_time: i64,
    #[serde(rename = "PrevAllocID", deserialize_with = "null_as_default")]
    pub prev_alloc_id: String,
    #[serde(rename = "PrevNodeID", deserialize_with = "null_as_default")]
    pub prev_node_id: String,
    /// Nanoseconds.
    pub delay: i64,
}

/// The allocation's own network, when it has one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocationNetworkStatus {
    #[serde(deserialize_with = "null_as_default")]
    pub interface_name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub address: String,
    #[serde(rename = "DNS")]
    pub dns: Option<serde_json::Value>,
}

/// What the scheduler met on the way to placing an allocation, or to failing to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocationMetric {
    pub nodes_evaluated: u64,
    pub nodes_filtered: u64,
    pub nodes_in_pool: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub node_pool: String,
    /// Nodes ready, per datacenter.
    #[serde(deserialize_with = "null_as_default")]
    pub nodes_available: BTreeMap<String, u64>,
    #[serde(deserialize_with = "null_as_default")]
    pub class_filtered: BTreeMap<String, u64>,
    /// Nodes refused, per constraint.
    #[serde(deserialize_with = "null_as_default")]
    pub constraint_filtered: BTreeMap<String, u64>,
    pub nodes_exhausted: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub class_exhausted: BTreeMap<String, u64>,
    /// Nodes too full, per dimension (`cpu`, `memory`, `disk`, ...).
    #[serde(deserialize_with = "null_as_default")]
    pub dimension_exhausted: BTreeMap<String, u64>,
    #[serde(deserialize_with = "null_as_default")]
    pub quota_exhausted: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub resources_exhausted: BTreeMap<String, Resources>,
    /// What nodes lack, class by class (pannier's own).
    #[serde(deserialize_with = "null_as_default")]
    pub missing: Vec<super::explain::MissingOfClass>,
    /// Changes each of which would help by itself (pannier's own).
    #[serde(deserialize_with = "null_as_default")]
    pub changes: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub score_meta_data: Vec<NodeScoreMeta>,
    /// Nanoseconds.
    pub allocation_time: i64,
    /// Further failures with the same reasons, not listed one by one.
    pub coalesced_failures: u64,
}

/// How one candidate node scored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeScoreMeta {
    #[serde(rename = "NodeID", deserialize_with = "null_as_default")]
    pub node_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub scores: BTreeMap<String, f64>,
    pub norm_score: f64,
}

/// Answer to `PUT /v1/allocation/:id/stop`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocationStopResponse {
    #[serde(rename = "EvalID", deserialize_with = "null_as_default")]
    pub eval_id: String,
    pub index: u64,
}

/// Body of `PUT /v1/client/allocation/:id/restart`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocationRestartRequest {
    #[serde(deserialize_with = "null_as_default")]
    pub task_name: String,
    pub all_tasks: bool,
}

/// Body of `PUT /v1/client/allocation/:id/signal`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocationSignalRequest {
    #[serde(deserialize_with = "null_as_default")]
    pub task: String,
    #[serde(deserialize_with = "null_as_default")]
    pub signal: String,
}
