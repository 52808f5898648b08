//! The cluster's signing key: there is one as soon as there is a leader.

use std::time::Duration;

use tracing::{info, warn};

use super::Server;
use crate::auth::key;
use crate::raft::Consistency;
use crate::state::Command;
use crate::util::clock::Timestamp;

/// Between attempts when the cluster cannot take the key.
const RETRY: Duration = Duration::from_secs(5);

/// Makes a key when the state has none; never resolves after that. Only the leader runs it, so two keys are not made by accident (and
/// would do no harm: both are published, the newer one signs).
pub(super) async fn ensure_key(server: &Server) {
    loop {
        match make_if_missing(server).await {
            Ok(()) => return std::future::pending().await,
            Err(problem) => warn!(problem, "no identities can be signed yet"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn make_if_missing(server: &Server) -> Result<(), String> {
    // What an earlier leader added must be seen before it is missed.
    server.raft().read_barrier(Consistency::Quorum).await.map_err(|error| error.to_string())?;
    if server.store().load().signing_keys().next().is_some() {
        return Ok(());
    }
    let key = key::generate(Timestamp::now()).map_err(|error| error.to_string())?;
    let id = key.id;
    server.propose(Command::AddSigningKey { key: Box::new(key) }).await.map_err(|error| error.to_string())?;
    info!(key = %id, "a key to sign identities with was made");
    Ok(())
}
