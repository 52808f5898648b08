//! Requests from a server to a node, over the connection that the node dialled: the node opens a `CONNECT` stream in it and answers HTTP/2
//! inside, so that a node behind NAT is reached without a port of its own.

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::Service;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::{self, Body};
use super::channel::{Channel, handshake};
use super::{PROTOCOL, PROTOCOL_HEADER, RpcError, refusal};

impl Channel {
    /// The node's side: opens a tunnel to the server.
    pub async fn tunnel(&self) -> Result<Upgraded, RpcError> {
        let mut request = Request::new(body::empty());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = hyper::Uri::from_static("node.pannier.internal:1");
        request.headers_mut().insert(PROTOCOL_HEADER, HeaderValue::from_static(PROTOCOL));
        let response = self.send(request).await?;
        if !response.status().is_success() {
            return Err(RpcError::Forbidden(format!("the server refuses the tunnel: {}", response.status())));
        }
        hyper::upgrade::on(response).await.map_err(|error| RpcError::Unreachable(format!("{}: {error}", self.address())))
    }
}

/// The node's side: answers requests with `service` until the tunnel breaks.
pub async fn serve_tunnel<S, E>(stream: Upgraded, service: S) -> hyper::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = E> + Send + 'static,
    S::Future: Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    hyper::server::conn::http2::Builder::new(TokioExecutor::new()).timer(TokioTimer::new()).serve_connection(stream, service).await
}

/// The server's side: accepts the tunnel that `request` asks for, and hands it over once it stands.
pub fn tunnel_of(request: Request<Incoming>) -> (Response<Body>, impl Future<Output = Result<Upgraded, hyper::Error>> + Send) {
    if request.method() != Method::CONNECT {
        let response = refusal(&RpcError::Protocol("a tunnel is asked for with CONNECT".to_owned()));
        return (response, hyper::upgrade::on(request));
    }
    (Response::new(body::empty()), hyper::upgrade::on(request))
}

/// The server's side: a channel to the node through its tunnel. `name` is for messages.
pub async fn tunnel_channel(stream: Upgraded, name: String) -> Result<Channel, RpcError> {
    let connection = handshake(stream).await.map_err(|error| RpcError::Unreachable(format!("{name}: {error}")))?;
    Ok(Channel::given(name, connection))
}
