//! The JSON of the HTTP API, one file per noun, in Nomad's names and shapes.
//!
//! These types are the wire's, not the cluster's: `model` holds what things are, and the routes convert. Durations
//! are integer nanoseconds, `CreateTime` and `ModifyTime` are Unix nanoseconds, other times are RFC 3339 text.
//! Decoding is tolerant: unknown fields are ignored, absent ones take their default, and `null` stands for an
//! empty list, map or text, which is how Go writes one that was never set.

pub mod agent;
pub mod allocation;
pub mod deployment;
pub mod evaluation;
pub mod event;
pub mod explain;
pub mod files;
pub mod job;
pub mod node;
pub mod operator;
pub mod resources;
pub mod scale;
pub mod search;
pub mod service;
pub mod stats;
pub mod task;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Deserializer};

/// Reads `null` as the type's default.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Bytes as standard base64 text, as Go writes `[]byte`.
mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}
