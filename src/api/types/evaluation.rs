//! Evaluations: reasons to look at a job again, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::allocation::AllocationMetric;
use super::null_as_default;

/// `GET /v1/evaluation/:id`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Evaluation {
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    pub priority: i64,
    /// The scheduler: `service`, `batch`, `system`, `sysbatch` or `_core`.
    #[serde(deserialize_with = "null_as_default")]
    pub r#type: String,
    #[serde(deserialize_with = "null_as_default")]
    pub triggered_by: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    pub job_modify_index: u64,
    #[serde(rename = "NodeID", deserialize_with = "null_as_default")]
    pub node_id: String,
    pub node_modify_index: u64,
    #[serde(rename = "DeploymentID", deserialize_with = "null_as_default")]
    pub deployment_id: String,
    /// `blocked`, `pending`, `complete`, `failed` or `canceled`.
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub status_description: String,
    /// Nanoseconds.
    pub wait: i64,
    /// RFC 3339.
    pub wait_until: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub next_eval: String,
    #[serde(deserialize_with = "null_as_default")]
    pub previous_eval: String,
    #[serde(deserialize_with = "null_as_default")]
    pub blocked_eval: String,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub related_evals: Vec<EvaluationStub>,
    #[serde(rename = "FailedTGAllocs", deserialize_with = "null_as_default")]
    pub failed_tg_allocs: BTreeMap<String, AllocationMetric>,
    #[serde(deserialize_with = "null_as_default")]
    pub class_eligibility: BTreeMap<String, bool>,
    pub escaped_computed_class: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub quota_limit_reached: String,
    pub annotate_plan: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub queued_allocations: BTreeMap<String, u64>,
    pub snapshot_index: u64,
    pub create_index: u64,
    pub modify_index: u64,
    /// Unix time in nanoseconds.
    pub create_time: i64,
    pub modify_time: i64,
}

/// An evaluation related to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EvaluationStub {
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    pub priority: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub r#type: String,
    #[serde(deserialize_with = "null_as_default")]
    pub triggered_by: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    #[serde(rename = "NodeID", deserialize_with = "null_as_default")]
    pub node_id: String,
    #[serde(rename = "DeploymentID", deserialize_with = "null_as_default")]
    pub deployment_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub status_description: String,
    pub wait_until: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub next_eval: String,
    #[serde(deserialize_with = "null_as_default")]
    pub previous_eval: String,
    #[serde(deserialize_with = "null_as_default")]
    pub blocked_eval: String,
    pub create_index: u64,
    pub modify_index: u64,
    pub create_time: i64,
    pub modify_time: i64,
}
