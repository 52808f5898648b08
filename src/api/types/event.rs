//! The event stream.

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// One line of `GET /v1/event/stream`. An empty one is a heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct EventBatch {
    #[serde(skip_serializing_if = "is_zero")]
    pub index: u64,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// One change of the cluster's state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Event {
    #[serde(deserialize_with = "null_as_default")]
    pub topic: String,
    #[serde(deserialize_with = "null_as_default")]
    pub r#type: String,
    #[serde(deserialize_with = "null_as_default")]
    pub key: String,
    #[serde(deserialize_with = "null_as_default")]
    pub namespace: String,
    #[serde(deserialize_with = "null_as_default")]
    pub filter_keys: Vec<String>,
    pub index: u64,
    /// The object after the change, under the name of its kind.
    pub payload: serde_json::Value,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}
