//! What all parts of a running node share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;

use super::config::NodeConfig;
use super::journal::Journal;
use super::reporter::Reports;
use super::runtime::Runtime;
use crate::model::Node;
use crate::util::clock::{SteadyClock, Timestamp};

pub struct Shared {
    pub config: NodeConfig,
    pub clock: SteadyClock,
    /// The facts last registered; tasks refer to them.
    pub node: ArcSwap<Node>,
    pub runtime: Arc<dyn Runtime>,
    pub journal: Journal,
    pub reports: Reports,
    pub agent_env: BTreeMap<String, String>,
    /// When the servers answered last, by [`Shared::now`]; at first, when the agent started.
    pub heard_at: AtomicI64,
}

impl Shared {
    /// The time; decisions are handed what this returns. Restart delays and health deadlines are measured by it, so it does not
    /// follow a wall clock that is set while the node runs.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The servers answered.
    pub fn hear(&self) {
        self.heard_at.store(self.now().0, Ordering::Relaxed);
    }

    pub fn heard_at(&self) -> Timestamp {
        Timestamp(self.heard_at.load(Ordering::Relaxed))
    }
}
