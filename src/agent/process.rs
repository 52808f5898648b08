//! One agent's life between start and stop.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::AgentError;
use super::cluster;
use super::cluster_handle::LocalCluster;
use super::config::AgentConfig;
use super::local_agent::LocalAgent;
use super::logging::LogLines;
use super::node_handle::{LocalNode, LocalNodes};
use super::server_handle::LocalServer;
use super::task_runtime::TaskRuntime;
use crate::api::events::EventBroker;
use crate::api::handles::{ClusterHandle, ServerHandle};
use crate::api::{self, ApiContext};
use crate::model::{DeviceGroup, DeviceInstance, MebiBytes, MegaHertz, NodeId};
use crate::node::config::Reserved;
use crate::node::{Node, NodeConfig, NodeHandle};
use crate::raft::{Raft, RaftConfig};
use crate::rpc::NodeLink;
use crate::server::node_link::LocalLink;
use crate::server::{Server, ServerConfig, garbage::GarbageConfig, heartbeats::HeartbeatConfig};
use crate::state::Store;
use crate::util::metrics::Registry;

/// Longer than the API itself gives to requests under way.
const DRAIN: Duration = Duration::from_secs(8);

/// Runs until a signal or a fatal error, then stops everything in order: the node, the API's connections, consensus.
pub async fn run(config: AgentConfig, data_dir: &Path, lines: LogLines) -> Result<(), AgentError> {
    let stop_signal = StopSignal::install()?;
    if config.is_clustered() {
        let starting = Box::pin(cluster::start::start(&config, data_dir, lines));
        let parts = tokio::select! {
            started = starting => started?,
            name = stop_signal.received() => {
                info!(signal = name, "stopped before it was part of a cluster");
                return Ok(());
            }
        };
        return parts.run(&config, stop_signal).await;
    }
    start_alone(&config, data_dir, lines).await?.run(&config, stop_signal).await
}

/// Server and node (if it runs one) in one process, on loopback, with nobody else.
async fn start_alone(config: &AgentConfig, data_dir: &Path, lines: LogLines) -> Result<Parts, AgentError> {
    let (listener, address) = listen(config.http_address()).await?;
    info!(version = env!("CARGO_PKG_VERSION"), data_dir = %data_dir.display(), dev = config.dev, "starting");

    let raft_config = RaftConfig { address: address.to_string(), name: config.node_name(), ..RaftConfig::new(data_dir.join("server")) };
    let raft = Raft::open(raft_config).await?;
    let mut parts = Parts::new(config, data_dir)?;
    let server = Server::start(raft.clone(), server_config(config), &mut parts.tasks);
    parts.raft = Some(raft);
    parts.start_node(config, data_dir, address, Arc::new(LocalLink(Arc::clone(&server)))).await?;
    let handle = local_server(&server, config, address);
    let agent = LocalAgent::new(config, address, address, lines);
    let context = parts.context(Arc::new(handle), Arc::new(LocalCluster(Arc::clone(&server))), agent, server.store());
    let (config, stopped) = (api::ServeConfig::default(), parts.stopped());
    parts.serving.spawn(api::serve(listener, api::router(context), config, stopped));
    info!(%address, node = ?parts.node_id(), "the HTTP API answers");
    Ok(parts)
}

/// What an agent consists of while it runs.
pub struct Parts {
    pub raft: Option<Raft>,
    node: Option<Arc<NodeHandle>>,
    runtime: Arc<TaskRuntime>,
    /// These only end when they are told to.
    pub tasks: JoinSet<()>,
    /// The API's listeners.
    pub serving: JoinSet<()>,
    stopping: watch::Sender<bool>,
}

impl Parts {
    pub fn new(config: &AgentConfig, data_dir: &Path) -> Result<Self, AgentError> {
        Ok(Self {
            raft: None,
            node: None,
            runtime: Arc::new(TaskRuntime::new(config, data_dir)?),
            tasks: JoinSet::new(),
            serving: JoinSet::new(),
            stopping: watch::Sender::new(false),
        })
    }

    /// Starts the node if this agent runs one. `address` is that of its HTTP API.
    pub async fn start_node(
        &mut self,
        config: &AgentConfig,
        data_dir: &Path,
        address: SocketAddr,
        link: Arc<dyn NodeLink>,
    ) -> Result<(), AgentError> {
        if config.client.enabled {
            let node = Node::start(node_config(config, data_dir, address), link, Arc::clone(&self.runtime) as _).await?;
            self.node = Some(Arc::new(node));
        }
        Ok(())
    }

    pub fn node_id(&self) -> Option<NodeId> {
        self.node.as_ref().map(|node| node.node_id())
    }

    /// What the API works on.
    pub fn context(
        &mut self,
        server: Arc<dyn ServerHandle>,
        cluster: Arc<dyn ClusterHandle>,
        agent: LocalAgent,
        store: &Arc<Store>,
    ) -> ApiContext {
        let events = Arc::new(EventBroker::default());
        self.tasks.spawn(api::events::run(Arc::clone(&events), store, self.stopping.subscribe()));
        ApiContext {
            server,
            cluster,
            nodes: Arc::new(LocalNodes(self.node.clone().map(|node| Arc::new(LocalNode(node))))),
            agent: Arc::new(agent),
            metrics: Arc::new(Registry::default()),
            events,
            stopping: self.stopping.subscribe(),
        }
    }

    /// Resolves when the agent is about to stop.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping.subscribe();
        async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        }
    }

    async fn run(mut self, config: &AgentConfig, stop_signal: StopSignal) -> Result<(), AgentError> {
        let raft = self.raft.clone();
        let consensus_ended = async {
            match &raft {
                Some(raft) => raft.fatal().await,
                None => std::future::pending().await,
            }
        };
        let outcome = tokio::select! {
            biased;
            reason = consensus_ended => Err(AgentError::ConsensusStopped(reason)),
            // An agent that answers while nothing is scheduled any more would be worse than none.
            Some(ended) = self.tasks.join_next() => Err(AgentError::System(format!("a part of the agent ended: {ended:?}"))),
            Some(ended) = self.serving.join_next() => Err(AgentError::System(format!("the HTTP API ended: {ended:?}"))),
            name = stop_signal.received() => {
                info!(signal = name, "stopping");
                Ok(())
            }
        };
        let orderly = async {
            // The tasks of a directory that is about to be deleted could not be found again.
            if let Some(node) = &self.node {
                node.shutdown(config.data_dir.is_none()).await;
            }
            if config.data_dir.is_none() {
                self.runtime.remove_groups();
            }
            self.stopping.send_replace(true);
            let _ = tokio::time::timeout(DRAIN, async { while self.serving.join_next().await.is_some() {} }).await;
            self.tasks.shutdown().await;
            if let Some(raft) = &raft {
                raft.shutdown().await;
            }
        };
        tokio::select! {
            () = orderly => {}
            name = stop_signal.received() => warn!(signal = name, "a second signal: stopping at once"),
        }
        outcome
    }
}

/// `rpc` is where other servers reach this one.
pub fn local_server(server: &Arc<Server>, config: &AgentConfig, rpc: SocketAddr) -> LocalServer {
    LocalServer {
        server: Arc::clone(server),
        datacenter: config.datacenter.clone(),
        address: rpc.to_string(),
        drivers: super::driver_check::all_drivers(),
    }
}

pub async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), AgentError> {
    let refused = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => "the port is taken (another agent?); choose another with -http-port or -rpc-port".to_owned(),
            _ => error.to_string(),
        };
        AgentError::Listen { address, reason }
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

pub fn server_config(config: &AgentConfig) -> ServerConfig {
    let section = &config.server;
    ServerConfig {
        region: config.region.as_str().into(),
        name: config.node_name().into(),
        heartbeats: HeartbeatConfig {
            min_heartbeat_ttl: section.min_heartbeat_ttl,
            heartbeat_grace: section.heartbeat_grace,
            failover_heartbeat_ttl: section.failover_heartbeat_ttl,
            ..HeartbeatConfig::default()
        },
        garbage: GarbageConfig {
            interval: section.job_gc_interval,
            eval_threshold: section.eval_gc_threshold,
            batch_eval_threshold: section.batch_eval_gc_threshold,
            job_threshold: section.job_gc_threshold,
            node_threshold: section.node_gc_threshold,
            deployment_threshold: section.deployment_gc_threshold,
        },
    }
}

fn node_config(config: &AgentConfig, data_dir: &Path, address: SocketAddr) -> NodeConfig {
    let section = &config.client;
    NodeConfig {
        name: Some(config.node_name().into()),
        region: config.region.as_str().into(),
        datacenter: config.datacenter.as_str().into(),
        class: section.node_class.as_str().into(),
        pool: section.node_pool.as_str().into(),
        meta: section.meta.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect(),
        http_address: address.to_string().into(),
        reserved: Reserved {
            cpu: MegaHertz(section.reserved.cpu),
            memory: MebiBytes(section.reserved.memory),
            disk: MebiBytes(section.reserved.disk),
            ports: section.reserved.ports.clone(),
            ..Reserved::default()
        },
        devices: section.devices.iter().map(device_group).collect(),
        cpu_total_compute: section.cpu_total_compute.map(MegaHertz),
        memory_total: section.memory_total_mb.map(MebiBytes),
        disk_total: section.disk_total_mb.map(MebiBytes),
        max_kill_timeout: section.max_kill_timeout,
        ..NodeConfig::new(data_dir.to_owned())
    }
}

fn device_group(listed: &super::config::Device) -> DeviceGroup {
    let instance = |id: &String| DeviceInstance {
        id: id.as_str().into(),
        healthy: true,
        health_description: "".into(),
        pci_bus_id: "".into(),
        numa_node: None,
    };
    DeviceGroup {
        vendor: listed.vendor.as_str().into(),
        kind: listed.kind.as_str().into(),
        name: listed.model.as_str().into(),
        attributes: listed.attributes.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect(),
        instances: listed.ids.iter().map(instance).collect(),
    }
}

/// SIGINT and SIGTERM.
struct StopSignal {
    signals: tokio::sync::Mutex<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)>,
}

impl StopSignal {
    fn install() -> Result<Self, AgentError> {
        let install = |kind| signal(kind).map_err(|error| AgentError::System(format!("signals cannot be handled: {error}")));
        Ok(Self { signals: tokio::sync::Mutex::new((install(SignalKind::interrupt())?, install(SignalKind::terminate())?)) })
    }

    async fn received(&self) -> &'static str {
        let mut signals = self.signals.lock().await;
        let (interrupt, terminate) = &mut *signals;
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    }
}
