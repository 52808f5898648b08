//! Settings of consensus.

use std::path::PathBuf;
use std::time::Duration;

use openraft::SnapshotPolicy;

use super::error::RaftError;
use super::network::Dialer;

/// How a server takes part in consensus. [`RaftConfig::new`] has the values for a cluster in one region.
#[derive(Clone)]
pub struct RaftConfig {
    /// Holds `raft/` (the log) and `snapshots/`.
    pub data_dir: PathBuf,
    /// Where other servers reach this one, `host:port`; written into the membership when the directory is new. May be empty.
    pub address: String,
    /// What people call this server.
    pub name: String,
    /// The way to other servers; `None`: there are none, ever.
    pub dialer: Option<Dialer>,
    pub formation: Formation,
    pub heartbeat_interval: Duration,
    /// A follower that hears nothing for the leader's lease (`election_timeout_max`) and a random time between these two campaigns. A busy
    /// disk can hold a server up for some 50 ms, so shorter times make leadership flap.
    pub election_timeout_min: Duration,
    pub election_timeout_max: Duration,
    pub snapshot: SnapshotThresholds,
}

/// What a server with a new directory does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formation {
    /// Becomes a group of its own.
    Alone,
    /// Waits until a group's leader lets it in.
    Join,
}

/// A snapshot is taken when this much was applied since the last one.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotThresholds {
    pub entries: u64,
    /// Encoded requests.
    pub bytes: u64,
}

impl Default for SnapshotThresholds {
    fn default() -> Self {
        Self { entries: 50_000, bytes: 64 << 20 }
    }
}

impl RaftConfig {
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            address: String::new(),
            name: String::new(),
            dialer: None,
            formation: Formation::Alone,
            heartbeat_interval: Duration::from_millis(150),
            election_timeout_min: Duration::from_millis(500),
            election_timeout_max: Duration::from_millis(1000),
            snapshot: SnapshotThresholds::default(),
        }
    }

    pub(super) fn openraft(&self) -> Result<openraft::Config, RaftError> {
        if self.snapshot.entries == 0 || self.snapshot.bytes == 0 {
            return Err(RaftError::Settings("snapshot thresholds must not be 0".to_owned()));
        }
        let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        openraft::Config {
            cluster_name: "pannier".to_owned(),
            heartbeat_interval: milliseconds(self.heartbeat_interval),
            election_timeout_min: milliseconds(self.election_timeout_min),
            election_timeout_max: milliseconds(self.election_timeout_max),
            enable_pre_vote: Some(true),
            // A restarted leader asks for a new term instead of resuming its old one: entries it had sent out but not yet synced could
            // otherwise come again with other contents under the same id.
            enable_leader_restore: Some(false),
            // A whole snapshot must get through in this time.
            install_snapshot_timeout: 120_000,
            // Both are `compaction`'s business.
            snapshot_policy: SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: u64::MAX,
            // Twice what may lie between two snapshots: a follower further behind than that gets a snapshot.
            replication_lag_threshold: self.snapshot.entries.saturating_mul(2),
            ..openraft::Config::default()
        }
        .validate()
        .map_err(|error| RaftError::Settings(error.to_string()))
    }
}
