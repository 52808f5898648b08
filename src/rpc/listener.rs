//! Accepts members, and strangers who may want to become members.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::body::{Body, refusal};
use super::{PROTOCOL, PROTOCOL_HEADER, RpcError};
use crate::model::security::Identity;
use crate::tls::{PeerCertificate, TlsContext};
use crate::util::clock::Timestamp;

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// From the certificate; `None`: a stranger without one.
    pub identity: Option<Identity>,
    pub address: SocketAddr,
}

/// Answers requests. It decides what each caller may ask for.
pub trait Handler: Send + Sync + 'static {
    fn handle(self: Arc<Self>, caller: Caller, request: Request<Incoming>) -> BoxFuture<'static, Response<Body>>;
}

/// Bounds on what peers may take.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    pub max_connections: usize,
    /// Handshakes cost computing: these many at once.
    pub max_handshakes: usize,
    pub handshake_timeout: Duration,
    /// Requests at once over one connection.
    pub max_streams: u32,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self { max_connections: 20_000, max_handshakes: 64, handshake_timeout: Duration::from_secs(5), max_streams: 1024 }
    }
}

/// A stranger asks one thing and goes.
const STRANGERS_STAY: Duration = Duration::from_secs(30);

const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The node-to-node port.
pub struct Listener {
    listener: TcpListener,
    tls: TlsContext,
    config: ListenerConfig,
}

impl Listener {
    pub fn new(listener: TcpListener, tls: TlsContext, config: ListenerConfig) -> Self {
        Self { listener, tls, config }
    }

    /// Serves until dropped; connections end with it.
    pub async fn serve(self, handler: Arc<impl Handler>) {
        let connections = Arc::new(Semaphore::new(self.config.max_connections));
        let handshakes = Arc::new(Semaphore::new(self.config.max_handshakes));
        let mut tasks = JoinSet::new();
        loop {
            let (stream, address) = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                        continue;
                    }
                },
                Some(_) = tasks.join_next() => continue,
            };
            // Over the limit: closed without a word.
            let Ok(place) = Arc::clone(&connections).try_acquire_owned() else { continue };
            let connection = Connection {
                acceptor: TlsAcceptor::from(self.tls.node_server()),
                config: self.config.clone(),
                handshakes: Arc::clone(&handshakes),
                address,
                _place: place,
            };
            let handler = Arc::clone(&handler);
            tasks.spawn(async move {
                if let Err(reason) = connection.run(stream, handler).await {
                    tracing::debug!(%address, reason, "connection ended");
                }
            });
        }
    }
}

struct Connection {
    acceptor: TlsAcceptor,
    config: ListenerConfig,
    handshakes: Arc<Semaphore>,
    address: SocketAddr,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: TcpStream, handler: Arc<impl Handler>) -> Result<(), String> {
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let accepting = async {
            let _turn = self.handshakes.acquire().await.map_err(|error| error.to_string())?;
            self.acceptor.accept(stream).await.map_err(|error| error.to_string())
        };
        let stream = tokio::time::timeout(self.config.handshake_timeout, accepting).await.map_err(|_| "handshake timed out")??;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let peer = certificate.map(|der| PeerCertificate::parse(der)).transpose().map_err(|error| error.to_string())?;
        let caller = Caller { identity: peer.map(|peer| peer.identity), address: self.address };
        // A certificate counts to its end, also on a connection that outlives it.
        let stay = peer.map_or(STRANGERS_STAY, |peer| peer.not_after.since(Timestamp::now()));
        let service = service_fn(move |request: Request<Incoming>| {
            let handler = Arc::clone(&handler);
            async move { Ok::<_, Infallible>(handle(handler, caller, request).await) }
        });
        let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.config.max_streams)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(8 << 20)
            .keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(10))
            .serve_connection(TokioIo::new(stream), service);
        tokio::time::timeout(stay, serving).await.map_err(|_| "its time is over")?.map_err(|error| error.to_string())
    }
}

async fn handle(handler: Arc<impl Handler>, caller: Caller, request: Request<Incoming>) -> Response<Body> {
    let version = request.headers().get(PROTOCOL_HEADER).and_then(|value| value.to_str().ok());
    if version != Some(PROTOCOL) {
        let theirs = version.unwrap_or("none").to_owned();
        return refusal(&RpcError::Protocol(format!("this server speaks version {PROTOCOL} of the protocol, the caller {theirs}")));
    }
    handler.handle(caller, request).await
}
