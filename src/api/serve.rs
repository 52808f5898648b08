//! Accepting connections: HTTP/1.1 and HTTP/2 on one port, bounded in number, in the time a request's head may take, and in the time
//! that is left to them when the agent stops.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use futures_util::future::BoxFuture;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// Bounds on connections.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    pub max_connections: usize,
    /// Per remote address (`limits.http_max_conns_per_client`); 0: no such limit.
    pub max_connections_per_client: usize,
    /// How long a client may take to send a request's head.
    pub header_read_timeout: Duration,
    /// How long requests under way may still take after the shutdown began.
    pub drain_timeout: Duration,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_client: 100,
            header_read_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

/// How long to wait after an accept that failed, for instance for lack of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// What a connection over the limit is told before it is closed.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 44\r\n\
    Connection: close\r\n\r\ntoo many open connections from this address\n";

/// Both directions of an open connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Decides about connections before anything is read of them as HTTP.
pub trait Guard: Send + Sync + 'static {
    /// The connection to speak HTTP over, decrypted; an error closes it. The guard bounds the time that this takes.
    fn admit(&self, stream: TcpStream, remote: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Stream>>>;
}

/// Where a request came from; an extension of requests that a [`Guard`] let in.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub SocketAddr);

/// Serves `router` until `shutdown` resolves, then lets requests under way finish within the drain timeout.
pub async fn serve(listener: TcpListener, router: axum::Router, config: ServeConfig, shutdown: impl Future<Output = ()>) {
    serve_guarded(listener, router, config, None, shutdown).await;
}

/// As [`serve`], with each connection let in by a guard.
pub async fn serve_guarded(
    listener: TcpListener,
    router: axum::Router,
    config: ServeConfig,
    guard: Option<Arc<dyn Guard>>,
    shutdown: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(config.max_connections));
    let clients = Arc::new(Clients::default());
    let graceful = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(config.header_read_timeout);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30));

    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, remote) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            },
            Some(_) = tasks.join_next() => continue,
            () = &mut shutdown => break,
        };
        let Some(admission) = admit(&connections, &clients, remote.ip(), config.max_connections_per_client) else {
            tasks.spawn(refuse(stream));
            continue;
        };
        if let Some(guard) = &guard {
            let service = TowerToHyperService::new(router.clone().layer(Extension(Remote(remote))));
            let (admitted, builder, watcher) = (guard.admit(stream, remote), builder.clone(), graceful.watcher());
            tasks.spawn(async move {
                let _admission = admission;
                let served = async {
                    let stream = TokioIo::new(admitted.await?);
                    watcher.watch(builder.serve_connection_with_upgrades(stream, service).into_owned()).await.map_err(io::Error::other)
                };
                if let Err(error) = served.await {
                    tracing::debug!(%remote, %error, "connection ended");
                }
            });
            continue;
        }
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tasks.spawn(async move {
            let _admission = admission;
            if let Err(error) = watched.await {
                tracing::debug!(%remote, %error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(config.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::info!("connections that were still open at the end of the drain timeout are closed");
    }
    tasks.shutdown().await;
}

/// Open connections by remote address.
#[derive(Default)]
struct Clients(Mutex<HashMap<IpAddr, usize>>);

/// A connection's place among the allowed ones, given back when it is dropped.
struct Admission {
    clients: Arc<Clients>,
    remote: IpAddr,
    _permit: OwnedSemaphorePermit,
}

fn admit(connections: &Arc<Semaphore>, clients: &Arc<Clients>, remote: IpAddr, per_client: usize) -> Option<Admission> {
    let permit = Arc::clone(connections).try_acquire_owned().ok()?;
    let mut open = clients.0.lock().unwrap_or_else(PoisonError::into_inner);
    let count = open.entry(remote).or_default();
    if per_client > 0 && *count >= per_client {
        return None;
    }
    *count += 1;
    Some(Admission { clients: Arc::clone(clients), remote, _permit: permit })
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut open = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.remote) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.remote);
            }
        }
    }
}

/// Tells a client why it is not served. Its request is not read: it may be what is too much.
async fn refuse(mut stream: TcpStream) {
    let told = async {
        stream.write_all(TOO_MANY).await?;
        stream.shutdown().await
    };
    // A client that does not even take this in time is only closed.
    let _: Result<io::Result<()>, _> = tokio::time::timeout(Duration::from_secs(1), told).await;
}
