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
    /// What a new leader gives every node to find it. `None`: what that takes a node that is well, going by the ttl it may have been
    /// given. Nomad's fixed 5 minutes would leave the tasks of a node that dies around a change of leaders undone for as long.
    pub failover_heartbeat_ttl: Option<Duration>,
}

impl Default for HeartbeatConfig {
    fn default() -> Self {
        Self {
            min_heartbeat_ttl: Duration::from_secs(10),
            max_heartbeats_per_second: 50.0,
            heartbeat_grace: Duration::from_secs(10),
            failover_heartbeat_ttl: None,
        }
    }
}

/// For an election, and for a node to give up on servers that are gone before it finds the one that leads.
const FIND_LEADER: Duration = Duration::from_secs(30);

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
        let base = self.base_ttl(self.deadlines.len());
        let ttl = base + base.mul_f64(jitter.clamp(0.0, 1.0));
        self.deadlines.insert(node, now + ttl + self.config.heartbeat_grace);
        ttl
    }

    /// The ttl of `nodes` nodes before jitter, which at most doubles it.
    fn base_ttl(&self, nodes: usize) -> Duration {
        let rate_limited = Duration::from_secs_f64(nodes as f64 / self.config.max_heartbeats_per_second.max(0.001));
        self.config.min_heartbeat_ttl.max(rate_limited)
    }

    /// Grants these live nodes the time to find a leader that is new, or that was itself held up.
    pub fn lead(&mut self, nodes: impl Iterator<Item = NodeId>, now: Instant) {
        let nodes: Vec<NodeId> = nodes.collect();
        let computed = || self.base_ttl(nodes.len()) * 2 + self.config.heartbeat_grace + FIND_LEADER;
        let deadline = now + self.config.failover_heartbeat_ttl.unwrap_or_else(computed);
        self.deadlines = nodes.into_iter().map(|node| (node, deadline)).collect();
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
    fn a_new_leader_gives_nodes_the_time_they_need_and_no_more() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let expiry = |config: HeartbeatConfig, nodes: u128| {
            let mut heartbeats = Heartbeats::new(config);
            heartbeats.lead((0..nodes).map(NodeId), start);
            (0..1_000).find(|seconds| !heartbeats.expired(after(*seconds)).is_empty()).unwrap()
        };
        assert_eq!(expiry(HeartbeatConfig::default(), 3), 60);
        // 10,000 nodes were given up to 400 s.
        assert_eq!(expiry(HeartbeatConfig::default(), 10_000), 440);
        let quick = HeartbeatConfig { min_heartbeat_ttl: Duration::from_secs(2), ..HeartbeatConfig::default() };
        assert_eq!(expiry(quick.clone(), 3), 44);
        assert_eq!(expiry(HeartbeatConfig { failover_heartbeat_ttl: Some(Duration::from_secs(300)), ..quick }, 3), 300);
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
