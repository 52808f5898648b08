//! Registered services, as discovery clients poll them.

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// One element of `GET /v1/services`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceListStub {
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(deserialize_with = "null_as_default")]
    pub services: Vec<ServiceStub>,
}

/// One service name with the union of its tags.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceStub {
    #[serde(deserialize_with = "null_as_default")]
    pub service_name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub tags: Vec<String>,
}

/// One element of `GET /v1/service/:name`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceRegistration {
    #[serde(rename = "ID", deserialize_with = "null_as_default")]
    pub id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub service_name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(rename = "NodeID", deserialize_with = "null_as_default")]
    pub node_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub datacenter: String,
    #[serde(rename = "JobID", deserialize_with = "null_as_default")]
    pub job_id: String,
    #[serde(rename = "AllocID", deserialize_with = "null_as_default")]
    pub alloc_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub tags: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub address: String,
    pub port: u16,
    pub create_index: u64,
    pub modify_index: u64,
}
