//! What an operator sees of consensus.

use super::types::TypeConfig;

/// One server's view. Indexes are 0 before there is anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftStatus {
    /// This server among its peers.
    pub id: u64,
    /// As far as this server knows.
    pub leader: Option<u64>,
    pub term: u64,
    pub last_log: u64,
    pub committed: u64,
    pub applied: u64,
    /// Last index in the newest snapshot.
    pub snapshot: u64,
}

impl RaftStatus {
    pub(super) fn new(metrics: &openraft::RaftMetrics<TypeConfig>) -> Self {
        Self {
            id: metrics.id,
            leader: metrics.current_leader,
            term: metrics.current_term,
            last_log: metrics.last_log_index.unwrap_or(0),
            committed: metrics.local_committed.map_or(0, |id| id.index),
            applied: metrics.last_applied.map_or(0, |id| id.index),
            snapshot: metrics.snapshot.map_or(0, |id| id.index),
        }
    }
}
