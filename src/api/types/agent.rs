//! The agent about itself: membership, health, configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// `GET /v1/agent/self`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AgentSelf {
    /// The configuration in force, without its secrets.
    pub config: serde_json::Map<String, serde_json::Value>,
    pub member: AgentMember,
    #[serde(deserialize_with = "null_as_default")]
    pub stats: BTreeMap<String, BTreeMap<String, String>>,
}

/// One server as its cluster sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AgentMember {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub addr: String,
    pub port: u16,
    /// `role`, `region`, `dc`, `build`, `id`, ...
    #[serde(deserialize_with = "null_as_default")]
    pub tags: BTreeMap<String, String>,
    /// `alive`, `leaving`, `left` or `failed`.
    #[serde(deserialize_with = "null_as_default")]
    pub status: String,
    pub protocol_min: u8,
    pub protocol_max: u8,
    pub protocol_cur: u8,
    pub delegate_min: u8,
    pub delegate_max: u8,
    pub delegate_cur: u8,
}

/// `GET /v1/agent/members`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ServerMembers {
    #[serde(deserialize_with = "null_as_default")]
    pub server_name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub server_region: String,
    #[serde(rename = "ServerDC", deserialize_with = "null_as_default")]
    pub server_dc: String,
    #[serde(deserialize_with = "null_as_default")]
    pub members: Vec<AgentMember>,
}

/// `GET /v1/agent/health`: a part that the agent does not run is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AgentHealth {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<AgentPartHealth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<AgentPartHealth>,
}

/// Health of one half of an agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AgentPartHealth {
    pub ok: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub message: String,
}

/// `PUT /v1/agent/join`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AgentJoinResponse {
    pub num_joined: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub error: String,
}
