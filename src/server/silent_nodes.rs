//! Declares nodes that stay silent disconnected (while something of theirs may come back) or down.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::{Server, ServerError};
use crate::model::{AllocClientStatus, NodeId, NodeStatus};
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
    // Whoever was disconnected already has had its time.
    let may_return = (row.status != NodeStatus::Disconnected).then(|| longest_wait(&state, node)).flatten();
    let status = if may_return.is_some() { NodeStatus::Disconnected } else { NodeStatus::Down };
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

/// The longest `lost_after` of what runs, or may run, on the node.
fn longest_wait(state: &State, node: NodeId) -> Option<Duration> {
    state
        .allocations_on_node(node)
        .filter(|row| matches!(row.client_status, AllocClientStatus::Running | AllocClientStatus::Unknown))
        .filter_map(|row| state.specification(&row.job)?.group(&row.group)?.disconnect.lost_after)
        .max()
}
