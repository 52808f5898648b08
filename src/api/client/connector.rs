//! Opens connections to the one agent a client talks to, over TCP or a Unix socket.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::address::Address;
use super::tls::Tls;

/// Long enough for a far-away cluster, short enough for a person who mistyped an address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to its address whatever host the request's URI names.
#[derive(Clone)]
pub(super) struct Connector {
    address: Address,
    /// For `https`.
    tls: Option<Tls>,
}

impl Connector {
    pub(super) fn new(address: Address, tls: Option<Tls>) -> Self {
        Self { address, tls }
    }

    async fn connect(address: Address, tls: Option<Tls>) -> io::Result<Transport> {
        let connecting = async {
            match address {
                Address::Http { authority } => Ok(Transport::new(dial(&authority).await?)),
                Address::Https { authority } => {
                    let tls = tls.ok_or_else(|| io::Error::other("no TLS settings"))?;
                    let stream = dial(&authority).await?;
                    Ok(Transport::new(tls.encrypt(&authority, stream).await?))
                }
                Address::Unix { path } => connect_unix(path).await,
            }
        };
        tokio::time::timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

async fn dial(authority: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(unix)]
async fn connect_unix(path: std::path::PathBuf) -> io::Result<Transport> {
    Ok(Transport::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn connect_unix(_path: std::path::PathBuf) -> io::Result<Transport> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this platform has no Unix sockets"))
}

impl tower::Service<Uri> for Connector {
    type Response = Transport;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Transport>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(Self::connect(self.address.clone(), self.tls.clone()))
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An open connection.
pub(super) struct Transport(TokioIo<Box<dyn Duplex>>);

impl Transport {
    fn new(stream: impl Duplex + 'static) -> Self {
        Self(TokioIo::new(Box::new(stream)))
    }
}

impl Connection for Transport {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
