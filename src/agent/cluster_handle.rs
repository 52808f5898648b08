//! The API's verbs on the cluster's members.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::server_handle::error_of;
use crate::api::handles::{ClusterHandle, ClusterHealth, NewJoinToken, SavedState, ServerError, ServerHealth};
use crate::auth::new_join_token;
use crate::model::NodeId;
use crate::model::autopilot::AutopilotConfig;
use crate::model::security::{Identity, Role, SecurityChange};
use crate::raft::{MembershipError, ServerMember};
use crate::server::Server;
use crate::tls::fingerprint;
use crate::util::clock::Timestamp;

/// Changes a cluster through its [`Server`]; requests reach it on the leader.
pub struct LocalCluster(pub Arc<Server>);

type Answer<'a, T> = BoxFuture<'a, Result<T, ServerError>>;

impl LocalCluster {
    fn member(&self, named: &str) -> Result<ServerMember, ServerError> {
        let region = &self.0.config().region;
        let is_named = |member: &ServerMember| {
            member.name == named
                || format!("{}.{region}", member.name) == named
                || member.address == named
                || member.id.to_string() == named
        };
        let found = self.0.raft().members().into_iter().find(is_named);
        found.ok_or_else(|| ServerError::NotFound(format!("there is no server {named:?}")))
    }
}

impl ClusterHandle for LocalCluster {
    fn create_join_token(&self, role: Role, ttl: Duration, uses: u32) -> Answer<'_, NewJoinToken> {
        async move {
            let state = self.0.store().load();
            let Some(authority) = state.security().authorities.first() else {
                let problem = "this agent runs alone: start it with -bind and -bootstrap to let others join".to_owned();
                return Err(ServerError::Invalid(vec![problem]));
            };
            let (token, text) = new_join_token(role, ttl, uses, fingerprint(&authority.certificate), Timestamp::now());
            self.0.change_security(SecurityChange::AddJoinToken(token.clone())).await.map_err(error_of)?;
            Ok(NewJoinToken { token, text: text.reveal() })
        }
        .boxed()
    }

    fn revoke_join_token(&self, id: u128) -> Answer<'_, ()> {
        async move { self.0.change_security(SecurityChange::RevokeJoinToken(id)).await.map(drop).map_err(error_of) }.boxed()
    }

    fn force_leave(&self, member: String) -> Answer<'_, ()> {
        async move {
            if let Ok(node) = member.parse::<NodeId>() {
                return self.0.change_security(SecurityChange::Revoke(Identity::client(node))).await.map(drop).map_err(error_of);
            }
            let server = self.member(&member)?;
            if server.id == self.0.raft().id() {
                return Err(ServerError::Invalid(vec!["it is the leader: transfer the leadership first".to_owned()]));
            }
            self.0.raft().remove_server(server.id).await.map_err(membership_error)?;
            self.0.change_security(SecurityChange::Revoke(Identity::server(server.id))).await.map(drop).map_err(error_of)
        }
        .boxed()
    }

    fn remove_peer(&self, server: String) -> Answer<'_, ()> {
        async move {
            let server = self.member(&server)?;
            self.0.raft().remove_server(server.id).await.map_err(membership_error)
        }
        .boxed()
    }

    fn transfer_leadership(&self, server: Option<String>) -> Answer<'_, ()> {
        async move {
            let raft = self.0.raft();
            let to = match server {
                Some(named) => self.member(&named)?.id,
                None => {
                    let other =
                        raft.members().into_iter().find(|member| member.voter && member.alive == Some(true) && member.id != raft.id());
                    other.ok_or_else(|| ServerError::Invalid(vec!["there is no other server that could lead".to_owned()]))?.id
                }
            };
            raft.transfer_leadership(to).await.map_err(membership_error)
        }
        .boxed()
    }

    fn health(&self) -> Result<ClusterHealth, ServerError> {
        let report = self.0.health().map_err(error_of)?;
        let servers = report.servers.into_iter().map(|server| ServerHealth {
            id: server.standing.id.to_string(),
            name: server.standing.name,
            address: server.standing.address,
            alive: server.alive,
            healthy: server.healthy,
            leader: server.standing.leader,
            voter: server.standing.voter,
            last_contact: server.standing.silence,
            last_term: server.standing.last_term,
            last_index: server.standing.last_index,
            stable_since: server.since,
        });
        Ok(ClusterHealth { failure_tolerance: report.failure_tolerance, servers: servers.collect() })
    }

    fn set_autopilot_config(&self, config: AutopilotConfig, check_index: Option<u64>) -> Answer<'_, u64> {
        async move { self.0.set_autopilot_config(config, check_index).await.map_err(error_of) }.boxed()
    }

    fn save_state(&self, stale: bool) -> Answer<'_, SavedState> {
        async move {
            let saved = self.0.save_state(stale).await.map_err(error_of)?;
            Ok(SavedState { bytes: saved.bytes, index: saved.index, term: saved.term })
        }
        .boxed()
    }

    fn restore_state(&self, bytes: Vec<u8>) -> Answer<'_, u64> {
        async move { self.0.restore_state(bytes).await.map_err(error_of) }.boxed()
    }
}

fn membership_error(error: MembershipError) -> ServerError {
    match error {
        MembershipError::NoLeader => ServerError::NoLeader,
        MembershipError::Unknown(_) => ServerError::NotFound(error.to_string()),
        MembershipError::Busy | MembershipError::Refused(_) => ServerError::Invalid(vec![error.to_string()]),
    }
}
