//! The server's half of a node's link, for a node in the same process.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::{Server, ServerError};
use crate::model::{AllocationUpdate, Node, NodeId, NodeStatus};
use crate::rpc::{Assignment, AssignmentBatch, HeartbeatReply, LinkError, NodeLink};
use crate::state::{State, Table};
use crate::util::random::random_u128;

/// How long an assignment poll is held open.
const POLL: Duration = Duration::from_secs(60);

/// Links a node to the server beside it, without a wire.
pub struct LocalLink(pub Arc<Server>);

impl NodeLink for LocalLink {
    fn register(&self, node: Node) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>> {
        async move {
            let id = node.id;
            self.0.register_node(node).await.map_err(link_error)?;
            Ok(self.granted(id))
        }
        .boxed()
    }

    fn heartbeat(&self, node: NodeId) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>> {
        async move {
            let state = self.0.store().load();
            match state.node(node).map(|row| row.status) {
                // A node that was given up must register anew, so that its jobs are looked at again.
                Some(NodeStatus::Down | NodeStatus::Disconnected) | None => Err(LinkError::UnknownNode),
                Some(_) if !self.0.raft().is_leader() => Err(LinkError::NoLeader),
                Some(_) => Ok(self.granted(node)),
            }
        }
        .boxed()
    }

    fn assignments(&self, node: NodeId, after: u64) -> BoxFuture<'_, Result<AssignmentBatch, LinkError>> {
        async move {
            let mut changed = self.0.store().watch_table(Table::Allocations);
            let deadline = tokio::time::Instant::now() + POLL;
            loop {
                changed.mark_unchanged();
                let state = self.0.store().load();
                let batch = slice_of(&state, node, after);
                if batch.complete || !batch.assignments.is_empty() {
                    return Ok(batch);
                }
                match tokio::time::timeout_at(deadline, changed.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Err(LinkError::Unreachable("the server is shutting down".to_owned())),
                    Err(_) => return Ok(batch),
                }
            }
        }
        .boxed()
    }

    fn update_allocations(&self, _node: NodeId, updates: Vec<AllocationUpdate>) -> BoxFuture<'_, Result<(), LinkError>> {
        async move { self.0.update_allocations(updates).await.map_err(link_error) }.boxed()
    }
}

impl LocalLink {
    fn granted(&self, node: NodeId) -> HeartbeatReply {
        let jitter = (random_u128() % 1024) as f64 / 1024.0;
        HeartbeatReply { ttl: self.0.with_heartbeats(|heartbeats| heartbeats.heard(node, tokio::time::Instant::now(), jitter)) }
    }
}

/// What the node must know that changed after `after`: its whole slice (what is over included, since its files are kept until it
/// is collected) when it starts or something was collected, else what plans and operators changed. Its own reports do not count.
fn slice_of(state: &State, node: NodeId, after: u64) -> AssignmentBatch {
    let complete = after == 0 || state.last_collection(node) > after;
    let assignments = state
        .allocations_on_node(node)
        .filter(|row| complete || row.alloc_modify_index > after)
        .filter_map(|row| Some(Assignment { allocation: Arc::clone(row), job: state.specification(&row.job).cloned()? }))
        .collect();
    AssignmentBatch { index: state.index(), complete, assignments }
}

fn link_error(error: ServerError) -> LinkError {
    match error {
        ServerError::NoLeader => LinkError::NoLeader,
        other => LinkError::Refused(other.to_string()),
    }
}
