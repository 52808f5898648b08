//! Changing the count of a group, and what the cluster says about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// Body of `PUT /v1/job/:id/scale`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ScaleRequest {
    /// The count wanted; none records an event only.
    pub count: Option<i64>,
    /// `{"Group": name}`.
    #[serde(deserialize_with = "null_as_default")]
    pub target: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    pub message: String,
    pub error: bool,
    pub meta: Option<serde_json::Map<String, serde_json::Value>>,
    pub policy_override: bool,
    pub job_modify_index: u64,
}

/// Answer to `GET /v1/job/:id/scale`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ScaleStatus {
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    pub job_create_index: u64,
    pub job_modify_index: u64,
    pub job_stopped: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub task_groups: BTreeMap<String, TaskGroupScaleStatus>,
}

/// Counts of one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskGroupScaleStatus {
    pub desired: u64,
    pub placed: u64,
    pub running: u64,
    pub healthy: u64,
    pub unhealthy: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub events: Vec<ScalingEvent>,
}

/// One change of a count, or a message recorded in its place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingEvent {
    pub count: Option<i64>,
    pub previous_count: i64,
    pub error: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub message: String,
    pub meta: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(rename = "EvalID")]
    pub eval_id: Option<String>,
    /// Unix time in nanoseconds.
    pub time: u64,
    pub create_index: u64,
}
