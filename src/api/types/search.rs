//! Finding objects by the beginning of their id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// Body of `PUT /v1/search`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SearchRequest {
    #[serde(deserialize_with = "null_as_default")]
    pub prefix: String,
    /// `jobs`, `nodes`, `allocs`, `evals`, `deployment`, ... or `all`.
    #[serde(deserialize_with = "null_as_default")]
    pub context: String,
}

/// Ids found, per context.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct SearchResponse {
    #[serde(deserialize_with = "null_as_default")]
    pub matches: BTreeMap<String, Vec<String>>,
    /// True for a context with more matches than were returned.
    #[serde(deserialize_with = "null_as_default")]
    pub truncations: BTreeMap<String, bool>,
    pub index: u64,
}
