//! Cluster-wide settings of the servers' upkeep (`/v1/operator/autopilot/configuration`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutopilotConfig {
    /// Whether servers that are dead leave the group by themselves while a quorum stays.
    pub cleanup_dead_servers: bool,
    /// A server that the leader has not heard of for longer is not healthy.
    pub last_contact_threshold: Duration,
    /// A server that is this many entries behind is not healthy.
    pub max_trailing_logs: u64,
    /// Dead servers stay while fewer voters than this would be left; 0 for no limit of its own.
    pub min_quorum: u32,
    /// How long a new server must have kept up before it votes.
    pub server_stabilization: Duration,
    /// How long a server must have been silent to count as dead. Longer than a restart takes.
    pub dead_after: Duration,
    pub create_index: u64,
    pub modify_index: u64,
}

impl Default for AutopilotConfig {
    fn default() -> Self {
        Self {
            cleanup_dead_servers: true,
            // Nomad's 200 ms is nearly the interval of our heartbeats.
            last_contact_threshold: Duration::from_secs(1),
            max_trailing_logs: 250,
            min_quorum: 0,
            // Nomad: 10 s. A learner that kept up for this long has all that a voter needs.
            server_stabilization: Duration::from_secs(2),
            dead_after: Duration::from_secs(60),
            create_index: 1,
            modify_index: 1,
        }
    }
}
