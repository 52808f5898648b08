//! Why a job's instances are where they are (pannier's own).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::allocation::AllocationMetric;
use super::null_as_default;

/// Answer of `GET /v1/job/:id/explain`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct JobExplanation {
    #[serde(rename = "ID")]
    pub id: String,
    pub namespace: String,
    pub r#type: String,
    pub version: u64,
    pub priority: u8,
    /// The job was stopped, or only launches others.
    pub idle: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub groups: Vec<GroupExplanation>,
    /// RFC 3339; empty: no failed instance waits for its next try.
    pub next_attempt: String,
}

/// One group's instances.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupExplanation {
    pub name: String,
    pub count: u32,
    #[serde(deserialize_with = "null_as_default")]
    pub placed: Vec<PlacedAllocation>,
    /// Instances without a place.
    pub queued: u32,
    /// What nodes lack, most widespread first.
    #[serde(deserialize_with = "null_as_default")]
    pub missing: Vec<MissingOfClass>,
    /// Changes each of which would help by itself.
    #[serde(deserialize_with = "null_as_default")]
    pub changes: Vec<String>,
    /// In Nomad's terms.
    pub metrics: Option<AllocationMetric>,
}

/// Why an instance is on its node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct PlacedAllocation {
    #[serde(rename = "ID")]
    pub id: String,
    pub name: String,
    #[serde(rename = "NodeID")]
    pub node_id: String,
    pub node_name: String,
    pub client_status: String,
    /// Terms of the node's score when it was chosen, by Nomad's names; empty: better nodes had been filled before it.
    #[serde(deserialize_with = "null_as_default")]
    pub scores: BTreeMap<String, f64>,
    pub norm_score: f64,
    /// The node's position among the best, from 1; 0: not among those that are remembered.
    pub rank: u32,
    pub nodes_evaluated: u32,
    pub nodes_filtered: u32,
    #[serde(deserialize_with = "null_as_default")]
    pub preempted_allocations: Vec<String>,
}

/// What nodes of one class lack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct MissingOfClass {
    /// Empty: nodes without a class.
    pub node_class: String,
    pub nodes: u32,
    pub what: String,
}
