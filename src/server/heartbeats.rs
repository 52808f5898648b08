//! Missed heartbeats, as a pure table of deadlines on the monotonic clock: a wall clock that jumps must not declare a node dead.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::NodeId;

/// Nomad's settings of the same names.
#[derive(Clone, Debug)]
pub struct HeartbeatConfig {
    pub min_heartbeat_ttl: Duration,
    pub max_heartbeats_per_second: f64,
    pub heartbeat_grace: Duration,
    /// What a new leader gives every node to find it.
    pub failover_heartbeat_ttl: Duration,
}

impl Default for HeartbeatConfig {
    fn default() -> Self {
        Self {
            min_heartbeat_ttl: Duration::from_secs(10),
            max_heartbeats_per_second: 50.0,
            heartbeat_grace: Duration::from_secs(10),
            failover_heartbeat_ttl: Duration::from_secs(300),
        }
    }
}

/// Deadlines of all nodes; kept by the leader in memory, since a new leader grants everyone a fresh one.
#[derive(Debug)]
pub struct Heartbeats {
    config: HeartbeatConfig,
    deadlines: BTreeMap<NodeId, Instant>,
}

impl Heartbeats {
    pub fn new(config: HeartbeatConfig) -> Self {
        Self { config, deadlines: BTreeMap::new() }
    }

    /// A node was heard of: returns within what time it must be heard again. The more nodes, the longer, so that the leader
    /// sees at most `max_heartbeats_per_second`. `jitter` in 0..=1 spreads them.
    pub fn heard(&mut self, node: NodeId, now: Instant, jitter: f64) -> Duration {
        let rate_limited = Duration::from_secs_f64(self.deadlines.len() as f64 / self.config.max_heartbeats_per_second.max(0.001));
        let base = self.config.min_heartbeat_ttl.max(rate_limited);
        let ttl = base + base.mul_f64(jitter.clamp(0.0, 1.0));
        self.deadlines.insert(node, now + ttl + self.config.heartbeat_grace);
        ttl
    }

    /// Grants these live nodes the time to find a leader that is new, or that was itself held up.
    pub fn lead(&mut self, nodes: impl Iterator<Item = NodeId>, now: Instant) {
        self.deadlines = nodes.map(|node| (node, now + self.config.failover_heartbeat_ttl)).collect();
    }

    /// Looks at the node again at `deadline`, unless it is heard of before.
    pub fn expect_by(&mut self, node: NodeId, deadline: Instant) {
        self.deadlines.insert(node, deadline);
    }

    /// Removes and returns the nodes whose deadline has passed.
    pub fn expired(&mut self, now: Instant) -> Vec<NodeId> {
        let expired: Vec<NodeId> = self.deadlines.iter().filter(|(_, deadline)| **deadline <= now).map(|(node, _)| *node).collect();
        for node in &expired {
            self.deadlines.remove(node);
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_expires_only_when_it_stays_silent() {
        let mut heartbeats = Heartbeats::new(HeartbeatConfig::default());
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let (a, b) = (NodeId(1), NodeId(2));
        assert_eq!(heartbeats.heard(a, start, 0.0), Duration::from_secs(10));
        heartbeats.heard(b, start, 0.5);
        assert_eq!(heartbeats.expired(after(19)), vec![]);
        heartbeats.heard(b, after(19), 0.0);
        assert_eq!(heartbeats.expired(after(20)), vec![a]);
        assert_eq!(heartbeats.expired(after(20)), vec![], "an expiry is told once");
        assert_eq!((heartbeats.expired(after(38)), heartbeats.expired(after(39))), (vec![], vec![b]), "from when it was heard last");
    }

    #[test]
    fn many_nodes_beat_less_often() {
        let mut heartbeats = Heartbeats::new(HeartbeatConfig::default());
        let now = Instant::now();
        let ttls: Vec<Duration> = (0..2_000).map(|id| heartbeats.heard(NodeId(id), now, 0.0)).collect();
        assert_eq!(ttls[0], Duration::from_secs(10));
        assert!(ttls[1_999] > Duration::from_secs(39), "{:?}", ttls[1_999]);
    }
}
