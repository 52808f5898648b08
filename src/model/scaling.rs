//! What was done to, or said about, the counts of a job's groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConfigValue, EvalId, Text};
use crate::util::clock::Timestamp;

/// Events kept per group (Nomad's `JobTrackedScalingEvents`).
pub const TRACKED_EVENTS: usize = 20;

/// One change of a count, or a message that an autoscaler left in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingEvent {
    pub at: Timestamp,
    /// The count asked for; `None`: only a message.
    pub count: Option<u32>,
    pub previous_count: u32,
    /// The message tells of an error.
    pub error: bool,
    pub message: Text,
    /// Whatever the caller added; not looked at.
    pub meta: ConfigValue,
    pub eval_id: Option<EvalId>,
    /// Set by `apply`.
    pub create_index: u64,
}

/// Events of a job's groups, newest first, at most [`TRACKED_EVENTS`] of each.
pub type ScalingEvents = BTreeMap<Text, Vec<ScalingEvent>>;

/// Puts an event in front and drops what is too old.
pub fn add(events: &mut ScalingEvents, group: Text, event: ScalingEvent) {
    let list = events.entry(group).or_default();
    list.insert(0, event);
    list.truncate(TRACKED_EVENTS);
}
