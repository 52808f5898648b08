//! A node's connection to the servers as a trait.
//!
//! Nodes dial servers, never the other way. An agent that is server and node links its two halves in process; a node on its own has HTTP/2
//! over mTLS behind the same trait.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::model::{Allocation, AllocationUpdate, Job, Node, NodeId};

/// Where each call goes on the wire; the answer is its `Result` as a message.
pub mod path {
    pub const PREFIX: &str = "/v1/node/";
    pub const REGISTER: &str = "/v1/node/register";
    pub const HEARTBEAT: &str = "/v1/node/heartbeat";
    pub const ASSIGNMENTS: &str = "/v1/node/assignments";
    pub const UPDATE: &str = "/v1/node/update";
}

/// An allocation that the node shall make true, with the specification it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    pub allocation: Arc<Allocation>,
    pub job: Arc<Job>,
}

/// What changed for one node after the index it asked from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssignmentBatch {
    /// Ask again from here.
    pub index: u64,
    /// `assignments` is the node's whole slice, with what is over but not yet collected: whatever the node has beside it is to be
    /// stopped and forgotten, directories and journal entries included.
    pub complete: bool,
    pub assignments: Vec<Assignment>,
}

/// What a registration or heartbeat is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatReply {
    /// Send the next heartbeat within this time.
    pub ttl: Duration,
}

/// Why a call over the link did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum LinkError {
    #[error("no server can be reached: {0}")]
    Unreachable(String),
    #[error("the cluster has no leader")]
    NoLeader,
    #[error("the servers do not know this node: register again")]
    UnknownNode,
    #[error("{0}")]
    Refused(String),
}

/// A node's connection to the servers.
pub trait NodeLink: Send + Sync + 'static {
    /// Announces the node and its facts; repeated when they change. Durable when it returns.
    fn register(&self, node: Node) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>>;

    fn heartbeat(&self, node: NodeId) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>>;

    /// Resolves as soon as something newer than `after` concerns this node; `after = 0` resolves at once with the complete
    /// slice. May resolve early with an empty batch; ask again from its index.
    fn assignments(&self, node: NodeId, after: u64) -> BoxFuture<'_, Result<AssignmentBatch, LinkError>>;

    /// Reports what became of allocations. Durable when it returns.
    fn update_allocations(&self, node: NodeId, updates: Vec<AllocationUpdate>) -> BoxFuture<'_, Result<(), LinkError>>;
}
