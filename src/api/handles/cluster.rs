//! Who belongs to the cluster, as an operator changes it.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::ServerError;
use crate::model::autopilot::AutopilotConfig;
use crate::model::security::{JoinToken, Role};
use crate::util::clock::Timestamp;

/// Verbs on members and on permissions to become one.
pub trait ClusterHandle: Send + Sync + 'static {
    /// Makes a token that lets `uses` machines join within `ttl`.
    fn create_join_token(&self, role: Role, ttl: Duration, uses: u32) -> BoxFuture<'_, Result<NewJoinToken, ServerError>>;

    fn revoke_join_token(&self, id: u128) -> BoxFuture<'_, Result<(), ServerError>>;

    /// Takes a server, by name, id or address, or a node, by id, out of the cluster and cuts it off.
    fn force_leave(&self, member: String) -> BoxFuture<'_, Result<(), ServerError>>;

    /// Takes a server, by id or address, out of the Raft group; its certificate stays good.
    fn remove_peer(&self, server: String) -> BoxFuture<'_, Result<(), ServerError>>;

    /// Makes a voter lead: the one named by id or address, or any.
    fn transfer_leadership(&self, server: Option<String>) -> BoxFuture<'_, Result<(), ServerError>>;

    /// How the servers do; only the leader knows.
    fn health(&self) -> Result<ClusterHealth, ServerError>;

    /// Answers with the index of the change. `check_index`: only if the settings' modify index is this.
    fn set_autopilot_config(&self, config: AutopilotConfig, check_index: Option<u64>) -> BoxFuture<'_, Result<u64, ServerError>>;

    /// The state as bytes: everything acknowledged before the call, or with `stale` what this server has.
    fn save_state(&self, stale: bool) -> BoxFuture<'_, Result<SavedState, ServerError>>;

    /// Puts the state that [`Self::save_state`] gave in the place of the one there is. Nothing changes if the bytes are none.
    fn restore_state(&self, bytes: Vec<u8>) -> BoxFuture<'_, Result<u64, ServerError>>;
}

/// How the servers do, as their leader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterHealth {
    pub failure_tolerance: u32,
    /// By id.
    pub servers: Vec<ServerHealth>,
}

/// One server's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHealth {
    pub id: String,
    pub name: String,
    /// `host:port` of its RPC.
    pub address: String,
    pub alive: bool,
    pub healthy: bool,
    pub leader: bool,
    pub voter: bool,
    /// Since the leader last heard of it; `None`: never.
    pub last_contact: Option<Duration>,
    pub last_term: u64,
    pub last_index: u64,
    pub stable_since: Timestamp,
}

/// A state as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    pub bytes: Vec<u8>,
    /// Of the last entry in it.
    pub index: u64,
    pub term: u64,
}

/// A token with its text, which is shown this once.
#[derive(Clone)]
pub struct NewJoinToken {
    pub token: JoinToken,
    pub text: String,
}
