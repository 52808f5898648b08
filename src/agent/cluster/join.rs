//! The joining machine's side: pins the authority, shows the token, gets a certificate.

use std::net::IpAddr;
use std::time::Duration;

use super::messages::{Admission, JOIN, JoinRequest};
use super::trust::TrustDirectory;
use crate::agent::AgentError;
use crate::auth::JoinTokenText;
use crate::model::security::Identity;
use crate::rpc::{Channel, RpcError};
use crate::tls::seal::SealKey;
use crate::tls::{Credentials, NewKey, fingerprint, pinned_client_config};
use crate::util::backoff::Backoff;
use crate::util::clock::Timestamp;

const TIMEOUT: Duration = Duration::from_secs(15);

/// Servers may come up later than this machine.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Asks the servers in turn until one admits this machine, or one says no. What it gets is on disk when this returns.
///
/// # Errors
/// The token is of no use, with the reason; servers that cannot be reached are tried for ever.
pub async fn join(
    trust: &TrustDirectory,
    token: &JoinTokenText,
    identity: Identity,
    servers: &[String],
    own_addresses: Vec<IpAddr>,
    expired: Option<&Credentials>,
) -> Result<(Credentials, Vec<String>), AgentError> {
    if token.role != identity.role {
        let wanted = identity.role.name();
        return Err(AgentError::Join(format!("the token is for a {}, this agent is to be a {wanted}", token.role.name())));
    }
    if token.expires <= Timestamp::now().seconds() {
        return Err(AgentError::Join("the join token has expired: make a new one with `pannier token join create`".to_owned()));
    }
    // A member that was away for longer than its certificate lasts is known by its key.
    let key = expired.map_or_else(|| trust.joining_key(), |credentials| Ok(NewKey::of(credentials)?))?;
    let request = JoinRequest {
        token: token.id,
        secret: token.secret.reveal(),
        identity,
        request: key.request.clone(),
        addresses: own_addresses,
        observed: None,
    };
    let mut backoff = Backoff::new(RETRY.0, RETRY.1);
    let admission = 'admitted: loop {
        for server in servers {
            let channel = Channel::to_stranger(server.as_str(), pinned_client_config(token.authority)?);
            match channel.call::<_, Admission>(JOIN, request.clone(), TIMEOUT).await {
                Ok(admission) => break 'admitted admission,
                Err(RpcError::Forbidden(reason)) => return Err(AgentError::Join(reason)),
                Err(error) => tracing::warn!(%error, "cannot join yet, will try again"),
            }
        }
        tokio::time::sleep(backoff.next_delay()).await;
    };
    if !admission.authorities.iter().any(|authority| fingerprint(authority) == token.authority) {
        return Err(AgentError::Join("the server did not send the authority that the token names".to_owned()));
    }
    if let Some(bytes) = &admission.seal_key {
        trust.save_seal_key(&SealKey::from_bytes(bytes)?)?;
    }
    let credentials = key.certified(admission.certificate, admission.authorities);
    trust.save(&credentials)?;
    trust.joined();
    tracing::info!(%identity, "joined the cluster");
    Ok((credentials, admission.servers))
}
