//! Nodes without machines: each has a certificate and a connection of its own, takes its allocations and reports at once that they run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pannier::agent::messages::{Admission, JOIN, JoinRequest};
use pannier::auth::JoinTokenText;
use pannier::model::allocation::TaskState;
use pannier::model::security::Identity;
use pannier::model::{
    AllocClientStatus, AllocDesiredStatus, AllocId, AllocationUpdate, DriverInfo, Eligibility, MebiBytes, MegaHertz, Node, NodeId,
    NodeResources, NodeStatus, TaskRunState,
};
use pannier::rpc::{Channel, NodeLink, RemoteLink};
use pannier::tls::{NewKey, TlsContext, pinned_client_config};
use pannier::util::clock::Timestamp;
use tokio::task::{AbortHandle, JoinSet};

/// Until a simulated node tries again what failed.
const RETRY: Duration = Duration::from_millis(500);

const JOIN_TIMEOUT: Duration = Duration::from_secs(60);

/// How many join at the same time.
const JOINING: usize = 16;

/// The fleet; it is gone with this.
pub struct Fleet {
    /// Allocations whose `running` a server has acknowledged.
    pub running: Arc<AtomicU64>,
    pub registered: Arc<AtomicU64>,
    /// Each with what ends it.
    pub nodes: Vec<(NodeId, AbortHandle)>,
    _tasks: JoinSet<()>,
}

impl Fleet {
    /// Nodes that speak to `servers` (`host:port`), let in by a token for as many.
    pub async fn start(count: usize, servers: Vec<String>, token: &str, key_file: &std::path::Path) -> Self {
        let token: JoinTokenText = token.parse().expect("a join token");
        let (running, registered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (mut tasks, mut nodes) = (JoinSet::new(), Vec::new());
        let joining = Arc::new(tokio::sync::Semaphore::new(JOINING));
        // One key for all: what costs time here is not what is measured.
        NewKey::load_or_generate(key_file).expect("a key");
        // Strangers share one connection, members do not.
        let stranger = Channel::to_stranger(servers[0].clone(), pinned_client_config(token.authority).expect("settings"));
        for number in 0..count {
            let (running, registered, joining) = (Arc::clone(&running), Arc::clone(&registered), Arc::clone(&joining));
            let (stranger, servers, token, key_file) = (stranger.clone(), servers.clone(), token.clone(), key_file.to_owned());
            let id = NodeId::random();
            let handle = tasks.spawn(async move {
                let link = {
                    let _turn = joining.acquire().await;
                    let tls = join(&stranger, &token, id, &key_file).await;
                    let link = RemoteLink::new(tls, servers).expect("a server");
                    while link.register(node(id, number)).await.is_err() {
                        tokio::time::sleep(RETRY).await;
                    }
                    link
                };
                registered.fetch_add(1, Ordering::Relaxed);
                tokio::join!(beat(&link, id), work(&link, id, &running));
            });
            nodes.push((id, handle));
        }
        Self { running, registered, nodes, _tasks: tasks }
    }
}

async fn join(stranger: &Channel, token: &JoinTokenText, id: NodeId, key_file: &std::path::Path) -> TlsContext {
    let key = NewKey::load_or_generate(key_file).expect("the key");
    let identity = Identity::client(id);
    let (request, secret) = (key.request.clone(), token.secret.reveal());
    let message = JoinRequest { token: token.id, secret, identity, request, addresses: Vec::new(), observed: None };
    let admission: Admission = stranger.call(JOIN, message, JOIN_TIMEOUT).await.expect("the node is let in");
    TlsContext::new(key.certified(admission.certificate, admission.authorities)).expect("settings")
}

/// 16 cores, 32 GiB.
fn node(id: NodeId, number: usize) -> Node {
    let driver = DriverInfo { detected: true, healthy: true, description: "Healthy".into(), attributes: BTreeMap::new() };
    Node {
        id,
        name: format!("sim-{number}").as_str().into(),
        datacenter: "dc1".into(),
        class: "".into(),
        pool: "default".into(),
        http_address: "127.0.0.1:1".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        attributes: BTreeMap::from([("kernel.name".into(), "linux".into()), ("driver.mock_driver".into(), "1".into())]),
        meta: BTreeMap::new(),
        resources: NodeResources {
            cpu: MegaHertz(40_000),
            total_cores: 16,
            reservable_cores: Vec::new(),
            memory: MebiBytes(32_768),
            disk: MebiBytes(1_000_000),
            reserved_cpu: MegaHertz(0),
            reserved_memory: MebiBytes(0),
            reserved_disk: MebiBytes(0),
            reserved_ports: Vec::new(),
            networks: Vec::new(),
            devices: Vec::new(),
            numa: Vec::new(),
        },
        drivers: BTreeMap::from([("mock_driver".into(), driver)]),
        status: NodeStatus::Ready,
        status_description: "".into(),
        eligibility: Eligibility::Eligible,
        drain: None,
        status_updated_at: Timestamp::now(),
        create_index: 0,
        modify_index: 0,
    }
}

async fn beat(link: &RemoteLink, id: NodeId) {
    let mut pause = RETRY;
    loop {
        tokio::time::sleep(pause).await;
        pause = link.heartbeat(id).await.map_or(RETRY, |reply| reply.ttl / 2);
    }
}

/// Takes what is assigned, and says that it runs.
async fn work(link: &RemoteLink, id: NodeId, running: &AtomicU64) {
    let mut after = 0;
    let mut known: BTreeSet<AllocId> = BTreeSet::new();
    loop {
        let Ok(batch) = link.assignments(id, after).await else { continue };
        let fresh = batch.assignments.iter().map(|assignment| &assignment.allocation);
        let fresh = fresh.filter(|row| row.desired_status == AllocDesiredStatus::Run && !known.contains(&row.id));
        let updates: Vec<AllocationUpdate> = fresh
            .map(|row| AllocationUpdate {
                id: row.id,
                client_status: AllocClientStatus::Running,
                client_description: "Tasks are running".into(),
                task_states: [("t".into(), state())].into_iter().collect(),
                health: None,
                at: Timestamp::now(),
            })
            .collect();
        if !updates.is_empty() {
            while link.update_allocations(id, updates.clone()).await.is_err() {}
            running.fetch_add(updates.len() as u64, Ordering::Relaxed);
            known.extend(updates.iter().map(|update| update.id));
        }
        after = batch.index;
    }
}

fn state() -> TaskState {
    let started_at = Some(Timestamp::now());
    TaskState {
        state: TaskRunState::Running,
        failed: false,
        restarts: 0,
        last_restart: None,
        started_at,
        finished_at: None,
        events: Vec::new(),
    }
}
