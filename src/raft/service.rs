//! Consensus from other servers. Who may call this was settled by the listener's handler: servers of this cluster.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, Response};
use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest, VoteRequest};
use openraft::{ReadPolicy, alias};

use super::Raft;
use super::snapshot_file::SnapshotFile;
use super::types::{TypeConfig, Vote};
use crate::codec;
use crate::rpc::{self, Body, MAX_MESSAGE, Message, RpcError};
use crate::util::random::random_u128;

/// Where each message goes.
pub(super) mod path {
    pub const APPEND: &str = "/v1/raft/append";
    pub const VOTE: &str = "/v1/raft/vote";
    pub const PRE_VOTE: &str = "/v1/raft/pre-vote";
    pub const TRANSFER: &str = "/v1/raft/transfer";
    pub const SNAPSHOT: &str = "/v1/raft/snapshot";
    pub const READ_INDEX: &str = "/v1/raft/read-index";
}

/// Votes and the like.
const SMALL: usize = 64 * 1024;

impl Raft {
    /// Answers a request below `/v1/raft/` of another server.
    pub async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let core = &self.inner.core;
        match request.uri().path() {
            path::APPEND => {
                self.inner.leader_heard.send_replace(Some(tokio::time::Instant::now()));
                let append = |message: AppendEntriesRequest<TypeConfig>| async move { core.append_entries(message).await.map_err(failed) };
                rpc::answer(request, MAX_MESSAGE, append).await
            }
            path::VOTE => {
                rpc::answer(request, SMALL, |vote: VoteRequest<TypeConfig>| async move { core.vote(vote).await.map_err(failed) }).await
            }
            path::PRE_VOTE => {
                rpc::answer(request, SMALL, |vote: VoteRequest<TypeConfig>| async move { core.pre_vote(vote).await.map_err(failed) }).await
            }
            path::TRANSFER => {
                let transfer = |transfer: TransferLeaderRequest<TypeConfig>| async move {
                    core.handle_transfer_leader(transfer).await.map_err(failed)
                };
                rpc::answer(request, SMALL, transfer).await
            }
            path::READ_INDEX => rpc::answer(request, SMALL, |lease: bool| self.read_index(lease)).await,
            path::SNAPSHOT => match self.receive_snapshot(request.into_body()).await {
                Ok(response) => rpc::message_response(&response),
                Err(error) => rpc::refusal(&error),
            },
            other => rpc::refusal(&RpcError::Unknown(other.to_owned())),
        }
    }

    /// Up to where a read must have been applied to be linearizable, if this server leads. With `lease` the time since a quorum was heard
    /// of vouches for that, otherwise a quorum is asked.
    pub(super) async fn read_index(&self, lease: bool) -> Result<u64, RpcError> {
        let policy = if lease { ReadPolicy::LeaseRead } else { ReadPolicy::ReadIndex };
        match self.inner.core.get_read_linearizer(policy).await {
            Ok(linearizer) => Ok(linearizer.read_log_id().index()),
            Err(openraft::errors::RaftError::APIError(_)) => Err(RpcError::NoLeader),
            Err(error) => Err(failed(error)),
        }
    }

    async fn receive_snapshot(&self, body: Incoming) -> Result<openraft::raft::SnapshotResponse<TypeConfig>, RpcError> {
        let incoming = Received::new(self.inner.incoming.clone())?;
        let vote = incoming.write(body).await?;
        let path = incoming.path.clone();
        let snapshot = tokio::task::spawn_blocking(move || {
            let file = SnapshotFile::open(&path).map_err(failed)?;
            // What does not check out must not reach the core, which would stop for good.
            let meta = file.read().map_err(failed)?.meta;
            Ok::<_, RpcError>(alias::SnapshotOf::<TypeConfig, SnapshotFile> { meta, snapshot: file })
        });
        let snapshot = snapshot.await.map_err(failed)??;
        self.inner.core.install_full_snapshot(vote, snapshot).await.map_err(failed)
    }
}

/// A snapshot on its way in; the file goes with this.
struct Received {
    path: PathBuf,
}

impl Received {
    fn new(directory: PathBuf) -> Result<Self, RpcError> {
        fs::create_dir_all(&directory).map_err(failed)?;
        Ok(Self { path: directory.join(format!("{:032x}", random_u128())) })
    }

    async fn write(&self, mut body: Incoming) -> Result<Vote, RpcError> {
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path).map_err(failed)?;
        let mut head = Vec::new();
        let mut vote = None;
        while let Some(frame) = body.frame().await {
            let Ok(mut data) = frame.map_err(failed)?.into_data() else { continue };
            if vote.is_none() {
                head.extend_from_slice(&data);
                let Some((found, used)) = vote_of(&head)? else { continue };
                vote = Some(found);
                data = head.split_off(used).into();
            }
            file = tokio::task::spawn_blocking(move || file.write_all(&data).map(|()| file)).await.map_err(failed)?.map_err(failed)?;
        }
        vote.ok_or_else(|| RpcError::Protocol("the snapshot is cut short".to_owned()))
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The vote at the head of a snapshot, and how many bytes it took; `None` while they are not all there.
fn vote_of(head: &[u8]) -> Result<Option<(Vote, usize)>, RpcError> {
    let Some((length, rest)) = head.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > SMALL {
        return Err(RpcError::Protocol("the vote before a snapshot is too large".to_owned()));
    }
    let Some(bytes) = rest.get(..length) else { return Ok(None) };
    let vote: Message<Vote> = codec::decode(bytes).map_err(|error| RpcError::Protocol(error.to_string()))?;
    Ok(Some((vote.0, 4 + length)))
}

fn failed(error: impl std::fmt::Display) -> RpcError {
    RpcError::Failed(error.to_string())
}
