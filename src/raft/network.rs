//! Consensus to other servers: each message one call over [`crate::rpc`], a snapshot streamed.
//!
//! openraft's own types go over the wire as they are (nothing of them is kept): servers whose builds differ in them differ in
//! [`crate::rpc::PROTOCOL`]. A server that has no [`Dialer`] is alone, and every peer is unreachable to it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{RaftNetworkFactory, RaftNetworkV2, alias};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::service::path;
use super::snapshot_file::SnapshotFile;
use super::types::{Member, TypeConfig, Vote};
use crate::codec;
use crate::model::security::Identity;
use crate::rpc::{Body, Channel, Message, RpcError};

/// Makes the way to a server from its address and from who must answer there.
pub type Dialer = Arc<dyn Fn(&str, Identity) -> Channel + Send + Sync>;

/// For a batch of entries, to be sent, written and synced.
const APPEND_TIMEOUT: Duration = Duration::from_secs(2);

/// A snapshot goes in pieces of this size.
const PIECE: usize = 256 * 1024;

/// Makes a client per peer. Each has a connection of its own, so that a snapshot under way never delays a heartbeat.
pub(super) struct Network(pub Option<Dialer>);

/// Speaks to one peer.
pub(super) struct Peer {
    id: u64,
    channel: Option<Channel>,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, node: &Member) -> Peer {
        Peer { id: target, channel: self.0.as_ref().map(|dial| dial(&node.address, Identity::server(target))) }
    }
}

impl Peer {
    fn channel(&self) -> Result<&Channel, Unreachable<TypeConfig>> {
        self.channel.as_ref().ok_or_else(|| Unreachable::from_string(format!("server {}: this one connects to no others", self.id)))
    }

    async fn call<Q, A>(&self, path: &str, request: Q, timeout: Duration) -> Result<A, Unreachable<TypeConfig>>
    where
        Q: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        let answered = self.channel()?.call(path, request, timeout).await;
        answered.map_err(|error| Unreachable::from_string(format!("server {}: {error}", self.id)))
    }
}

impl RaftNetworkV2<TypeConfig> for Peer {
    type SnapshotData = SnapshotFile;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        // A heartbeat must not take long; entries may be many. What delays them delays nobody else.
        let timeout = if request.entries.is_empty() { option.soft_ttl() } else { option.soft_ttl().max(APPEND_TIMEOUT) };
        Ok(self.call(path::APPEND, request, timeout).await?)
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        Ok(self.call(path::VOTE, request, option.soft_ttl()).await?)
    }

    /// openraft's default grants it without asking, which would make every pre-vote succeed.
    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        Ok(self.call(path::PRE_VOTE, request, option.soft_ttl()).await?)
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        Ok(self.call(path::TRANSFER, request, option.soft_ttl()).await?)
    }

    /// The vote as a message behind its length (`u32` LE), then the file.
    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: alias::SnapshotOf<TypeConfig, SnapshotFile>,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let unreachable = |error: RpcError| Unreachable::from_string(format!("server {}: {error}", self.id));
        let body = snapshot_body(&vote, snapshot.snapshot).map_err(unreachable)?;
        let sending = self.channel()?.exchange(path::SNAPSHOT, body, option.soft_ttl());
        tokio::select! {
            sent = sending => Ok(sent.map_err(unreachable)?),
            closed = cancel => Err(closed.into()),
        }
    }
}

fn snapshot_body(vote: &Vote, file: SnapshotFile) -> Result<Body, RpcError> {
    let vote = codec::encode(&Message(*vote)).map_err(|error| RpcError::Failed(error.to_string()))?;
    let length = u32::try_from(vote.len()).map_err(|_| RpcError::Failed("the vote is too large".to_owned()))?;
    let head = Bytes::from([&length.to_le_bytes(), vote.as_slice()].concat());
    let pieces = stream::try_unfold((Some(head), file, 0), |(head, file, offset)| async move {
        if let Some(head) = head {
            return Ok(Some((Frame::data(head), (None, file, offset))));
        }
        let source = file.clone();
        let read = tokio::task::spawn_blocking(move || source.read_piece(offset, PIECE)).await.map_err(std::io::Error::other)??;
        let next = offset + read.len() as u64;
        Ok::<_, std::io::Error>((!read.is_empty()).then(|| (Frame::data(read), (None, file, next))))
    });
    Ok(BodyExt::map_err(StreamBody::new(pieces), Into::into).boxed_unsync())
}
