//! What operators set and see: scheduler configuration, Raft peers, metrics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// Settings of the scheduler, cluster-wide.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SchedulerConfiguration {
    /// `binpack` or `spread`.
    #[serde(deserialize_with = "null_as_default")]
    pub scheduler_algorithm: String,
    pub preemption_config: PreemptionConfig,
    pub memory_oversubscription_enabled: bool,
    pub reject_job_registration: bool,
    pub pause_eval_broker: bool,
    pub create_index: u64,
    pub modify_index: u64,
}

/// Which kinds of jobs may push others aside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct PreemptionConfig {
    pub system_scheduler_enabled: bool,
    pub sys_batch_scheduler_enabled: bool,
    pub batch_scheduler_enabled: bool,
    pub service_scheduler_enabled: bool,
}

/// `GET /v1/operator/scheduler/configuration`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SchedulerConfigurationResponse {
    pub scheduler_config: Option<SchedulerConfiguration>,
    pub index: u64,
    pub known_leader: bool,
    pub last_contact: u64,
}

/// `PUT /v1/operator/scheduler/configuration`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SchedulerSetConfigurationResponse {
    /// False when `cas` did not match.
    pub updated: bool,
    pub index: u64,
}

/// `GET /v1/operator/raft/configuration`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftConfiguration {
    #[serde(deserialize_with = "null_as_default")]
    pub servers: Vec<RaftServer>,
    pub index: u64,
}

/// One member of the Raft group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftServer {
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub node: String,
    #[serde(deserialize_with = "null_as_default")]
    pub address: String,
    pub leader: bool,
    pub voter: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub raft_protocol: String,
}

/// `GET /v1/metrics`: the latest interval.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct MetricsSummary {
    #[serde(deserialize_with = "null_as_default")]
    pub timestamp: String,
    #[serde(deserialize_with = "null_as_default")]
    pub gauges: Vec<GaugeValue>,
    #[serde(deserialize_with = "null_as_default")]
    pub points: Vec<serde_json::Value>,
    #[serde(deserialize_with = "null_as_default")]
    pub counters: Vec<SampledValue>,
    #[serde(deserialize_with = "null_as_default")]
    pub samples: Vec<SampledValue>,
}

/// The latest value of a gauge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct GaugeValue {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    pub value: f64,
    #[serde(deserialize_with = "null_as_default")]
    pub labels: BTreeMap<String, String>,
}

/// The distribution of a counter or timer over the interval.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SampledValue {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    pub count: u64,
    pub rate: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub stddev: f64,
    #[serde(deserialize_with = "null_as_default")]
    pub labels: BTreeMap<String, String>,
}

/// `PUT /v1/operator/ca/rotate`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthorityStep {
    /// `trusted`, `issuing` or `finished`: what was done.
    pub step: String,
}

/// `GET /v1/operator/autopilot/configuration`. Durations are text, `200ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotConfiguration {
    pub cleanup_dead_servers: bool,
    pub last_contact_threshold: String,
    pub max_trailing_logs: u64,
    pub min_quorum: u32,
    pub server_stabilization_time: String,
    /// How long a server must have been silent to count as dead; not in Nomad, where the gossip knows.
    pub dead_server_threshold: String,
    pub enable_redundancy_zones: bool,
    pub disable_upgrade_migration: bool,
    pub enable_custom_upgrades: bool,
    pub create_index: u64,
    pub modify_index: u64,
}

impl Default for AutopilotConfiguration {
    fn default() -> Self {
        (&crate::model::autopilot::AutopilotConfig::default()).into()
    }
}

/// `GET /v1/operator/autopilot/health`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotHealth {
    pub healthy: bool,
    pub failure_tolerance: u32,
    #[serde(deserialize_with = "null_as_default")]
    pub servers: Vec<AutopilotServer>,
    #[serde(deserialize_with = "null_as_default")]
    pub leader: String,
    #[serde(deserialize_with = "null_as_default")]
    pub voters: Vec<String>,
}

/// One server's health.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotServer {
    #[serde(rename = "ID")]
    pub id: String,
    pub name: String,
    pub address: String,
    /// `alive` or `failed`.
    pub serf_status: String,
    pub version: String,
    pub leader: bool,
    /// `31ms`; empty before the leader heard of it.
    pub last_contact: String,
    pub last_term: u64,
    pub last_index: u64,
    pub healthy: bool,
    pub voter: bool,
    pub stable_since: String,
}

/// `PUT /v1/operator/join-tokens`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JoinTokenRequest {
    /// `server` or `client`.
    pub role: String,
    /// How long it is good, `1h30m`.
    #[serde(rename = "TTL")]
    pub ttl: String,
    pub uses: Option<u32>,
}

/// A join token. Its text is only in the answer to the request that made it, and never in `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JoinTokenInfo {
    #[serde(rename = "ID")]
    pub id: String,
    pub role: String,
    pub created_at: String,
    pub expires_at: String,
    pub uses_left: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl std::fmt::Debug for JoinTokenInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JoinTokenInfo({}, {})", self.id, self.role)
    }
}
