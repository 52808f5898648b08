//! A node's link over the network: one connection to one server, and to another one when that fails.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::node_link::path;
use super::{AssignmentBatch, Channel, HeartbeatReply, LinkError, NodeLink, RpcError};
use crate::model::{AllocationUpdate, Node, NodeId};
use crate::tls::TlsContext;
use crate::util::random::random_u128;

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than a server holds a poll open.
const POLL_TIMEOUT: Duration = Duration::from_secs(75);

/// After a failure a node waits up to this before it tells: when a server dies, its nodes do not all come to the next at once.
const SPREAD: Duration = Duration::from_millis(500);

/// Speaks to whichever server answers.
pub struct RemoteLink {
    tls: TlsContext,
    servers: Mutex<Servers>,
}

struct Servers {
    /// `host:port`, never empty.
    addresses: Vec<String>,
    current: Channel,
}

impl RemoteLink {
    /// `addresses` are tried in an order of this node's own, so that nodes spread over the servers. `None` when there are none.
    pub fn new(tls: TlsContext, mut addresses: Vec<String>) -> Option<Self> {
        if addresses.is_empty() {
            return None;
        }
        let start = (random_u128() % addresses.len() as u128) as usize;
        addresses.rotate_left(start);
        let current = Channel::new(addresses[0].clone(), tls.clone(), None);
        Some(Self { tls, servers: Mutex::new(Servers { addresses, current }) })
    }

    /// The server of the moment.
    pub fn channel(&self) -> Channel {
        self.servers().current.clone()
    }

    /// The servers as the cluster knows them now; the one in use stays in use.
    pub fn set_servers(&self, mut addresses: Vec<String>) {
        addresses.retain(|address| !address.is_empty());
        if !addresses.is_empty() {
            self.servers().addresses = addresses;
        }
    }

    /// Takes the next server, unless somebody else has done so since `failed` was in use.
    pub fn move_on(&self, failed: &Channel) {
        let mut servers = self.servers();
        if servers.current.address() != failed.address() {
            return;
        }
        let at = servers.addresses.iter().position(|address| address == failed.address());
        let next = servers.addresses[at.map_or(0, |at| (at + 1) % servers.addresses.len())].clone();
        if next != failed.address() {
            tracing::info!(from = failed.address(), to = next, "moving to another server");
            servers.current = Channel::new(next, self.tls.clone(), None);
        }
    }

    async fn call<Q, A>(&self, path: &str, message: Q, timeout: Duration) -> Result<A, LinkError>
    where
        Q: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        let channel = self.channel();
        let answered: Result<Result<A, LinkError>, RpcError> = channel.call(path, message, timeout).await;
        let error = match answered {
            // That server may be the one that is cut off from the others.
            Ok(Err(LinkError::NoLeader)) => LinkError::NoLeader,
            Ok(Err(LinkError::Unreachable(reason))) => LinkError::Unreachable(reason),
            Ok(result) => return result,
            Err(RpcError::Forbidden(reason)) => LinkError::Refused(reason),
            Err(error) => LinkError::Unreachable(error.to_string()),
        };
        self.move_on(&channel);
        tokio::time::sleep(SPREAD.mul_f64((random_u128() % 1024) as f64 / 1024.0)).await;
        Err(error)
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NodeLink for RemoteLink {
    fn register(&self, node: Node) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>> {
        self.call(path::REGISTER, node, CALL_TIMEOUT).boxed()
    }

    fn heartbeat(&self, node: NodeId) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>> {
        self.call(path::HEARTBEAT, node, CALL_TIMEOUT).boxed()
    }

    fn assignments(&self, node: NodeId, after: u64) -> BoxFuture<'_, Result<AssignmentBatch, LinkError>> {
        self.call(path::ASSIGNMENTS, (node, after), POLL_TIMEOUT).boxed()
    }

    fn update_allocations(&self, node: NodeId, updates: Vec<AllocationUpdate>) -> BoxFuture<'_, Result<(), LinkError>> {
        self.call(path::UPDATE, (node, updates), CALL_TIMEOUT).boxed()
    }
}
