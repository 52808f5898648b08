//! One peer, dialled when it is needed and again when the connection broke.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::header::HeaderValue;
use hyper::rt::{Read, Write};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

use super::body::{self, Body, MAX_MESSAGE};
use super::{Message, PROTOCOL, PROTOCOL_HEADER, RpcError};
use crate::model::security::Identity;
use crate::tls::{PeerCertificate, SERVER_NAME, TlsContext};

/// TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A peer that is gone without a word is noticed within twice this.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What a stream and a connection may have under way: snapshots and logs go at a good pace over long distances.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// A way to one peer. Clones share the connection.
#[derive(Clone)]
pub struct Channel {
    inner: Arc<Inner>,
}

struct Inner {
    /// `host:port`, for messages too.
    address: String,
    dial: Dial,
    connection: Mutex<Option<SendRequest<Body>>>,
}

enum Dial {
    /// Over mTLS. Whoever answers must be this member, when it is known who it should be: a wrong address must not split a cluster.
    Member { tls: TlsContext, expected: Option<Identity> },
    /// Over TLS with other settings, without a certificate of our own.
    Stranger(Arc<ClientConfig>),
    /// Connected from the other side; it cannot be dialled again.
    Given,
}

impl Channel {
    pub fn new(address: impl Into<String>, tls: TlsContext, expected: Option<Identity>) -> Self {
        Self::with(address.into(), Dial::Member { tls, expected }, None)
    }

    /// To a cluster that this machine does not belong to yet.
    pub fn to_stranger(address: impl Into<String>, config: Arc<ClientConfig>) -> Self {
        Self::with(address.into(), Dial::Stranger(config), None)
    }

    pub(super) fn given(address: String, connection: SendRequest<Body>) -> Self {
        Self::with(address, Dial::Given, Some(connection))
    }

    fn with(address: String, dial: Dial, connection: Option<SendRequest<Body>>) -> Self {
        Self { inner: Arc::new(Inner { address, dial, connection: Mutex::new(connection) }) }
    }

    pub fn address(&self) -> &str {
        &self.inner.address
    }

    /// Sends a message and waits for its answer, connection included, for at most `timeout`.
    ///
    /// # Errors
    /// What the peer says, or [`RpcError::Unreachable`] and [`RpcError::Timeout`], after which it is not known whether the peer did it.
    pub async fn call<Q, A>(&self, path: &str, message: Q, timeout: Duration) -> Result<A, RpcError>
    where
        Q: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
    {
        let bytes = body::encode(&Message(message))?;
        self.exchange(path, body::full(bytes), timeout).await
    }

    /// As [`Self::call`] with a body that is streamed.
    pub async fn exchange<A: Serialize + DeserializeOwned>(&self, path: &str, body: Body, timeout: Duration) -> Result<A, RpcError> {
        let exchange = async {
            let mut request = Request::new(body);
            *request.method_mut() = Method::POST;
            *request.uri_mut() = uri(path)?;
            let response = self.send(request).await?;
            let status = response.status();
            let bytes = body::whole(response.into_body(), MAX_MESSAGE).await?;
            if status == StatusCode::OK {
                return Ok(body::decode::<A>(&bytes)?.0);
            }
            Err(body::decode::<RpcError>(&bytes)
                .map_or_else(|_| RpcError::Failed(format!("the server answered {status}")), |error| error.0))
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or_else(|_| Err(RpcError::Timeout(self.inner.address.clone())))
    }

    /// Sends an HTTP request as it is (path and query are its URI) and hands back the head of the answer; its body streams.
    ///
    /// # Errors
    /// [`RpcError::Unreachable`]: the request may have been carried out.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, RpcError> {
        if request.method() != Method::CONNECT {
            let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
            *request.uri_mut() = uri(&target)?;
        }
        *request.version_mut() = hyper::Version::HTTP_2;
        request.headers_mut().insert(PROTOCOL_HEADER, HeaderValue::from_static(PROTOCOL));
        let mut connection = self.connection().await?;
        let sent = connection.send_request(request).await;
        sent.map_err(|error| RpcError::Unreachable(format!("{}: {error}", self.inner.address)))
    }

    /// Whether the peer's side is known to be gone.
    pub fn is_broken(&self) -> bool {
        self.inner.connection.try_lock().is_ok_and(|connection| connection.as_ref().is_none_or(SendRequest::is_closed))
    }

    /// Dialling goes on when the caller gives up: a short deadline must not keep a far peer from ever being connected.
    async fn connection(&self) -> Result<SendRequest<Body>, RpcError> {
        if let Ok(connection) = self.inner.connection.try_lock()
            && let Some(open) = connection.as_ref().filter(|open| !open.is_closed())
        {
            return Ok(open.clone());
        }
        let channel = self.clone();
        let connecting = tokio::spawn(async move { channel.connect().await });
        connecting.await.map_err(|error| RpcError::Failed(error.to_string()))?
    }

    async fn connect(&self) -> Result<SendRequest<Body>, RpcError> {
        let mut connection = self.inner.connection.lock().await;
        if let Some(open) = connection.as_ref().filter(|open| !open.is_closed()) {
            return Ok(open.clone());
        }
        let dialled = tokio::time::timeout(CONNECT_TIMEOUT, self.dial()).await;
        let open = dialled.unwrap_or_else(|_| Err(RpcError::Timeout(self.inner.address.clone())))?;
        *connection = Some(open.clone());
        Ok(open)
    }

    async fn dial(&self) -> Result<SendRequest<Body>, RpcError> {
        let address = &self.inner.address;
        let unreachable = |reason: String| RpcError::Unreachable(format!("{address}: {reason}"));
        let (config, expected) = match &self.inner.dial {
            Dial::Member { tls, expected } => (tls.client(), *expected),
            Dial::Stranger(config) => (Arc::clone(config), None),
            Dial::Given => return Err(unreachable("the connection is closed".to_owned())),
        };
        let stream = TcpStream::connect(address).await.map_err(|error| unreachable(error.to_string()))?;
        stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
        let name = ServerName::try_from(SERVER_NAME).map_err(|error| RpcError::Failed(error.to_string()))?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| unreachable(error.to_string()))?;
        if let Some(expected) = expected {
            let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let found = certificate.and_then(|der| PeerCertificate::parse(der).ok()).map(|peer| peer.identity);
            if found != Some(expected) {
                let found = found.map_or_else(|| "a stranger".to_owned(), |identity| identity.to_string());
                return Err(unreachable(format!("{found} answers there instead of {expected}")));
            }
        }
        handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(error.to_string()))
    }
}

fn uri(target: &str) -> Result<hyper::Uri, RpcError> {
    format!("https://{SERVER_NAME}{target}").parse().map_err(|_| RpcError::Failed(format!("bad path {target:?}")))
}

/// HTTP/2 as the asking side. The task that moves the bytes ends with the connection: when the last sender is dropped, or the peer goes.
pub(super) async fn handshake<T: Read + Write + Unpin + Send + 'static>(stream: T) -> hyper::Result<SendRequest<Body>> {
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .handshake(stream)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    });
    Ok(sender)
}
