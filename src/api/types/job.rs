//! Jobs as lists, summaries and the answers to registering, planning, validating and stopping one.
//! The full job is a `serde_json::Value` here: its shape belongs to `jobspec::json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::allocation::{AllocationListStub, AllocationMetric};
use super::null_as_default;

/// One row of `GET /v1/jobs`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobListStub {
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    #[serde(rename = "ParentID", deserialize_with = "null_as_default")]
    pub parent_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(deserialize_with = "null_as_default")]
    pub datacenters: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub node_pool: String,
    /// `service`, `batch`, `system` or `sysbatch`.
    #[serde(deserialize_with = "null_as_default")]
    pub r#type: String,
    pub priority: i64,
    pub periodic: bool,
    pub parameterized_job: bool,
    pub stop: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub status_description: String,
    pub job_summary: Option<JobSummary>,
    pub create_index: u64,
    pub modify_index: u64,
    pub job_modify_index: u64,
    /// Unix time in nanoseconds.
    pub submit_time: i64,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
}

/// `GET /v1/job/:id/summary`: how many allocations of each group are in which state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobSummary {
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(deserialize_with = "null_as_default")]
    pub summary: BTreeMap<String, TaskGroupSummary>,
    pub children: Option<JobChildrenSummary>,
    pub create_index: u64,
    pub modify_index: u64,
}

/// Allocations of one group, counted by state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskGroupSummary {
    pub queued: u64,
    pub complete: u64,
    pub failed: u64,
    pub running: u64,
    pub starting: u64,
    pub lost: u64,
    pub unknown: u64,
}

/// Children of a periodic or parameterized job, counted by state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobChildrenSummary {
    pub pending: u64,
    pub running: u64,
    pub dead: u64,
}

/// The text a job was parsed from, kept beside the job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobSubmission {
    #[serde(deserialize_with = "null_as_default")]
    pub source: String,
    /// `hcl2` or `json`.
    #[serde(deserialize_with = "null_as_default")]
    pub format: String,
    /// Variables given as `-var name=value`.
    #[serde(deserialize_with = "null_as_default")]
    pub variable_flags: BTreeMap<String, String>,
    /// The contents of variable files, joined.
    #[serde(deserialize_with = "null_as_default")]
    pub variables: String,
}

/// Body of `PUT /v1/jobs`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobRegisterRequest {
    pub job: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission: Option<JobSubmission>,
    pub enforce_index: bool,
    pub job_modify_index: u64,
    pub policy_override: bool,
    pub preserve_counts: bool,
    pub preserve_resources: bool,
    /// 0 means the job's own priority.
    pub eval_priority: i64,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub region: String,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// Answer to registering, scaling, evaluating or reverting a job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobRegisterResponse {
    /// Empty for periodic and parameterized jobs, which are not evaluated themselves.
    #[serde(rename = "EvalID", deserialize_with = "null_as_default")]
    pub eval_id: String,
    pub eval_create_index: u64,
    pub job_modify_index: u64,
    /// Several lines of text, or empty.
    #[serde(deserialize_with = "null_as_default")]
    pub warnings: String,
    pub index: u64,
}

/// Answer to `DELETE /v1/job/:id`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobDeregisterResponse {
    #[serde(rename = "EvalID", deserialize_with = "null_as_default")]
    pub eval_id: String,
    pub eval_create_index: u64,
    pub job_modify_index: u64,
    pub index: u64,
}

/// Body of `PUT /v1/job/:id/evaluate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobEvaluateRequest {
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    pub eval_options: EvalOptions,
}

/// What a forced evaluation shall do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EvalOptions {
    pub force_reschedule: bool,
}

/// Body of `PUT /v1/job/:id/plan`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobPlanRequest {
    pub job: serde_json::Value,
    pub diff: bool,
    pub policy_override: bool,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub region: String,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// What registering the job would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobPlanResponse {
    /// Index to pass to `job run -check-index`; 0 for a new job.
    pub job_modify_index: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub created_evals: Vec<super::evaluation::Evaluation>,
    pub diff: Option<serde_json::Value>,
    pub annotations: Option<PlanAnnotations>,
    #[serde(rename = "FailedTGAllocs", deserialize_with = "null_as_default")]
    pub failed_tg_allocs: BTreeMap<String, AllocationMetric>,
    /// RFC 3339.
    pub next_periodic_launch: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub warnings: String,
}

/// The scheduler's intentions, per group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct PlanAnnotations {
    #[serde(rename = "DesiredTGUpdates", deserialize_with = "null_as_default")]
    pub desired_tg_updates: BTreeMap<String, DesiredUpdates>,
    #[serde(deserialize_with = "null_as_default")]
    pub preempted_allocs: Vec<AllocationListStub>,
}

/// How many allocations of one group would be changed in which way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DesiredUpdates {
    pub ignore: u64,
    pub place: u64,
    pub migrate: u64,
    pub stop: u64,
    pub in_place_update: u64,
    pub destructive_update: u64,
    pub canary: u64,
    pub preemptions: u64,
    pub disconnect: u64,
    pub reconnect: u64,
    pub reschedule_now: u64,
    pub reschedule_later: u64,
}

/// Body of `PUT /v1/validate/job`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobValidateRequest {
    pub job: serde_json::Value,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub region: String,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// Answer to `PUT /v1/validate/job`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobValidateResponse {
    pub driver_config_validated: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub validation_errors: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub error: String,
    #[serde(deserialize_with = "null_as_default")]
    pub warnings: String,
    /// Errors and warnings as data: severity, code, message, path's place where there is one, help.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub diagnostics: serde_json::Value,
}

/// Body of `PUT /v1/jobs/parse`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobParseRequest {
    #[serde(rename = "JobHCL", deserialize_with = "null_as_default")]
    pub job_hcl: String,
    /// The contents of a variable file.
    #[serde(deserialize_with = "null_as_default")]
    pub variables: String,
    pub canonicalize: bool,
}

/// Answer to `GET /v1/job/:id/versions`, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobVersionsResponse {
    #[serde(deserialize_with = "null_as_default")]
    pub versions: Vec<serde_json::Value>,
    #[serde(deserialize_with = "null_as_default")]
    pub diffs: Vec<serde_json::Value>,
}

/// Body of `PUT /v1/job/:id/revert`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobRevertRequest {
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    pub job_version: u64,
    pub enforce_prior_version: Option<u64>,
}

/// Body of `PUT /v1/job/:id/dispatch`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobDispatchRequest {
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    #[cfg_attr(test, schemars(with = "String"))]
    #[serde(with = "super::base64_bytes")]
    pub payload: Vec<u8>,
    #[serde(deserialize_with = "null_as_default")]
    pub meta: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    pub id_prefix_template: String,
    pub priority: i64,
    /// A second dispatch with the token of an earlier one answers with that one's child.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub idempotency_token: String,
}

/// Answer to launching a periodic job out of turn.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct PeriodicForceResponse {
    #[serde(rename = "EvalID", deserialize_with = "null_as_default")]
    pub eval_id: String,
    pub eval_create_index: u64,
    pub index: u64,
}

/// Answer to dispatching a parameterized job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobDispatchResponse {
    #[serde(rename = "DispatchedJobID", deserialize_with = "null_as_default")]
    pub dispatched_job_id: String,
    #[serde(rename = "EvalID", deserialize_with = "null_as_default")]
    pub eval_id: String,
    pub eval_create_index: u64,
    pub job_create_index: u64,
    pub index: u64,
}
