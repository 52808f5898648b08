//! What the cluster is made of (`model`) as the API shows it (`types`).
//!
//! One file per noun. Where a shape needs more than its own row (an allocation's resources are those of its job's tasks), the function
//! takes it as an argument instead of an `impl From`.

pub mod allocation;
pub mod autopilot;
pub mod deployment;
pub mod devices;
pub mod evaluation;
pub mod explain;
pub mod job;
pub mod metrics;
pub mod node;
pub mod node_pool;
pub mod resources;
pub mod scheduler;
pub mod task;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Text;
use crate::util::clock::Timestamp;

/// What Go prints for a `time.Time` that was never set.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub(crate) fn strings(map: &BTreeMap<Text, Text>) -> BTreeMap<String, String> {
    map.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

pub(crate) fn counts(map: &BTreeMap<Text, u32>) -> BTreeMap<String, u64> {
    map.iter().map(|(key, count)| (key.to_string(), u64::from(*count))).collect()
}

/// An id, or Nomad's empty text for none.
pub(crate) fn optional_id<Id: ToString>(id: Option<Id>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

pub(crate) fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// RFC 3339; the year 1 for never, as Go writes a time that is no pointer.
pub(crate) fn time_or_never(time: Option<Timestamp>) -> String {
    time.map_or_else(|| NEVER.to_owned(), Timestamp::rfc3339)
}
