//! The servers' side of joining, renewing and announcing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::messages::{ANNOUNCE, Admission, Announcement, JOIN, JoinRequest, RenewRequest};
use super::trust;
use crate::auth::Secret;
use crate::model::security::{Identity, SecurityChange};
use crate::raft::MembershipError;
use crate::rpc::{Caller, Channel, RpcError};
use crate::server::{Server, ServerError};
use crate::state::Rejection;
use crate::tls::seal::SealKey;
use crate::tls::{TlsError, VALIDITY, public_key_digest_of_request};
use crate::util::clock::Timestamp;

const FORWARD_TIMEOUT: Duration = Duration::from_secs(10);

/// Lets members in and keeps their certificates fresh.
pub struct Membership {
    pub server: Arc<Server>,
    pub seal_key: Arc<SealKey>,
}

impl Membership {
    /// Admits whoever shows a good token.
    pub async fn join(&self, caller: Caller, mut request: JoinRequest) -> Result<Admission, RpcError> {
        let is_passed_on = caller.identity.is_some_and(|identity| identity.is_server());
        if !is_passed_on {
            request.observed = Some(caller.address.ip());
        }
        if !self.server.raft().is_leader() {
            return self.leader(is_passed_on)?.call(JOIN, request, FORWARD_TIMEOUT).await;
        }
        let secret: Secret = request.secret.parse().map_err(|_| RpcError::Protocol("malformed secret".to_owned()))?;
        let key = public_key_digest_of_request(&request.request).map_err(bad_request)?;
        let (token, identity, at) = (request.token, request.identity, Timestamp::now());
        // Looked at before it is proposed: a stranger must not be able to fill the log.
        let mut trial = (**self.server.store().load().security()).clone();
        trial.join(token, &secret.digest(), identity, key, at).map_err(|refusal| RpcError::Forbidden(refusal.to_string()))?;
        // Issued before the use is counted, so that a request that cannot be signed costs none; it goes out only after.
        let addresses = issued_for(&request);
        let admission = self.admission(identity, &request.request, &addresses)?;
        let change = SecurityChange::Join { token, secret: secret.digest(), identity, key, at };
        self.server.change_security(change).await.map_err(|error| match error {
            ServerError::Rejected(Rejection::JoinRefused(refusal)) => RpcError::Forbidden(refusal.to_string()),
            ServerError::NoLeader => RpcError::NoLeader,
            other => RpcError::Failed(other.to_string()),
        })?;
        tracing::info!(%identity, "a member has joined");
        Ok(Admission { seal_key: identity.is_server().then(|| self.seal_key.to_bytes()), ..admission })
    }

    /// A fresh certificate for a member. Any server can issue it.
    pub fn renew(&self, caller: Caller, request: &RenewRequest) -> Result<Admission, RpcError> {
        let identity = caller.identity.ok_or_else(|| RpcError::Forbidden("only members renew".to_owned()))?;
        let mut addresses = request.addresses.clone();
        addresses.push(caller.address.ip());
        self.admission(identity, &request.request, &addresses)
    }

    /// A fresh certificate for this server itself.
    pub fn renew_own(&self, request: &RenewRequest) -> Result<Admission, RpcError> {
        self.admission(Identity::server(self.server.raft().id()), &request.request, &request.addresses)
    }

    /// Takes note of where a server is, and lets it into the group when it is new there.
    pub async fn announce(&self, caller: Caller, announcement: Announcement) -> Result<(), RpcError> {
        let raft = self.server.raft();
        if !raft.is_leader() {
            let is_passed_on = caller.identity != Some(Identity::server(announcement.id));
            return self.leader(is_passed_on)?.call(ANNOUNCE, announcement, FORWARD_TIMEOUT).await;
        }
        raft.add_server(announcement.id, announcement.address, announcement.name).await.map_err(|error| match error {
            MembershipError::NoLeader | MembershipError::Busy => RpcError::NoLeader,
            other => RpcError::Failed(other.to_string()),
        })
    }

    /// RPC addresses of all servers.
    pub fn servers(&self) -> Vec<String> {
        self.server.raft().members().into_iter().map(|member| member.address).collect()
    }

    /// Every certificate to trust, the issuing one first.
    pub fn authorities(&self) -> Vec<Vec<u8>> {
        trust::authorities(self.server.store().load().security())
    }

    fn leader(&self, is_passed_on: bool) -> Result<Channel, RpcError> {
        let raft = self.server.raft();
        if is_passed_on {
            return Err(RpcError::NoLeader);
        }
        raft.leader().and_then(|(id, address)| raft.channel_to(id, &address)).ok_or(RpcError::NoLeader)
    }

    fn admission(&self, identity: Identity, request: &[u8], addresses: &[IpAddr]) -> Result<Admission, RpcError> {
        let state = self.server.store().load();
        let security = state.security();
        if !security.admits(&identity) {
            return Err(RpcError::Forbidden("this member was revoked".to_owned()));
        }
        let authority = trust::authority(security, &self.seal_key).map_err(|error| RpcError::Failed(error.to_string()))?;
        let certificate = authority.issue(request, identity, addresses, VALIDITY, Timestamp::now()).map_err(bad_request)?;
        let (certificate, authorities) = (certificate.to_vec(), trust::authorities(security));
        Ok(Admission { certificate, authorities, servers: self.servers(), seal_key: None })
    }
}

/// A server's API is reached by the addresses that it names and the one that it came from.
fn issued_for(request: &JoinRequest) -> Vec<IpAddr> {
    let mut addresses = request.addresses.clone();
    addresses.extend(request.observed);
    addresses.sort();
    addresses.dedup();
    addresses
}

fn bad_request(error: TlsError) -> RpcError {
    match error {
        TlsError::BadRequest(reason) => RpcError::Protocol(reason),
        other => RpcError::Failed(other.to_string()),
    }
}
