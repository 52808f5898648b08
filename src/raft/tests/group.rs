//! Several servers over real connections on loopback.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::super::{Consistency, Formation, OpenedLog, Raft, RaftConfig, SnapshotThresholds};
use super::{bytes, mark};
use crate::model::security::Identity;
use crate::rpc::testing::TestAuthority;
use crate::rpc::{Body, Caller, Channel, Handler, Listener, ListenerConfig};

struct Answers(Raft);

impl Handler for Answers {
    fn handle(self: Arc<Self>, _caller: Caller, request: Request<Incoming>) -> BoxFuture<'static, Response<Body>> {
        async move { self.0.handle(request).await }.boxed()
    }
}

struct Server {
    raft: Raft,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(authority: &TestAuthority, directory: &Path, formation: Formation, thresholds: SnapshotThresholds) -> Self {
        let log = OpenedLog::open(directory).await.unwrap();
        let tls = authority.member(Identity::server(log.id()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dialler = tls.clone();
        let config = RaftConfig {
            address: address.to_string(),
            name: address.to_string(),
            dialer: Some(Arc::new(move |address, expected| Channel::new(address, dialler.clone(), Some(expected)))),
            formation,
            snapshot: thresholds,
            ..RaftConfig::new(directory)
        };
        let raft = log.start(config).await.unwrap();
        let serving = tokio::spawn(Listener::new(listener, tls, ListenerConfig::default()).serve(Arc::new(Answers(raft.clone()))));
        Self { raft, address, serving }
    }

    async fn admit(&self, other: &Self) {
        self.raft.add_server(other.raft.id(), other.address.to_string(), other.address.to_string()).await.unwrap();
    }

    async fn stop(self) {
        self.serving.abort();
        self.raft.shutdown().await;
    }
}

/// Waits for a condition that other tasks bring about; the test's own time limit ends it.
async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it came true");
}

fn voters(server: &Server) -> usize {
    server.raft.members().iter().filter(|member| member.voter).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_become_voters_and_go_on_without_their_leader() {
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let authority = TestAuthority::new();
    let thresholds = SnapshotThresholds::default();
    let first = Server::start(&authority, directories[0].path(), Formation::Alone, thresholds).await;
    let second = Server::start(&authority, directories[1].path(), Formation::Join, thresholds).await;
    let third = Server::start(&authority, directories[2].path(), Formation::Join, thresholds).await;
    first.admit(&second).await;
    first.admit(&third).await;
    until(|| voters(&first) == 3).await;

    let reply = first.raft.propose(mark()).await.unwrap();
    // A follower shows what was acknowledged before it was asked.
    for consistency in [Consistency::Lease, Consistency::Quorum] {
        second.raft.read_barrier(consistency).await.unwrap();
        assert!(second.raft.store().load().index() >= reply.index);
    }

    first.stop().await;
    until(|| second.raft.is_leader() || third.raft.is_leader()).await;
    let (leader, follower) = if second.raft.is_leader() { (&second, &third) } else { (&third, &second) };
    let later = leader.raft.propose(mark()).await.unwrap();
    assert!(later.index > reply.index);
    follower.raft.read_barrier(Consistency::Lease).await.unwrap();
    assert_eq!(bytes(&follower.raft.store().load()), bytes(&leader.raft.store().load()));

    leader.raft.transfer_leadership(follower.raft.id()).await.unwrap();
    until(|| follower.raft.is_leader()).await;
    second.stop().await;
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_too_late_for_the_log_gets_a_snapshot() {
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let authority = TestAuthority::new();
    let often = SnapshotThresholds { entries: 4, ..SnapshotThresholds::default() };
    let first = Server::start(&authority, directories[0].path(), Formation::Alone, often).await;
    // Until there are two snapshots, so that the log's beginning is gone.
    while first.raft.status().snapshot < 8 {
        first.raft.propose(mark()).await.unwrap();
    }
    let second = Server::start(&authority, directories[1].path(), Formation::Join, often).await;
    first.admit(&second).await;
    until(|| voters(&first) == 2).await;
    // The last change of membership may still be on its way.
    until(|| bytes(&second.raft.store().load()) == bytes(&first.raft.store().load())).await;
    assert!(second.raft.status().snapshot >= 4, "it came as a snapshot");
    let left_over = std::fs::read_dir(directories[1].path().join("snapshots/incoming")).unwrap().count();
    assert_eq!(left_over, 0);
    second.stop().await;
    first.stop().await;
}
