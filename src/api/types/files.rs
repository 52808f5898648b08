//! Files of an allocation: directory entries and the frames of a followed stream.

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// One entry of `GET /v1/client/fs/ls/:alloc`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct FsEntry {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    pub is_dir: bool,
    /// Bytes.
    pub size: i64,
    /// Such as `-rw-r--r--`.
    #[serde(deserialize_with = "null_as_default")]
    pub file_mode: String,
    /// RFC 3339.
    #[serde(deserialize_with = "null_as_default")]
    pub mod_time: String,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub content_type: String,
}

/// A piece of a followed file or log. One with no fields set is a heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct StreamFrame {
    /// Bytes from the start of the file.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    #[cfg_attr(test, schemars(with = "String"))]
    #[serde(with = "super::base64_bytes", skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<u8>,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// `file deleted`, `file truncated` or empty.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub file_event: String,
}

impl StreamFrame {
    /// True for the frame that only keeps the connection alive.
    pub fn is_heartbeat(&self) -> bool {
        self.offset == 0 && self.data.is_empty() && self.file.is_empty() && self.file_event.is_empty()
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}
