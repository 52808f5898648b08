//! Who belongs to the cluster, as an operator changes it.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::ServerError;
use crate::model::security::{JoinToken, Role};

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
}

/// A token with its text, which is shown this once.
#[derive(Clone)]
pub struct NewJoinToken {
    pub token: JoinToken,
    pub text: String,
}
