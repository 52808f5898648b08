//! What all parts of a running node share.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::config::NodeConfig;
use super::journal::Journal;
use super::reporter::Reports;
use super::runtime::Runtime;
use crate::model::Node;
use crate::util::clock::Timestamp;

/// Where the node reads the time; tests hand in one that follows tokio's paused time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

pub struct Shared {
    pub config: NodeConfig,
    /// The facts last registered; tasks refer to them.
    pub node: ArcSwap<Node>,
    pub runtime: Arc<dyn Runtime>,
    pub journal: Journal,
    pub reports: Reports,
    pub agent_env: BTreeMap<String, String>,
    pub clock: Clock,
}

impl Shared {
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }
}
