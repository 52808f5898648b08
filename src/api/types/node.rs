//! Nodes: the row of a list and the whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;
use super::resources::{NodeReservedResources, NodeResources};

/// A node pool, as it is read and written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodePool {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub description: String,
    pub meta: Option<BTreeMap<String, String>>,
    pub scheduler_configuration: Option<NodePoolSchedulerConfiguration>,
    pub create_index: u64,
    pub modify_index: u64,
}

/// What differs from the cluster's scheduler configuration for jobs of a pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodePoolSchedulerConfiguration {
    /// `binpack` or `spread`; empty: as in the cluster.
    #[serde(deserialize_with = "null_as_default")]
    pub scheduler_algorithm: String,
    pub memory_oversubscription_enabled: Option<bool>,
}

/// One row of `GET /v1/nodes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeListStub {
    #[serde(deserialize_with = "null_as_default")]
    pub address: String,
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    pub datacenter: String,
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub node_class: String,
    #[serde(deserialize_with = "null_as_default")]
    pub node_pool: String,
    #[serde(deserialize_with = "null_as_default")]
    pub version: String,
    pub drain: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub scheduling_eligibility: String,
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub status_description: String,
    #[serde(deserialize_with = "null_as_default")]
    pub drivers: BTreeMap<String, DriverInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_resources: Option<NodeResources>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved_resources: Option<NodeReservedResources>,
    pub last_drain: Option<DrainMetadata>,
    pub create_index: u64,
    pub modify_index: u64,
}

/// `GET /v1/node/:id`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Node {
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub datacenter: String,
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(rename = "HTTPAddr", deserialize_with = "null_as_default")]
    pub http_addr: String,
    #[serde(rename = "TLSEnabled")]
    pub tls_enabled: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: BTreeMap<String, String>,
    pub node_resources: Option<NodeResources>,
    pub reserved_resources: Option<NodeReservedResources>,
    #[serde(deserialize_with = "null_as_default")]
    pub links: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    pub meta: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    pub node_class: String,
    #[serde(deserialize_with = "null_as_default")]
    pub node_pool: String,
    #[serde(deserialize_with = "null_as_default")]
    pub cgroup_parent: String,
    #[serde(deserialize_with = "null_as_default")]
    pub computed_class: String,
    pub drain: bool,
    pub drain_strategy: Option<DrainStrategy>,
    #[serde(deserialize_with = "null_as_default")]
    pub scheduling_eligibility: String,
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub status_description: String,
    /// Unix time in seconds.
    pub status_updated_at: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub events: Vec<NodeEvent>,
    #[serde(deserialize_with = "null_as_default")]
    pub drivers: BTreeMap<String, DriverInfo>,
    #[serde(deserialize_with = "null_as_default")]
    pub host_volumes: BTreeMap<String, HostVolumeInfo>,
    #[serde(deserialize_with = "null_as_default")]
    pub host_networks: BTreeMap<String, HostNetworkInfo>,
    pub last_drain: Option<DrainMetadata>,
    pub create_index: u64,
    pub modify_index: u64,
}

/// Whether a driver is there and works.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DriverInfo {
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: BTreeMap<String, String>,
    pub detected: bool,
    pub healthy: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub health_description: String,
    /// RFC 3339.
    pub update_time: Option<String>,
}

/// Something that happened to a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeEvent {
    #[serde(deserialize_with = "null_as_default")]
    pub message: String,
    #[serde(deserialize_with = "null_as_default")]
    pub subsystem: String,
    #[serde(deserialize_with = "null_as_default")]
    pub details: BTreeMap<String, String>,
    /// RFC 3339.
    pub timestamp: Option<String>,
    pub create_index: u64,
}

/// A directory of the node offered to allocations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct HostVolumeInfo {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub path: String,
    pub read_only: bool,
}

/// A network of the node that ports can be asked on by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct HostNetworkInfo {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(rename = "CIDR", deserialize_with = "null_as_default")]
    pub cidr: String,
    #[serde(deserialize_with = "null_as_default")]
    pub interface: String,
    #[serde(deserialize_with = "null_as_default")]
    pub reserved_ports: String,
}

/// How a node is being drained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DrainStrategy {
    /// Nanoseconds; negative forces at once, 0 is without end.
    pub deadline: i64,
    pub ignore_system_jobs: bool,
    /// RFC 3339.
    pub force_deadline: Option<String>,
    pub started_at: Option<String>,
}

/// The latest drain of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DrainMetadata {
    pub started_at: Option<String>,
    pub updated_at: Option<String>,
    /// `draining`, `complete` or `canceled`.
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    #[serde(rename = "AccessorID", deserialize_with = "null_as_default")]
    pub accessor_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub meta: BTreeMap<String, String>,
}

/// Body of `PUT /v1/node/:id/drain`; no specification stops the drain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeDrainRequest {
    #[serde(rename = "NodeID", deserialize_with = "null_as_default")]
    pub node_id: String,
    pub drain_spec: Option<DrainSpec>,
    pub mark_eligible: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub meta: BTreeMap<String, String>,
}

/// How a node shall be drained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DrainSpec {
    /// Nanoseconds.
    pub deadline: i64,
    pub ignore_system_jobs: bool,
}

/// Body of `PUT /v1/node/:id/eligibility`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeEligibilityRequest {
    #[serde(rename = "NodeID", deserialize_with = "null_as_default")]
    pub node_id: String,
    /// `eligible` or `ineligible`.
    #[serde(deserialize_with = "null_as_default")]
    pub eligibility: String,
}

/// Answer to draining a node or changing its eligibility.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeUpdateResponse {
    #[serde(rename = "EvalIDs", deserialize_with = "null_as_default")]
    pub eval_ids: Vec<String>,
    pub eval_create_index: u64,
    pub node_modify_index: u64,
    pub index: u64,
}
