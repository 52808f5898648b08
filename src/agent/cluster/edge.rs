//! The HTTP API as strangers meet it: plain on loopback, TLS and the operator's token beyond.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::forward;
use super::gateway::Gateway;
use crate::api::{Guard, Remote, Stream};
use crate::auth::Secret;
use crate::model::security::ClusterSecurity;
use crate::state::Store;
use crate::tls::TlsContext;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The first byte of a TLS handshake, which no HTTP request starts with.
const TLS_HANDSHAKE: u8 = 0x16;

/// Lets connections in: any from loopback, encrypted ones from elsewhere.
pub struct EdgeGuard {
    pub tls: TlsContext,
    /// The operator switched TLS off for the API.
    pub plain_everywhere: bool,
}

impl Guard for EdgeGuard {
    fn admit(&self, stream: TcpStream, remote: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        let acceptor = TlsAcceptor::from(self.tls.api_server());
        let may_be_plain = self.plain_everywhere || remote.ip().is_loopback();
        let admitting = async move {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if first[0] == TLS_HANDSHAKE {
                return Ok(Box::new(acceptor.accept(stream).await?) as Box<dyn Stream>);
            }
            if may_be_plain {
                return Ok(Box::new(stream) as Box<dyn Stream>);
            }
            refuse_plain(stream).await?;
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not encrypted"))
        };
        async move { tokio::time::timeout(HANDSHAKE_TIMEOUT, admitting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) }
            .boxed()
    }
}

async fn refuse_plain(mut stream: TcpStream) -> io::Result<()> {
    use tokio::io::AsyncWriteExt as _;
    const TEXT: &str = "this agent speaks HTTPS here: use https:// and the cluster's CA certificate\n";
    let head =
        format!("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", TEXT.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(TEXT.as_bytes()).await?;
    stream.shutdown().await
}

/// The outermost layer of the API: who may ask at all.
pub fn guarded(gateway: Arc<Gateway>, store: Arc<Store>, token_needed: bool) -> axum::Router {
    axum::Router::new().fallback(move |request: Request<Body>| {
        let (gateway, store) = (Arc::clone(&gateway), Arc::clone(&store));
        async move {
            let is_local = request.extensions().get::<Remote>().is_some_and(|remote| remote.0.ip().is_loopback());
            // Whether an agent works is no secret, and load balancers have no token.
            let is_open = !token_needed || is_local || request.uri().path() == "/v1/agent/health";
            if !is_open && !has_token(store.load().security(), request.headers()) {
                return permission_denied();
            }
            let mut request = request;
            // Only servers say this, over mTLS.
            request.headers_mut().remove(forward::FORWARDED);
            gateway.serve(request).await
        }
    })
}

/// The operator's token, in either of the headers that Nomad's clients use.
pub fn has_token(security: &ClusterSecurity, headers: &HeaderMap) -> bool {
    let own = headers.get("x-nomad-token");
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("Bearer "));
    let text = own.and_then(|value| value.to_str().ok()).or(bearer);
    let secret: Option<Secret> = text.and_then(|text| text.trim().parse().ok());
    secret.is_some_and(|secret| security.is_initialized() && secret.digest() == security.operator_token)
}

/// With the words that Nomad's clients know.
pub fn permission_denied() -> Response<Body> {
    forward::answer(StatusCode::FORBIDDEN, "Permission denied")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::security::Authority;

    #[test]
    fn only_the_operators_token_opens() {
        let token = Secret::generate();
        let authority = Authority { certificate: vec![1], sealed_key: vec![1] };
        let security = ClusterSecurity { authorities: vec![authority], operator_token: token.digest(), ..ClusterSecurity::default() };
        let headers = |name: &'static str, value: String| HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
        assert!(has_token(&security, &headers("x-nomad-token", token.reveal())));
        assert!(has_token(&security, &headers("authorization", format!("Bearer {}", token.reveal()))));
        assert!(!has_token(&security, &headers("x-nomad-token", Secret::generate().reveal())));
        assert!(!has_token(&security, &HeaderMap::new()));
        // Before there is a token, nothing opens.
        assert!(!has_token(&ClusterSecurity::default(), &headers("x-nomad-token", token.reveal())));
    }
}
