//! Upkeep of the servers: who of them is healthy, and that dead ones do not stay and count towards the quorum for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::{info, warn};

use super::{Server, ServerError};
use crate::model::autopilot::AutopilotConfig;
use crate::raft::ServerStanding;
use crate::state::Command;
use crate::util::clock::Timestamp;

/// How often the servers are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How the servers do, as the leader last saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthReport {
    /// By id.
    pub servers: Vec<ServerHealth>,
    /// How many more voters may fail before there is no quorum.
    pub failure_tolerance: u32,
}

impl HealthReport {
    pub fn is_healthy(&self) -> bool {
        self.servers.iter().all(|server| server.healthy)
    }
}

/// One server's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHealth {
    pub standing: ServerStanding,
    pub healthy: bool,
    /// Heard of lately enough to be called alive.
    pub alive: bool,
    /// Since when `healthy` is what it is.
    pub since: Timestamp,
}

/// What the leader remembers between two looks.
#[derive(Default)]
pub(super) struct Autopilot {
    seen: BTreeMap<u64, Seen>,
}

struct Seen {
    /// When this leader first knew of the server.
    first: Timestamp,
    healthy: bool,
    since: Timestamp,
}

impl Autopilot {
    /// Judges the servers, and names those that should leave.
    pub(super) fn step(&mut self, standings: Vec<ServerStanding>, config: &AutopilotConfig, now: Timestamp) -> (HealthReport, Vec<u64>) {
        self.seen.retain(|id, _| standings.iter().any(|server| server.id == *id));
        let newest = standings.iter().map(|server| (server.last_term, server.last_index)).max().unwrap_or_default();
        let mut dead = Vec::new();
        let mut servers = Vec::new();
        for standing in standings {
            let seen = self.seen.entry(standing.id).or_insert(Seen { first: now, healthy: false, since: now });
            let silence = standing.silence.unwrap_or_else(|| now.since(seen.first));
            let keeps_up = standing.last_index + config.max_trailing_logs >= newest.1;
            // A server that nothing was replicated to yet has the old leader's term as its last one.
            let healthy = standing.silence.is_some() && silence <= config.last_contact_threshold && keeps_up;
            if seen.healthy != healthy {
                (seen.healthy, seen.since) = (healthy, now);
            }
            if silence > config.dead_after {
                dead.push((standing.id, standing.voter));
            }
            servers.push(ServerHealth { alive: silence <= config.dead_after, healthy, since: seen.since, standing });
        }
        let voters = servers.iter().filter(|server| server.standing.voter).count();
        let healthy_voters = servers.iter().filter(|server| server.standing.voter && server.healthy).count();
        let failure_tolerance = healthy_voters.saturating_sub(voters / 2 + 1);
        let report = HealthReport { servers, failure_tolerance: u32::try_from(failure_tolerance).unwrap_or(u32::MAX) };
        (report, if config.cleanup_dead_servers { may_leave(&dead, voters, config.min_quorum) } else { Vec::new() })
    }
}

/// The dead that may go: all that never voted, and voters while those that live are a majority, one at a time.
fn may_leave(dead: &[(u64, bool)], voters: usize, min_quorum: u32) -> Vec<u64> {
    let learners = dead.iter().filter(|(_, voter)| !voter).map(|(id, _)| *id);
    let dead_voters: Vec<u64> = dead.iter().filter(|(_, voter)| *voter).map(|(id, _)| *id).collect();
    let majority_lives = (voters - dead_voters.len()) * 2 > voters;
    let enough_stay = voters > min_quorum as usize;
    learners.chain(dead_voters.first().copied().filter(|_| majority_lives && enough_stay)).collect()
}

/// Runs while this server leads.
pub(super) async fn run(server: &Server) {
    let mut autopilot = Autopilot::default();
    loop {
        if let Some(standings) = server.raft().standings() {
            let config = server.store().load().autopilot().clone();
            server.raft().set_stabilization(config.server_stabilization);
            let (report, leaving) = autopilot.step(standings, &config, Timestamp::now());
            *server.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = report;
            for id in leaving {
                match server.raft().remove_server(id).await {
                    Ok(()) => info!(server = id, silent_for = ?config.dead_after, "a dead server was taken out of the group"),
                    Err(error) => warn!(server = id, %error, "a dead server could not be taken out of the group yet"),
                }
            }
        }
        tokio::time::sleep(TICK).await;
    }
}

impl Server {
    /// How the servers do; only the leader knows.
    pub fn health(&self) -> Result<HealthReport, ServerError> {
        if !self.raft().is_leader() {
            return Err(ServerError::NoLeader);
        }
        let report = self.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        // Of a new leader that has not looked yet.
        if report.servers.is_empty() { Err(ServerError::NoLeader) } else { Ok(report) }
    }

    pub async fn set_autopilot_config(&self, config: AutopilotConfig, check_index: Option<u64>) -> Result<u64, ServerError> {
        Ok(self.propose(Command::SetAutopilotConfig { config, check_index }).await?.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(id: u64, silent_for: Option<u64>) -> ServerStanding {
        let silence = silent_for.map(Duration::from_secs);
        let (name, address) = (format!("s{id}"), String::new());
        ServerStanding { id, name, address, voter: true, leader: id == 1, silence, last_index: 500, last_term: 1 }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    fn step(autopilot: &mut Autopilot, servers: &[ServerStanding], seconds: i64) -> (HealthReport, Vec<u64>) {
        autopilot.step(servers.to_vec(), &AutopilotConfig::default(), at(seconds))
    }

    #[test]
    fn a_dead_server_goes_while_the_living_are_a_majority() {
        let mut autopilot = Autopilot::default();
        let (report, leaving) = step(&mut autopilot, &[server(1, Some(0)), server(2, Some(0)), server(3, Some(59))], 0);
        assert_eq!((leaving, report.failure_tolerance, report.is_healthy()), (vec![], 0, false));
        let (_, leaving) = step(&mut autopilot, &[server(1, Some(0)), server(2, Some(0)), server(3, Some(61))], 1);
        assert_eq!(leaving, [3]);
        // Two of four: nobody knows whether it is the others that are cut off.
        let half = [server(1, Some(0)), server(2, Some(0)), server(3, Some(61)), server(4, Some(61))];
        assert_eq!(step(&mut autopilot, &half, 2).1, Vec::<u64>::new());
        // Two of five go one after the other.
        let most = [server(1, Some(0)), server(2, Some(0)), server(3, Some(61)), server(4, Some(61)), server(5, Some(0))];
        assert_eq!(step(&mut autopilot, &most, 3).1, [3]);
    }

    #[test]
    fn what_the_operator_set_holds_the_dead_back() {
        let dead = [server(1, Some(0)), server(2, Some(0)), server(3, Some(61))];
        let config = AutopilotConfig { cleanup_dead_servers: false, ..AutopilotConfig::default() };
        assert_eq!(Autopilot::default().step(dead.to_vec(), &config, at(0)).1, Vec::<u64>::new());
        let config = AutopilotConfig { min_quorum: 3, ..AutopilotConfig::default() };
        assert_eq!(Autopilot::default().step(dead.to_vec(), &config, at(0)).1, Vec::<u64>::new());
    }

    #[test]
    fn a_server_never_heard_of_has_its_time_and_a_learner_is_no_loss() {
        let mut autopilot = Autopilot::default();
        let never = [server(1, Some(0)), ServerStanding { voter: false, ..server(2, None) }];
        assert_eq!(step(&mut autopilot, &never, 100).1, Vec::<u64>::new());
        assert_eq!(step(&mut autopilot, &never, 150).1, Vec::<u64>::new());
        assert_eq!(step(&mut autopilot, &never, 161).1, [2]);
    }

    #[test]
    fn health_is_contact_and_keeping_up_and_its_age_is_kept() {
        let mut autopilot = Autopilot::default();
        let well = [server(1, Some(0)), server(2, Some(0)), server(3, Some(0))];
        assert!(step(&mut autopilot, &well, 1).0.is_healthy());
        let (report, _) = step(&mut autopilot, &well, 9);
        assert_eq!((report.servers[2].since, report.failure_tolerance), (at(1), 1));
        let behind = [server(1, Some(0)), server(2, Some(0)), ServerStanding { last_index: 249, ..server(3, Some(0)) }];
        let (report, _) = step(&mut autopilot, &behind, 10);
        assert_eq!((report.servers[2].healthy, report.servers[2].since), (false, at(10)));
    }
}
