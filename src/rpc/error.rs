//! Why a call did not work, told apart by what the caller can do about it.

use serde::{Deserialize, Serialize};

/// Some of these are sent; [`RpcError::Unreachable`] and [`RpcError::Timeout`] are made by the caller's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RpcError {
    /// Nobody answers there, or the connection broke: the request may have been carried out.
    #[error("{0}")]
    Unreachable(String),
    #[error("no answer from {0} in time")]
    Timeout(String),
    /// The peer may not ask for this.
    #[error("refused: {0}")]
    Forbidden(String),
    /// Bytes that make no sense, or another version of the protocol.
    #[error("not understood: {0}")]
    Protocol(String),
    /// The server asked does not lead, and knows of no leader, or is not allowed to pass the request on once more.
    #[error("the cluster has no leader")]
    NoLeader,
    /// There is no such path.
    #[error("unknown request {0}")]
    Unknown(String),
    #[error("{0}")]
    Failed(String),
}

impl RpcError {
    /// Whether another server, or the same one later, may do better.
    pub fn is_worth_a_retry(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Timeout(_) | Self::NoLeader)
    }
}
