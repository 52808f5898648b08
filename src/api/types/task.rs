//! The state of one task of an allocation, and its history.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// How one task is doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskState {
    /// `pending`, `running` or `dead`.
    #[serde(deserialize_with = "null_as_default")]
    pub state: String,
    pub failed: bool,
    pub restarts: u64,
    /// RFC 3339; the year 1 or null stand for never.
    pub last_restart: Option<String>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    /// Oldest first.
    #[serde(deserialize_with = "null_as_default")]
    pub events: Vec<TaskEvent>,
}

/// Something that happened to a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskEvent {
    #[serde(deserialize_with = "null_as_default")]
    pub r#type: String,
    /// Unix time in nanoseconds.
    pub time: i64,
    /// The sentence shown to people.
    #[serde(deserialize_with = "null_as_default")]
    pub display_message: String,
    #[serde(deserialize_with = "null_as_default")]
    pub details: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    pub message: String,
    pub fails_task: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub restart_reason: String,
    #[serde(deserialize_with = "null_as_default")]
    pub setup_error: String,
    #[serde(deserialize_with = "null_as_default")]
    pub driver_error: String,
    #[serde(deserialize_with = "null_as_default")]
    pub driver_message: String,
    pub exit_code: i64,
    pub signal: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub kill_reason: String,
    /// Nanoseconds.
    pub kill_timeout: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub kill_error: String,
    /// Nanoseconds.
    pub start_delay: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub download_error: String,
    #[serde(deserialize_with = "null_as_default")]
    pub validation_error: String,
    #[serde(deserialize_with = "null_as_default")]
    pub failed_sibling: String,
    #[serde(deserialize_with = "null_as_default")]
    pub task_signal_reason: String,
    #[serde(deserialize_with = "null_as_default")]
    pub task_signal: String,
}
