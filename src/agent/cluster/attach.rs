//! Background work of a member: a node's open tunnel and its list of servers, and everybody's certificate.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;

use super::gateway::{self, Gateway};
use super::membership::Membership;
use super::messages::{AUTHORITIES, Admission, RENEW, RenewRequest, SERVERS};
use super::trust::TrustDirectory;
use crate::agent::AgentError;
use crate::rpc::{self, RemoteLink, RpcError};
use crate::tls::{NewKey, TlsContext};
use crate::util::backoff::Backoff;
use crate::util::clock::Timestamp;
use crate::util::random::random_u128;

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a node asks which servers there are.
const REFRESH: Duration = Duration::from_secs(30);

/// How often a certificate's age and its authority are looked at. A renewal that fails is tried again as often, for half of the
/// certificate's life.
const RENEWAL_TICK: Duration = Duration::from_secs(30);

/// Keeps a tunnel to the server of the moment open, until the end of time.
pub async fn keep_attached(link: Arc<RemoteLink>, gateway: Arc<Gateway>) {
    let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(15));
    loop {
        let channel = link.channel();
        match channel.tunnel().await {
            Ok(stream) => {
                tracing::debug!(server = channel.address(), "attached");
                backoff.reset();
                let gateway = Arc::clone(&gateway);
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let gateway = Arc::clone(&gateway);
                    async move { Ok::<_, Infallible>(gateway::answer_tunnel(gateway, request).await) }
                });
                let ended = rpc::serve_tunnel(stream, service).await;
                tracing::debug!(server = channel.address(), ?ended, "detached");
            }
            Err(error) => {
                tracing::debug!(server = channel.address(), %error, "cannot attach, will try again");
                link.move_on(&channel);
            }
        }
        tokio::time::sleep(with_jitter(backoff.next_delay())).await;
    }
}

/// Keeps the list of servers as the cluster has it, in memory and for the next start.
pub async fn keep_servers(link: Arc<RemoteLink>, remember: impl Fn(&[String]) + Send + 'static) {
    let mut known = Vec::new();
    loop {
        let asked: Result<Vec<String>, RpcError> = link.channel().call(SERVERS, (), CALL_TIMEOUT).await;
        if let Ok(servers) = asked
            && !servers.is_empty()
            && servers != known
        {
            remember(&servers);
            link.set_servers(servers.clone());
            known = servers;
        }
        tokio::time::sleep(with_jitter(REFRESH)).await;
    }
}

/// Who issues fresh certificates for this agent.
pub enum Issuer {
    /// A server itself.
    Own(Arc<Membership>),
    Servers(Arc<RemoteLink>),
}

/// Renews the certificate half way through its life, and whenever the authorities to trust changed; new connections use it.
pub async fn keep_certificate(tls: TlsContext, trust: TrustDirectory, issuer: Issuer, addresses: Vec<IpAddr>) {
    loop {
        let current: Vec<Vec<u8>> = match &issuer {
            Issuer::Own(membership) => membership.authorities(),
            // A server that cannot be reached now is asked again.
            Issuer::Servers(link) => link.channel().call(AUTHORITIES, (), CALL_TIMEOUT).await.unwrap_or_default(),
        };
        let authorities_changed = !current.is_empty() && current != tls.credentials().authorities;
        if authorities_changed || Timestamp::now() >= tls.own().renew_at() {
            match renew(&tls, &trust, &issuer, &addresses).await {
                Ok(()) => tracing::info!("certificate renewed"),
                Err(error) => tracing::warn!(%error, "the certificate could not be renewed yet"),
            }
        }
        tokio::time::sleep(with_jitter(RENEWAL_TICK)).await;
    }
}

async fn renew(tls: &TlsContext, trust: &TrustDirectory, issuer: &Issuer, addresses: &[IpAddr]) -> Result<(), AgentError> {
    let key = NewKey::of(&tls.credentials())?;
    let request = RenewRequest { request: key.request.clone(), addresses: addresses.to_vec() };
    let admission: Result<Admission, RpcError> = match issuer {
        Issuer::Own(membership) => membership.renew_own(&request),
        Issuer::Servers(link) => link.channel().call(RENEW, request, CALL_TIMEOUT).await,
    };
    let admission = admission.map_err(|error| AgentError::System(error.to_string()))?;
    let credentials = key.certified(admission.certificate, admission.authorities);
    tls.replace(credentials.clone())?;
    Ok(trust.save(&credentials)?)
}

/// Half to whole.
fn with_jitter(delay: Duration) -> Duration {
    delay.mul_f64(0.5 + (random_u128() % 512) as f64 / 1024.0)
}
