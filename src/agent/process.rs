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
use super::config::AgentConfig;
use super::local_agent::LocalAgent;
use super::logging::LogLines;
use super::node_handle::{LocalNode, LocalNodes};
use super::server_handle::LocalServer;
use super::task_runtime::TaskRuntime;
use crate::api::events::EventBroker;
use crate::api::{self, ApiContext};
use crate::model::{DeviceGroup, DeviceInstance, MebiBytes, MegaHertz};
use crate::node::config::Reserved;
use crate::node::{Node, NodeConfig};
use crate::raft::{Raft, RaftConfig};
use crate::server::node_link::LocalLink;
use crate::server::{Server, ServerConfig, garbage::GarbageConfig, heartbeats::HeartbeatConfig};
use crate::util::metrics::Registry;

/// Longer than the API itself gives to requests under way.
const DRAIN: Duration = Duration::from_secs(8);

/// Runs until a signal or a fatal error, then stops everything in order: the node, the API's connections, consensus.
pub async fn run(config: AgentConfig, data_dir: &Path, lines: LogLines) -> Result<(), AgentError> {
    let stop_signal = StopSignal::install()?;
    let (listener, address) = listen(&config).await?;
    info!(version = env!("CARGO_PKG_VERSION"), data_dir = %data_dir.display(), dev = config.dev, "starting");

    let raft = Raft::open(RaftConfig { address: address.to_string(), ..RaftConfig::new(data_dir.join("server")) }).await?;
    let mut tasks = JoinSet::new();
    let server = Server::start(raft.clone(), server_config(&config), &mut tasks);
    let stopping = watch::Sender::new(false);

    let link = Arc::new(LocalLink(Arc::clone(&server)));
    let runtime = Arc::new(TaskRuntime::new(&config, data_dir)?);
    let node = Arc::new(Node::start(node_config(&config, data_dir, address), link, Arc::clone(&runtime) as _).await?);
    let events = Arc::new(EventBroker::default());
    tasks.spawn(api::events::run(Arc::clone(&events), server.store(), stopping.subscribe()));
    let context = ApiContext {
        server: Arc::new(LocalServer {
            server: Arc::clone(&server),
            datacenter: config.datacenter.clone(),
            address: address.to_string(),
            drivers: super::driver_check::all_drivers(),
        }),
        nodes: Arc::new(LocalNodes(Arc::new(LocalNode(Arc::clone(&node))))),
        agent: Arc::new(LocalAgent::new(&config, address, lines)),
        metrics: Arc::new(Registry::default()),
        events,
        stopping: stopping.subscribe(),
    };
    let mut stop_serving = stopping.subscribe();
    let stopped = async move {
        let _ = stop_serving.wait_for(|stop| *stop).await;
    };
    let mut serving = tokio::spawn(api::serve(listener, api::router(context), api::ServeConfig::default(), stopped));
    info!(%address, node = %node.node_id(), "the HTTP API answers");

    let outcome = tokio::select! {
        biased;
        reason = raft.fatal() => Err(AgentError::ConsensusStopped(reason)),
        // These only end when they are told to: an agent that answers while nothing is scheduled any more would be worse than none.
        Some(ended) = tasks.join_next() => Err(AgentError::System(format!("a part of the agent ended: {ended:?}"))),
        ended = &mut serving => Err(AgentError::System(format!("the HTTP API ended: {ended:?}"))),
        name = stop_signal.received() => {
            info!(signal = name, "stopping");
            Ok(())
        }
    };
    let orderly = async {
        // The tasks of a directory that is about to be deleted could not be found again.
        node.shutdown(config.data_dir.is_none()).await;
        if config.data_dir.is_none() {
            runtime.remove_groups();
        }
        stopping.send_replace(true);
        if !serving.is_finished() {
            let _ = tokio::time::timeout(DRAIN, &mut serving).await;
        }
        tasks.shutdown().await;
        raft.shutdown().await;
    };
    tokio::select! {
        () = orderly => {}
        name = stop_signal.received() => warn!(signal = name, "a second signal: stopping at once"),
    }
    outcome
}

async fn listen(config: &AgentConfig) -> Result<(TcpListener, SocketAddr), AgentError> {
    let address = config.http_address();
    let refused = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => "the port is taken (another agent?); choose another with -http-port".to_owned(),
            _ => error.to_string(),
        };
        AgentError::Listen { address, reason }
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

fn server_config(config: &AgentConfig) -> ServerConfig {
    let section = &config.server;
    ServerConfig {
        region: config.region.as_str().into(),
        name: config.node_name().into(),
        heartbeats: HeartbeatConfig {
            min_heartbeat_ttl: section.min_heartbeat_ttl,
            heartbeat_grace: section.heartbeat_grace,
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
