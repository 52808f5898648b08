//! A tree of plain values: a driver's `config`, kept whole until the driver reads it.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// How deep lists and maps may nest when they are decoded. Readers of text stop well before (JSON at 128); bytes have no such
/// reader, and two of them make a level.
const MAX_DEPTH: usize = 256;

/// Like JSON, but fit for a positional encoding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ConfigValue {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    List(#[serde(deserialize_with = "one_level_deeper")] Vec<ConfigValue>),
    Map(#[serde(deserialize_with = "one_level_deeper")] BTreeMap<String, ConfigValue>),
}

/// Decodes what holds further values, so that no bytes overflow the stack.
fn one_level_deeper<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }
    let depth = DEPTH.get();
    if depth >= MAX_DEPTH {
        return Err(D::Error::custom(format!("nested deeper than {MAX_DEPTH} levels")));
    }
    DEPTH.set(depth + 1);
    let decoded = T::deserialize(deserializer);
    DEPTH.set(depth);
    decoded
}

impl ConfigValue {
    /// The value under `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// How many lists and maps stand inside each other, this one included: 0 for a scalar.
    pub fn depth(&self) -> usize {
        let deepest = match self {
            Self::List(items) => items.iter().map(Self::depth).max(),
            Self::Map(items) => items.values().map(Self::depth).max(),
            _ => return 0,
        };
        1 + deepest.unwrap_or_default()
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}
