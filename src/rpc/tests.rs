//! Real connections on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::testing::TestAuthority;
use super::*;
use crate::model::NodeId;
use crate::model::security::Identity;
use crate::tls::{TlsContext, fingerprint, pinned_client_config};

const SECOND: Duration = Duration::from_secs(1);

/// Says who asked; keeps the last tunnel.
#[derive(Default)]
struct Echo {
    tunnel: Mutex<Option<Channel>>,
}

impl Handler for Echo {
    fn handle(self: Arc<Self>, caller: Caller, request: Request<Incoming>) -> BoxFuture<'static, Response<Body>> {
        async move {
            if request.method() == Method::CONNECT {
                let (response, upgrading) = tunnel_of(request);
                tokio::spawn(async move {
                    let channel = tunnel_channel(upgrading.await.unwrap(), "node".to_owned()).await.unwrap();
                    *self.tunnel.lock().await = Some(channel);
                });
                return response;
            }
            let who = caller.identity.map(|identity| identity.to_string());
            answer(request, 1000, |text: String| async move { Ok((who, text)) }).await
        }
        .boxed()
    }
}

async fn listen(tls: TlsContext) -> (SocketAddr, Arc<Echo>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let echo = Arc::new(Echo::default());
    let serving = tokio::spawn(Listener::new(listener, tls, ListenerConfig::default()).serve(Arc::clone(&echo)));
    (address, echo, serving)
}

type Said = (Option<String>, String);

#[tokio::test]
async fn the_listener_knows_who_calls() {
    let authority = TestAuthority::new();
    let (address, _, _serving) = listen(authority.member(Identity::server(1))).await;
    let node = Identity::client(NodeId(9));
    let channel = Channel::new(address.to_string(), authority.member(node), Some(Identity::server(1)));
    let (who, text): Said = channel.call("/x", "hello".to_owned(), SECOND).await.unwrap();
    assert_eq!((who, text.as_str()), (Some(node.to_string()), "hello"));
    let stranger = Channel::to_stranger(address.to_string(), pinned_client_config(fingerprint(authority.certificate())).unwrap());
    let (who, _): Said = stranger.call("/x", String::new(), SECOND).await.unwrap();
    assert_eq!(who, None);
}

#[tokio::test]
async fn another_server_than_the_one_meant_is_not_talked_to() {
    let authority = TestAuthority::new();
    let (address, _, _serving) = listen(authority.member(Identity::server(1))).await;
    let channel = Channel::new(address.to_string(), authority.member(Identity::server(2)), Some(Identity::server(3)));
    let refused = channel.call::<_, Said>("/x", String::new(), SECOND).await.unwrap_err();
    assert!(matches!(&refused, RpcError::Unreachable(reason) if reason.contains("instead of")), "{refused}");
}

#[tokio::test]
async fn what_is_too_large_or_makes_no_sense_is_refused_and_the_connection_goes_on() {
    let authority = TestAuthority::new();
    let (address, _, _serving) = listen(authority.member(Identity::server(1))).await;
    let channel = Channel::new(address.to_string(), authority.member(Identity::server(2)), None);
    let refused = channel.call::<_, Said>("/x", "x".repeat(2000), SECOND).await.unwrap_err();
    assert!(matches!(&refused, RpcError::Protocol(reason) if reason.contains("larger than 1000")), "{refused}");
    let refused = channel.exchange::<Said>("/x", full("nonsense"), SECOND).await.unwrap_err();
    assert!(matches!(refused, RpcError::Protocol(_)), "{refused}");
    assert!(channel.call::<_, Said>("/x", "small".to_owned(), SECOND).await.is_ok());
}

#[tokio::test]
async fn bytes_that_are_no_tls_are_not_answered() {
    let authority = TestAuthority::new();
    let (address, _, _serving) = listen(authority.member(Identity::server(1))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // A TLS alert, and the end.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.windows(4).any(|window| window == b"HTTP"));
}

#[tokio::test]
async fn a_channel_dials_again_after_its_server_came_back() {
    let authority = TestAuthority::new();
    let server = authority.member(Identity::server(1));
    let (address, _, serving) = listen(server.clone()).await;
    let channel = Channel::new(address.to_string(), authority.member(Identity::server(2)), None);
    assert!(channel.call::<_, Said>("/x", String::new(), SECOND).await.is_ok());
    serving.abort();
    let _ = serving.await;
    let refused = channel.call::<_, Said>("/x", String::new(), SECOND).await.unwrap_err();
    assert!(refused.is_worth_a_retry(), "{refused}");
    let listener = TcpListener::bind(address).await.unwrap();
    let _again = tokio::spawn(Listener::new(listener, server, ListenerConfig::default()).serve(Arc::new(Echo::default())));
    // The first try may still meet the old connection.
    while channel.call::<_, Said>("/x", String::new(), SECOND).await.is_err() {}
}

#[tokio::test]
async fn a_server_reaches_a_node_through_the_nodes_own_connection() {
    let authority = TestAuthority::new();
    let (address, echo, _serving) = listen(authority.member(Identity::server(1))).await;
    let channel = Channel::new(address.to_string(), authority.member(Identity::client(NodeId(9))), None);
    let stream = channel.tunnel().await.unwrap();
    let service = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, std::convert::Infallible>(Response::new(full(format!("node says {}", request.uri().path()))))
    });
    let node = tokio::spawn(serve_tunnel(stream, service));
    let to_node = loop {
        if let Some(channel) = echo.tunnel.lock().await.clone() {
            break channel;
        }
        tokio::task::yield_now().await;
    };
    let mut request = Request::new(empty());
    *request.uri_mut() = "/v1/client/stats".parse().unwrap();
    let response = to_node.send(request).await.unwrap();
    assert_eq!(whole(response.into_body(), 1000).await.unwrap(), "node says /v1/client/stats");
    assert!(!to_node.is_broken());
    // A node that is gone is noticed.
    node.abort();
    drop(channel);
    while !to_node.is_broken() {
        tokio::task::yield_now().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn arbitrary_bytes_are_an_error_and_never_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), valid_head: bool) {
        if valid_head && bytes.len() > 7 {
            bytes[..3].copy_from_slice(&[64, 1, 0]);
            let checksum = crc32c::crc32c(&bytes[7..]);
            bytes[3..7].copy_from_slice(&checksum.to_le_bytes());
        }
        let _ = body::decode::<crate::model::Node>(&bytes);
        let _ = body::decode::<(NodeId, Vec<crate::model::AllocationUpdate>)>(&bytes);
        let _ = body::decode::<Result<AssignmentBatch, LinkError>>(&bytes);
    }
}
