//! The server's half of a node's link: for the node in the same process, and behind the wire for all others.
//!
//! Any server answers. What changes the cluster goes to the leader, directly or passed on once; assignments come from the local state,
//! which is brought up to date first where an older one would do harm.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Server, ServerError};
use crate::model::security::Identity;
use crate::model::{AllocationUpdate, Node, NodeId, NodeStatus};
use crate::raft::Consistency;
use crate::rpc::node_link::path;
use crate::rpc::{self, Assignment, AssignmentBatch, Body, HeartbeatReply, LinkError, MAX_MESSAGE, NodeLink, RpcError};
use crate::state::State;
use crate::util::random::random_u128;

/// How long an assignment poll is held open.
const POLL: Duration = Duration::from_secs(60);

/// For the leader's answer to what is passed on to it.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(8);

/// For this server to catch up with what a node has seen elsewhere.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Links nodes to the server in this process.
#[derive(Clone)]
pub struct LocalLink(pub Arc<Server>);

impl NodeLink for LocalLink {
    fn register(&self, node: Node) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>> {
        async move {
            if !self.0.raft().is_leader() {
                return self.forward(path::REGISTER, node).await;
            }
            let id = node.id;
            self.0.register_node(node).await.map_err(link_error)?;
            Ok(self.granted(id))
        }
        .boxed()
    }

    fn heartbeat(&self, node: NodeId) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>> {
        async move {
            if !self.0.raft().is_leader() {
                return self.forward(path::HEARTBEAT, node).await;
            }
            let state = self.0.store().load();
            match state.node(node).map(|row| row.status) {
                // A node that was given up must register anew, so that its jobs are looked at again.
                Some(NodeStatus::Down | NodeStatus::Disconnected) | None => Err(LinkError::UnknownNode),
                Some(_) => Ok(self.granted(node)),
            }
        }
        .boxed()
    }

    fn assignments(&self, node: NodeId, after: u64) -> BoxFuture<'_, Result<AssignmentBatch, LinkError>> {
        async move {
            self.catch_up(after).await?;
            let mut changed = self.0.store().watch_node(node);
            let deadline = tokio::time::Instant::now() + POLL;
            loop {
                changed.mark_unchanged();
                let state = self.0.store().load();
                let batch = slice_of(&state, node, after);
                if batch.complete || !batch.assignments.is_empty() {
                    return Ok(batch);
                }
                match tokio::time::timeout_at(deadline, changed.changed()).await {
                    // While thousands of nodes have news, each waits for its turn, and takes together what comes meanwhile.
                    Ok(Ok(())) => self.0.push_turn().await,
                    Ok(Err(_)) => return Err(LinkError::Unreachable("the server is shutting down".to_owned())),
                    Err(_) => return Ok(batch),
                }
            }
        }
        .boxed()
    }

    fn update_allocations(&self, node: NodeId, updates: Vec<AllocationUpdate>) -> BoxFuture<'_, Result<(), LinkError>> {
        async move {
            if !self.0.raft().is_leader() {
                return self.forward(path::UPDATE, (node, updates)).await;
            }
            self.0.report(self.own(node, updates)).await.map_err(link_error)
        }
        .boxed()
    }
}

impl LocalLink {
    /// Answers a request below `/v1/node/`. A client speaks for itself only; a server passes on what its clients said.
    pub async fn handle(&self, caller: Identity, request: Request<Incoming>) -> Response<Body> {
        let may_speak_for = move |node: NodeId| match caller.node() {
            Some(own) if own != node => Err(RpcError::Forbidden(format!("{caller} may not speak for node {node}"))),
            _ => Ok(()),
        };
        // What was passed on once is not passed on again: leadership may move in circles, requests must not.
        let passed_on = caller.is_server();
        let here = move |link: &Self| if passed_on && !link.0.raft().is_leader() { Err(LinkError::NoLeader) } else { Ok(()) };
        match request.uri().path() {
            path::REGISTER => {
                let register = |node: Node| async move {
                    may_speak_for(node.id)?;
                    Ok(match here(self) {
                        Ok(()) => self.register(node).await,
                        Err(error) => Err(error),
                    })
                };
                rpc::answer(request, MAX_MESSAGE, register).await
            }
            path::HEARTBEAT => {
                let heartbeat = |node: NodeId| async move {
                    may_speak_for(node)?;
                    Ok(match here(self) {
                        Ok(()) => self.heartbeat(node).await,
                        Err(error) => Err(error),
                    })
                };
                rpc::answer(request, 1024, heartbeat).await
            }
            path::ASSIGNMENTS => {
                let assignments = |(node, after): (NodeId, u64)| async move {
                    may_speak_for(node)?;
                    Ok(self.assignments(node, after).await)
                };
                rpc::answer(request, 1024, assignments).await
            }
            path::UPDATE => {
                let update = |(node, updates): (NodeId, Vec<AllocationUpdate>)| async move {
                    may_speak_for(node)?;
                    Ok(match here(self) {
                        Ok(()) => self.update_allocations(node, updates).await,
                        Err(error) => Err(error),
                    })
                };
                rpc::answer(request, MAX_MESSAGE, update).await
            }
            other => rpc::refusal(&RpcError::Unknown(other.to_owned())),
        }
    }

    async fn forward<Q, A>(&self, path: &str, message: Q) -> Result<A, LinkError>
    where
        Q: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        let raft = self.0.raft();
        let leader = raft.leader().and_then(|(id, address)| raft.channel_to(id, &address)).ok_or(LinkError::NoLeader)?;
        leader.call(path, message, FORWARD_TIMEOUT).await.map_err(|error| match error {
            RpcError::Forbidden(reason) | RpcError::Failed(reason) => LinkError::Refused(reason),
            _ => LinkError::NoLeader,
        })?
    }

    /// A whole slice from an old state would make the node stop what was just placed on it, and what the node has seen elsewhere must be
    /// here as well.
    async fn catch_up(&self, after: u64) -> Result<(), LinkError> {
        if after == 0 {
            return self.0.raft().read_barrier(Consistency::Lease).await.map_err(|_| LinkError::NoLeader);
        }
        let mut applied = self.0.store().watch_applied();
        let caught_up = tokio::time::timeout(CATCH_UP, applied.wait_for(|index| *index >= after)).await;
        match caught_up {
            Ok(Ok(_)) => Ok(()),
            _ => Err(LinkError::Unreachable("this server has fallen behind".to_owned())),
        }
    }

    fn granted(&self, node: NodeId) -> HeartbeatReply {
        let jitter = (random_u128() % 1024) as f64 / 1024.0;
        HeartbeatReply { ttl: self.0.with_heartbeats(|heartbeats| heartbeats.heard(node, tokio::time::Instant::now(), jitter)) }
    }

    /// What of the reports is about the node's own allocations; what it says of others' is nothing to go by.
    fn own(&self, node: NodeId, mut updates: Vec<AllocationUpdate>) -> Vec<AllocationUpdate> {
        let state = self.0.store().load();
        let before = updates.len();
        updates.retain(|update| state.allocation(update.id).is_none_or(|row| row.node_id == node));
        if updates.len() < before {
            tracing::warn!(%node, dropped = before - updates.len(), "a node reported on allocations of other nodes");
        }
        updates
    }
}

/// What the node must know that changed after `after`: its whole slice (what is over included, since its files are kept until it
/// is collected) when it starts or something was collected, else what plans and operators changed. Its own reports do not count.
fn slice_of(state: &State, node: NodeId, after: u64) -> AssignmentBatch {
    let complete = after == 0 || state.last_collection(node) > after;
    let assignments = state
        .allocations_changed_on_node(node, if complete { 0 } else { after })
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
