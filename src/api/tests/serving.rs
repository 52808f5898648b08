//! The accept loop, over real connections.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::World;
use crate::api::{ServeConfig, serve};

struct Serving {
    address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn start(world: &World, config: ServeConfig) -> Serving {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, stopped) = oneshot::channel();
    let task = tokio::spawn(serve(listener, world.router(), config, async move {
        let _ = stopped.await;
    }));
    Serving { address, shutdown, task }
}

/// Sends a request and reads to the end of the connection.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

const REGIONS: &str = "GET /v1/regions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn requests_are_answered_and_the_loop_ends_when_told() {
    let world = World::new();
    let serving = start(&world, ServeConfig::default()).await;
    let answer = exchange(serving.address, REGIONS).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("[\"global\"]"), "{answer}");
    serving.shutdown.send(()).unwrap();
    serving.task.await.unwrap();
    assert!(TcpStream::connect(serving.address).await.is_err());
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so() {
    let world = World::new();
    let serving = start(&world, ServeConfig { max_connections_per_client: 1, ..ServeConfig::default() }).await;
    let mut first = TcpStream::connect(serving.address).await.unwrap();
    first.write_all(b"GET /v1/regions HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // Its answer proves that the first connection was accepted before the second.
    first.read_u8().await.unwrap();
    let refused = exchange(serving.address, "").await;
    assert!(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{refused}");
    let (head, body) = refused.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    drop(first);
    serving.shutdown.send(()).unwrap();
    serving.task.await.unwrap();
}

#[tokio::test]
async fn a_slow_head_is_not_waited_for() {
    let world = World::new();
    let serving = start(&world, ServeConfig { header_read_timeout: Duration::from_millis(50), ..ServeConfig::default() }).await;
    let answer = exchange(serving.address, "GET /v1/regions HTTP/1.1\r\nHost: ").await;
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn waiting_queries_are_answered_at_shutdown() {
    let world = World::new();
    let serving = start(&world, ServeConfig::default()).await;
    let mut waiting = TcpStream::connect(serving.address).await.unwrap();
    waiting.write_all(b"GET /v1/regions HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    waiting.read_u8().await.unwrap();
    waiting.write_all(b"GET /v1/nodes?index=1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    world.stop.send_replace(true);
    serving.shutdown.send(()).unwrap();
    let mut text = String::new();
    waiting.read_to_string(&mut text).await.unwrap();
    serving.task.await.unwrap();
}
