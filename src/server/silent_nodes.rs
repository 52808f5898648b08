//! Declares nodes that stay silent disconnected (while something of theirs may come back) or down.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::{Server, ServerError};
use crate::model::{AllocClientStatus, Node, NodeId, NodeStatus};
use crate::state::State;

/// Deadlines move when nodes are heard of; looking this often is precise enough for ttls of seconds.
const TICK: Duration = Duration::from_secs(1);

/// A tick later than this means that this process itself was held up: its picture of the nodes is old, not they.
const HELD_UP: Duration = Duration::from_secs(5);

/// Watches while this server leads.
pub(super) async fn watch(server: &Server) {
    grant_time(server);
    let mut last = Instant::now();
    loop {
        tokio::time::sleep(TICK).await;
        let now = Instant::now();
        if now.duration_since(last) > TICK + HELD_UP {
            warn!(seconds = now.duration_since(last).as_secs(), "this server was held up: nodes get time to report");
            grant_time(server);
        }
        last = now;
        for node in server.with_heartbeats(|heartbeats| heartbeats.expired(now)) {
            declare(server, node, now).await;
        }
    }
}

fn grant_time(server: &Server) {
    let state = server.store().load();
    let nodes = state.nodes().filter(|node| node.status != NodeStatus::Down).map(|node| node.id);
    server.with_heartbeats(|heartbeats| heartbeats.lead(nodes, Instant::now()));
}

async fn declare(server: &Server, node: NodeId, now: Instant) {
    let state = server.store().load();
    let Some(row) = state.node(node) else { return };
    let (status, may_return) = verdict(&state, row);
    warn!(%node, status = status.name(), "node missed its heartbeat");
    match server.set_node_status(node, status, "node heartbeat missed").await {
        Ok(()) => {
            if let Some(wait) = may_return {
                server.with_heartbeats(|heartbeats| heartbeats.expect_by(node, now + wait));
            }
        }
        Err(ServerError::Rejected(rejection)) => warn!(%node, %rejection, "a silent node is not recorded"),
        Err(error) => {
            warn!(%node, %error, "could not record a silent node; trying again");
            server.with_heartbeats(|heartbeats| heartbeats.expect_by(node, now));
        }
    }
}

/// What a node is that was not heard of in time, and how long something of it may still come back.
fn verdict(state: &State, node: &Node) -> (NodeStatus, Option<Duration>) {
    // Whoever was disconnected already has had its time.
    let may_return = (node.status != NodeStatus::Disconnected).then(|| longest_wait(state, node.id)).flatten();
    (if may_return.is_some() { NodeStatus::Disconnected } else { NodeStatus::Down }, may_return)
}

/// The longest `lost_after` of what runs, or may run, on the node.
fn longest_wait(state: &State, node: NodeId) -> Option<Duration> {
    state
        .allocations_on_node(node)
        .filter(|row| matches!(row.client_status, AllocClientStatus::Running | AllocClientStatus::Unknown))
        .filter_map(|row| state.specification(&row.job)?.group(&row.group)?.disconnect.lost_after)
        .max()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{AllocationUpdate, JobType, fixtures};
    use crate::state::Command;
    use crate::state::command::Request;
    use crate::util::clock::Timestamp;

    fn apply(state: &mut State, command: Command) {
        let index = state.index() + 1;
        state.apply(index, &Request { id: 0, command }).0.unwrap();
    }

    #[test]
    fn who_is_down_and_who_may_come_back() {
        use AllocClientStatus::{Complete, Failed, Lost, Running, Unknown};
        use NodeStatus::{Disconnected, Down, Initializing, Ready};
        // What the node was, what its instances do with which `lost_after` in seconds; what it is then, and for how long it may come back.
        type Case<'a> = (NodeStatus, &'a [(AllocClientStatus, Option<u64>)], NodeStatus, Option<u64>);
        let cases: [Case<'_>; 12] = [
            (Ready, &[], Down, None),
            (Initializing, &[], Down, None),
            (Ready, &[(Running, None)], Down, None),
            (Ready, &[(Running, Some(60))], Disconnected, Some(60)),
            (Ready, &[(Running, Some(60)), (Running, None)], Disconnected, Some(60)),
            (Ready, &[(Running, Some(60)), (Running, Some(300))], Disconnected, Some(300)),
            (Ready, &[(Unknown, Some(60))], Disconnected, Some(60)),
            (Ready, &[(Complete, Some(60))], Down, None),
            (Ready, &[(Failed, Some(60)), (Lost, Some(90))], Down, None),
            (Ready, &[(Complete, Some(600)), (Running, Some(60))], Disconnected, Some(60)),
            (Disconnected, &[(Unknown, Some(60))], Down, None),
            (Disconnected, &[], Down, None),
        ];
        for (before, instances, status, seconds) in cases {
            let (mut state, at) = (State::default(), Timestamp(1));
            let node = NodeId(1);
            apply(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at });
            for (number, (client_status, lost_after)) in (0u32..).zip(instances) {
                let mut job = fixtures::job(&format!("job-{number}"), JobType::Service, 1);
                job.groups[0].disconnect.lost_after = lost_after.map(Duration::from_secs);
                let key = job.key.clone();
                let job = Arc::new(job);
                apply(&mut state, Command::RegisterJob { job, submission: None, enforce_index: None, evaluation: None, at });
                let job = state.job(&key).unwrap().clone();
                apply(&mut state, Command::ApplyPlan { plan: Box::new(fixtures::placing(&job, node, 0, 1, 7 + u128::from(number))) });
                let id = state.allocations_of_job(&key).next().unwrap().id;
                let (client_status, task_states) = (*client_status, Default::default());
                let update = AllocationUpdate { id, client_status, client_description: "".into(), task_states, health: None, at };
                apply(&mut state, Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at });
            }
            apply(&mut state, Command::SetNodeStatus { node, status: before, description: "".into(), evaluations: Vec::new(), at });
            let found = verdict(&state, state.node(node).unwrap());
            assert_eq!(found, (status, seconds.map(Duration::from_secs)), "{before:?} {instances:?}");
        }
    }
}
