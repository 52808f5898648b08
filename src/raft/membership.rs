//! Who belongs to the group: servers come as learners and become voters by themselves once they have caught up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError as CoreError};
use openraft::{ChangeMembers, Instant as _};
use tokio::sync::watch;
use tokio::time::Instant;

use super::types::{Member, TypeConfig};
use super::{Core, Raft};

/// How far behind the leader a learner may be to count as caught up.
const CLOSE: u64 = 256;

/// How long it must have kept up before it votes, until [`Raft::set_stabilization`] says otherwise.
pub(super) const STABLE: Duration = Duration::from_secs(2);

const TICK: Duration = Duration::from_millis(250);

/// A server of the group, as this one knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerMember {
    pub id: u64,
    pub name: String,
    /// `host:port` of its RPC.
    pub address: String,
    pub voter: bool,
    /// Whether the leader heard of it lately; `None` when another server leads, which alone knows.
    pub alive: Option<bool>,
}

/// How a server of the group does, as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStanding {
    pub id: u64,
    pub name: String,
    /// `host:port` of its RPC.
    pub address: String,
    pub voter: bool,
    pub leader: bool,
    /// Since it was last heard of; `None`: never by this leader.
    pub silence: Option<Duration>,
    /// The last entry that it is known to have.
    pub last_index: u64,
    pub last_term: u64,
}

/// Why the group was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    #[error("no leader; retry")]
    NoLeader,
    #[error("there is no server {0}")]
    Unknown(String),
    #[error("another change of the servers is under way; retry")]
    Busy,
    #[error("{0}")]
    Refused(String),
}

impl Raft {
    /// Every server, by id.
    pub fn members(&self) -> Vec<ServerMember> {
        let metrics = self.inner.core.metrics();
        let metrics = metrics.borrow_watched();
        let voters: BTreeSet<u64> = metrics.membership_config.voter_ids().collect();
        let leads = metrics.state.is_leader();
        let heard = |id: u64| {
            let heard_of = metrics.heartbeat.as_ref()?.get(&id).copied().flatten()?;
            Some(heard_of.into_inner().elapsed() < Duration::from_secs(3))
        };
        let members = metrics.membership_config.nodes().map(|(id, member)| ServerMember {
            id: *id,
            name: member.name.clone(),
            address: member.address.clone(),
            voter: voters.contains(id),
            alive: leads.then(|| *id == metrics.id || heard(*id).unwrap_or(false)),
        });
        members.collect()
    }

    /// How every server does, by id; `None` when another one leads, which alone knows.
    pub fn standings(&self) -> Option<Vec<ServerStanding>> {
        let metrics = self.inner.core.metrics();
        let metrics = metrics.borrow_watched();
        let replication = metrics.replication.as_ref().filter(|_| metrics.state.is_leader())?;
        let voters: BTreeSet<u64> = metrics.membership_config.voter_ids().collect();
        let standings = metrics.membership_config.nodes().map(|(id, member)| {
            let is_self = *id == metrics.id;
            let heard = metrics.heartbeat.as_ref().and_then(|heard| heard.get(id).copied().flatten());
            // The leader has what it writes, whatever its last entry's term is called.
            let matched = replication.get(id).copied().flatten();
            ServerStanding {
                id: *id,
                name: member.name.clone(),
                address: member.address.clone(),
                voter: voters.contains(id),
                leader: is_self,
                silence: if is_self { Some(Duration::ZERO) } else { heard.map(|heard| heard.into_inner().elapsed()) },
                last_index: if is_self { metrics.last_log_index.unwrap_or(0) } else { matched.map_or(0, |matched| matched.index) },
                last_term: if is_self { metrics.current_term } else { matched.map_or(0, |matched| matched.leader_id.term) },
            }
        });
        Some(standings.collect())
    }

    /// How long a new server must have kept up before this one, leading, lets it vote.
    pub fn set_stabilization(&self, duration: Duration) {
        self.inner.stabilization.send_if_modified(|known| std::mem::replace(known, duration) != duration);
    }

    /// The leader's id and address, as far as this server knows.
    pub fn leader(&self) -> Option<(u64, String)> {
        let metrics = self.inner.core.metrics();
        let metrics = metrics.borrow_watched();
        let id = metrics.current_leader?;
        let member = metrics.membership_config.get_node(&id)?;
        Some((id, member.address.clone()))
    }

    /// Lets a server in, or takes note of its new address. It votes once it has caught up. Only the leader can.
    pub async fn add_server(&self, id: u64, address: String, name: String) -> Result<(), MembershipError> {
        let core = &self.inner.core;
        let member = Member { address, name };
        let known = core.metrics().borrow_watched().membership_config.get_node(&id).cloned();
        match known {
            Some(known) if known == member => Ok(()),
            Some(_) => {
                let moved = core.change_membership(ChangeMembers::SetNodes(BTreeMap::from([(id, member)])), true).await;
                moved.map(drop).map_err(membership_error)
            }
            None => core.add_learner(id, member, false).await.map(drop).map_err(membership_error),
        }
    }

    /// Takes a server out of the group for good. Only the leader can; it steps down if it is the one.
    pub async fn remove_server(&self, id: u64) -> Result<(), MembershipError> {
        let core = &self.inner.core;
        let (is_member, is_voter, voters) = {
            let metrics = core.metrics();
            let metrics = metrics.borrow_watched();
            let voters: BTreeSet<u64> = metrics.membership_config.voter_ids().collect();
            (metrics.membership_config.get_node(&id).is_some(), voters.contains(&id), voters.len())
        };
        if !is_member {
            return Err(MembershipError::Unknown(id.to_string()));
        }
        if is_voter && voters == 1 {
            return Err(MembershipError::Refused("it is the only server that votes".to_owned()));
        }
        let change =
            if is_voter { ChangeMembers::RemoveVoters(BTreeSet::from([id])) } else { ChangeMembers::RemoveNodes(BTreeSet::from([id])) };
        core.change_membership(change, false).await.map(drop).map_err(membership_error)
    }

    /// Asks another voter to take over. Only the leader can; returns when the request is out.
    pub async fn transfer_leadership(&self, to: u64) -> Result<(), MembershipError> {
        let voters: BTreeSet<u64> = self.inner.core.metrics().borrow_watched().membership_config.voter_ids().collect();
        if !voters.contains(&to) {
            return Err(MembershipError::Unknown(to.to_string()));
        }
        self.inner.core.trigger().transfer_leader(to).await.map_err(|fatal| MembershipError::Refused(fatal.to_string()))
    }
}

/// Keeps the group as it should be while this server leads: its own address in the membership, changes finished, learners promoted.
pub(super) async fn keep(core: Core, own: Member, stabilization: watch::Receiver<Duration>) {
    let mut metrics = core.metrics();
    let mut close_since: BTreeMap<u64, Instant> = BTreeMap::new();
    loop {
        let step = next(&metrics.borrow_and_update(), &own, &mut close_since, *stabilization.borrow(), Instant::now());
        if let Some(change) = step {
            tracing::info!(?change, "changing the servers of the group");
            if let Err(error) = core.change_membership(change, true).await {
                tracing::warn!(%error, "the servers of the group could not be changed; trying again");
            }
        }
        tokio::select! {
            changed = metrics.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(TICK), if !close_since.is_empty() => {}
        }
        // Metrics change with every entry; looking at them that often would be waste.
        tokio::time::sleep(TICK).await;
    }
}

/// The next change that is due, if any.
fn next(
    metrics: &openraft::RaftMetrics<TypeConfig>,
    own: &Member,
    close_since: &mut BTreeMap<u64, Instant>,
    stabilization: Duration,
    now: Instant,
) -> Option<ChangeMembers<u64, Member>> {
    let Some(replication) = metrics.replication.as_ref().filter(|_| metrics.state.is_leader()) else {
        close_since.clear();
        return None;
    };
    let membership = metrics.membership_config.membership();
    // A change that a leader began and did not live to finish.
    if let [_, wanted] = membership.get_joint_config().as_slice() {
        return Some(ChangeMembers::ReplaceAllVoters(wanted.clone()));
    }
    if membership.get_node(&metrics.id).is_some_and(|known| known != own) {
        return Some(ChangeMembers::SetNodes(BTreeMap::from([(metrics.id, own.clone())])));
    }
    let last = metrics.last_log_index.unwrap_or(0);
    let is_close = |id: u64| replication.get(&id).copied().flatten().is_some_and(|matched| matched.index + CLOSE >= last);
    let close: BTreeSet<u64> = membership.learner_ids().filter(|id| is_close(*id)).collect();
    close_since.retain(|id, _| close.contains(id));
    for id in close {
        close_since.entry(id).or_insert(now);
    }
    let ready: BTreeSet<u64> =
        close_since.iter().filter(|(_, since)| now.duration_since(**since) >= stabilization).map(|(id, _)| *id).collect();
    (!ready.is_empty()).then_some(ChangeMembers::AddVoterIds(ready))
}

fn membership_error(error: CoreError<TypeConfig, ClientWriteError<TypeConfig>>) -> MembershipError {
    match error {
        CoreError::APIError(ClientWriteError::ForwardToLeader(_) | ClientWriteError::LogEntryDiscarded(_)) => MembershipError::NoLeader,
        CoreError::APIError(ClientWriteError::ChangeMembershipError(openraft::errors::ChangeMembershipError::InProgress(_))) => {
            MembershipError::Busy
        }
        other => MembershipError::Refused(other.to_string()),
    }
}
