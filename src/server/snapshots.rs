//! The whole state, out for safekeeping and in again.

use std::sync::Arc;

use sha2::Digest as _;

use super::{Server, ServerError, request_id};
use crate::raft::Consistency;
use crate::state::{Command, snapshot};

/// A restore goes through the log in pieces of this size.
const PIECE: usize = 1 << 20;

/// A state as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    pub bytes: Vec<u8>,
    /// Of the last entry in it.
    pub index: u64,
    pub term: u64,
}

impl Server {
    /// Everything that was acknowledged before the call, without what the running cluster trusts. `stale`: what this server has.
    pub async fn save_state(&self, stale: bool) -> Result<SavedState, ServerError> {
        if !stale {
            self.raft().read_barrier(Consistency::Lease).await?;
        }
        let state = self.store().load();
        let term = self.raft().status().term;
        let index = state.index();
        let encoded = tokio::task::spawn_blocking(move || snapshot::encode(&state.for_safekeeping()));
        let bytes = encoded.await.map_err(internal)?.map_err(internal)?;
        Ok(SavedState { bytes, index, term })
    }

    /// Puts the state that [`Self::save_state`] gave in the place of the one there is, on every server; answers with the index of that.
    /// Nothing is changed unless the bytes are a state.
    pub async fn restore_state(&self, bytes: Vec<u8>) -> Result<u64, ServerError> {
        let bytes = tokio::task::spawn_blocking(move || match snapshot::decode(&bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(ServerError::Invalid(vec![format!("the snapshot cannot be restored: {error}")])),
        });
        let bytes = bytes.await.map_err(internal)??;
        // A restore that is asked for again, of a new leader, goes on with the same pieces.
        let restore = request_id::next_proposal();
        for (part, piece) in (0..).zip(bytes.chunks(PIECE)) {
            self.propose(Command::StageRestore { restore, part, bytes: Arc::new(piece.to_vec()) }).await?;
        }
        let digest = sha2::Sha256::digest(&bytes).into();
        let index = self.propose(Command::Restore { restore, digest }).await?.index;
        tracing::warn!(index, "the state was replaced by a snapshot that an operator restored");
        Ok(index)
    }
}

fn internal(error: impl std::fmt::Display) -> ServerError {
    ServerError::Internal(error.to_string())
}
