//! Starts an agent that belongs to a cluster: finds or gets its identity, then its parts in the order in which they may refuse.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::attach::{self, Issuer};
use super::edge::{self, EdgeGuard};
use super::gateway::{Gateway, Place};
use super::join::join;
use super::membership::Membership;
use super::messages::{ANNOUNCE, Announcement};
use super::service::ClusterService;
use super::trust::{self, Founding, TrustDirectory};
use super::tunnels::Tunnels;
use crate::agent::AgentError;
use crate::agent::cluster_handle::LocalCluster;
use crate::agent::config::{AgentConfig, DEFAULT_RPC_PORT};
use crate::agent::local_agent::LocalAgent;
use crate::agent::logging::LogLines;
use crate::agent::no_server::NoServer;
use crate::agent::process::{Parts, listen, local_server, server_config};
use crate::api::{self, ServeConfig};
use crate::auth::Secret;
use crate::model::security::{Identity, SecurityChange};
use crate::raft::{Formation, OpenedLog, RaftConfig};
use crate::rpc::{Channel, Listener, ListenerConfig, RemoteLink};
use crate::server::node_link::LocalLink;
use crate::server::{Server, ServerError};
use crate::tls::{Credentials, TlsContext};
use crate::util::backoff::Backoff;
use crate::util::clock::Timestamp;

const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(10);

pub async fn start(config: &AgentConfig, data_dir: &Path, lines: LogLines) -> Result<Parts, AgentError> {
    info!(version = env!("CARGO_PKG_VERSION"), data_dir = %data_dir.display(), "starting");
    if config.cluster.plain_http {
        warn!("tls.http = false: the HTTP API is NOT encrypted; tokens and secrets can be read on the network");
    }
    if config.cluster.no_token {
        warn!("acl.enabled = false: everybody who reaches the HTTP API controls the cluster");
    }
    if config.server.enabled { start_server(config, data_dir, lines).await } else { start_client(config, data_dir, lines).await }
}

async fn start_server(config: &AgentConfig, data_dir: &Path, lines: LogLines) -> Result<Parts, AgentError> {
    let (api_listener, api_address) = listen(config.http_address()).await?;
    let (rpc_listener, rpc_address) = listen(config.rpc_address()).await?;
    let servers = with_ports(&config.cluster.join);
    let advertised = config.advertise_rpc.unwrap_or_else(|| reachable(rpc_address, &servers));
    let addresses = vec![advertised.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

    let log = OpenedLog::open(&data_dir.join("server")).await?;
    let directory = TrustDirectory::new(data_dir, "server");
    let entry = enter(config, &directory, log.id(), &servers, &addresses).await?;
    let tls = TlsContext::new(entry.credentials)?;
    let seal_key = directory.seal_key()?.ok_or_else(|| AgentError::System("the sealing key is missing from server/tls".to_owned()))?;

    let dialler = tls.clone();
    let raft = log
        .start(RaftConfig {
            address: advertised.to_string(),
            name: config.node_name(),
            dialer: Some(Arc::new(move |address, expected| Channel::new(address, dialler.clone(), Some(expected)))),
            formation: entry.formation,
            ..RaftConfig::new(data_dir.join("server"))
        })
        .await?;
    let mut parts = Parts::new(config, data_dir)?;
    parts.raft = Some(raft.clone());
    let server = Server::start(raft.clone(), server_config(config), &mut parts.tasks);
    if let Some((security, operator_token)) = entry.founded {
        found(&server, &data_dir.join("server"), security, &operator_token).await?;
    }

    let link = LocalLink(Arc::clone(&server));
    // What others are told: an address that stands for all of this machine's leads nowhere.
    let api_advertised = SocketAddr::new(advertised.ip(), api_address.port());
    parts.start_node(config, data_dir, api_advertised, Arc::new(link.clone())).await?;
    let handle = local_server(&server, config, advertised);
    let agent = LocalAgent::new(config, api_advertised, advertised, lines);
    let context = parts.context(Arc::new(handle), Arc::new(LocalCluster(Arc::clone(&server))), agent, server.store());
    let tunnels = Arc::new(Tunnels::default());
    let gateway = Arc::new(Gateway {
        router: api::router(context),
        local_node: parts.node_id(),
        place: Place::Server { server: Arc::clone(&server), tunnels: Arc::clone(&tunnels) },
    });
    let membership = Arc::new(Membership { server: Arc::clone(&server), seal_key });
    let service = ClusterService { membership: Arc::clone(&membership), link, tunnels, gateway: Arc::clone(&gateway) };
    let listener = Listener::new(rpc_listener, tls.clone(), ListenerConfig::default());
    parts.tasks.spawn(listener.serve(Arc::new(service)));
    info!(address = %rpc_address, %advertised, id = raft.id(), "other agents are answered");

    let router = edge::guarded(gateway, Arc::clone(server.store()), !config.cluster.no_token);
    let guard = Arc::new(EdgeGuard { tls: tls.clone(), plain_everywhere: config.cluster.plain_http });
    for listener in std::iter::once(api_listener).chain(loopback_beside(api_address).await) {
        let (router, guard, stopped) = (router.clone(), Arc::clone(&guard), parts.stopped());
        parts.serving.spawn(api::serve_guarded(listener, router, ServeConfig::default(), Some(guard), stopped));
    }
    info!(address = %api_address, node = ?parts.node_id(), "the HTTP API answers");

    let announcement = Announcement { id: raft.id(), address: advertised.to_string(), name: config.node_name() };
    parts.tasks.spawn(announce(raft, tls.clone(), announcement, entry.servers));
    parts.tasks.spawn(attach::keep_certificate(tls, directory, Issuer::Own(membership), addresses));
    Ok(parts)
}

/// What a server starts with.
struct Entry {
    credentials: Credentials,
    formation: Formation,
    /// Of a new cluster.
    founded: Option<(SecurityChange, Secret)>,
    /// To announce itself to, when its own log does not know any.
    servers: Vec<String>,
}

/// The identity of this data directory; else that of a new cluster, or of a new member.
async fn enter(
    config: &AgentConfig,
    directory: &TrustDirectory,
    id: u64,
    servers: &[String],
    addresses: &[IpAddr],
) -> Result<Entry, AgentError> {
    let own = Identity::server(id);
    if let Some(credentials) = directory.credentials()? {
        let found = TlsContext::new(credentials.clone())?.own().identity;
        if found != own {
            return Err(AgentError::Join(format!(
                "server/tls belongs to {found}, the log beside it to {own}: a server whose log is gone comes back as a new one, so move \
                 server/tls away and join with a new token"
            )));
        }
        return Ok(Entry { credentials, formation: Formation::Join, founded: None, servers: servers.to_vec() });
    }
    if let Some(token) = &config.cluster.join_token {
        let (credentials, servers) = join(directory, token, own, servers, addresses.to_vec(), None).await?;
        return Ok(Entry { credentials, formation: Formation::Join, founded: None, servers });
    }
    if !config.cluster.bootstrap && (!config.cluster.join.is_empty() || config.server.bootstrap_expect > 1) {
        return Err(AgentError::Join(
            "a token is needed: start the first server with -bootstrap, run `pannier token join create -role server` there, and start this \
             one with -join ADDRESS -token TOKEN"
                .to_owned(),
        ));
    }
    let Founding { credentials, seal_key, security, operator_token } = trust::found(id, addresses, Timestamp::now())?;
    directory.save_seal_key(&seal_key)?;
    directory.save(&credentials)?;
    let change = SecurityChange::Initialize(Box::new(security));
    Ok(Entry { credentials, formation: Formation::Alone, founded: Some((change, operator_token)), servers: Vec::new() })
}

/// Writes the trust of a new cluster into its state, and the operator's token where only the operator reads it.
async fn found(server: &Server, directory: &Path, security: SecurityChange, token: &Secret) -> Result<(), AgentError> {
    let path = directory.join("operator-token");
    write_token(&path, token).map_err(|error| AgentError::DataDirectory { path: path.clone(), reason: error.to_string() })?;
    server.change_security(security).await.map_err(|error: ServerError| AgentError::System(error.to_string()))?;
    info!(token_file = %path.display(), "a new cluster: its operator's token is in that file");
    println!(
        "A new cluster. Beyond this machine its API needs the token in {} (NOMAD_TOKEN).\n\
         Let others join with:  pannier token join create -role server   (or -role client)",
        path.display()
    );
    Ok(())
}

fn write_token(path: &Path, token: &Secret) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(format!("{}\n", token.reveal()).as_bytes())?;
    file.sync_all()
}

/// Tells the leader where this server is now, until it knows; then there is nothing left to do.
async fn announce(raft: crate::raft::Raft, tls: TlsContext, announcement: Announcement, servers: Vec<String>) {
    let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
    loop {
        let members = raft.members();
        let is_known = members.iter().any(|member| member.id == announcement.id && member.address == announcement.address);
        if is_known && raft.leader().is_some() {
            return std::future::pending().await;
        }
        let known = members.into_iter().filter(|member| member.id != announcement.id).map(|member| member.address);
        for address in known.chain(servers.iter().cloned()) {
            let channel = Channel::new(address, tls.clone(), None);
            match channel.call::<_, ()>(ANNOUNCE, announcement.clone(), ANNOUNCE_TIMEOUT).await {
                Ok(()) => break,
                Err(error) => tracing::debug!(server = channel.address(), %error, "could not announce this server"),
            }
        }
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

async fn start_client(config: &AgentConfig, data_dir: &Path, lines: LogLines) -> Result<Parts, AgentError> {
    // Nobody else has a reason to talk to it: servers come through its tunnel.
    let (api_listener, api_address) = listen(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), config.http_port)).await?;
    let directory = TrustDirectory::new(data_dir, "client");
    let node = crate::node::own_id(&data_dir.join("client"))?;
    let server_file = data_dir.join("client").join("servers");
    let mut servers = with_ports(&config.cluster.join);
    servers.extend(remembered(&server_file).into_iter().filter(|address| !servers.contains(address)).collect::<Vec<_>>());
    let credentials = match (directory.credentials()?, &config.cluster.join_token) {
        (Some(credentials), _) if TlsContext::new(credentials.clone())?.own().not_after > Timestamp::now() => credentials,
        (expired, Some(token)) => {
            let (credentials, known) = join(&directory, token, Identity::client(node), &servers, Vec::new(), expired.as_ref()).await?;
            servers.extend(known.into_iter().filter(|address| !servers.contains(address)).collect::<Vec<_>>());
            credentials
        }
        (expired, None) => {
            let reason = if expired.is_some() { "this node's certificate has expired; " } else { "" };
            let problem = "a token is needed: run `pannier token join create -role client` on a server, and start this agent with \
                           -join ADDRESS -token TOKEN";
            return Err(AgentError::Join(format!("{reason}{problem}")));
        }
    };
    let tls = TlsContext::new(credentials)?;
    if tls.own().identity != Identity::client(node) {
        return Err(AgentError::Join(format!("client/tls belongs to {}, this is node {node}", tls.own().identity)));
    }
    let link = RemoteLink::new(tls.clone(), servers).ok_or_else(|| AgentError::Join("no server is known: add -join ADDRESS".to_owned()))?;
    let link = Arc::new(link);

    let mut parts = Parts::new(config, data_dir)?;
    parts.start_node(config, data_dir, api_address, Arc::clone(&link) as _).await?;
    let handle = Arc::new(NoServer::new(config.region.clone(), config.datacenter.clone()));
    let agent = LocalAgent::new(config, api_address, api_address, lines);
    let context = parts.context(Arc::clone(&handle) as _, Arc::clone(&handle) as _, agent, &handle.store);
    let place = Place::Client { link: Arc::clone(&link) };
    let gateway = Arc::new(Gateway { router: api::router(context), local_node: parts.node_id(), place });
    let guard = Arc::new(EdgeGuard { tls: tls.clone(), plain_everywhere: false });
    // What leaves this machine is looked at by the servers; on loopback there is nothing to ask for.
    let router = edge::guarded(Arc::clone(&gateway), Arc::clone(&handle.store), true);
    let stopped = parts.stopped();
    parts.serving.spawn(api::serve_guarded(api_listener, router, ServeConfig::default(), Some(guard), stopped));
    info!(address = %api_address, %node, "the HTTP API answers");

    parts.tasks.spawn(attach::keep_attached(Arc::clone(&link), gateway));
    parts.tasks.spawn(attach::keep_servers(Arc::clone(&link), move |servers| remember(&server_file, servers)));
    parts.tasks.spawn(attach::keep_certificate(tls, directory, Issuer::Servers(link), Vec::new()));
    Ok(parts)
}

/// The servers of the last run, one per line.
fn remembered(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

fn remember(path: &PathBuf, servers: &[String]) {
    // A hint for the next start; the configuration names servers as well.
    if let Err(error) = std::fs::write(path, servers.join("\n")) {
        warn!(path = %path.display(), %error, "the list of servers could not be kept");
    }
}

/// `host`, or `host:port`.
fn with_ports(servers: &[String]) -> Vec<String> {
    let with_port = |server: &String| match server.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, DEFAULT_RPC_PORT).to_string(),
        Err(_) if server.contains(':') => server.clone(),
        Err(_) => format!("{server}:{DEFAULT_RPC_PORT}"),
    };
    servers.iter().map(with_port).collect()
}

/// The address others reach `bound` by: itself, or, if it stands for all, the one that leads to the other servers (or to anywhere).
fn reachable(bound: SocketAddr, servers: &[String]) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let towards = |target: &str| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        // Sends nothing: it only makes the kernel choose a route.
        socket.connect(target).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let found = servers.iter().find_map(|server| towards(server)).or_else(|| towards("192.0.2.1:9"));
    SocketAddr::new(found.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), bound.port())
}

/// Beside an address that is not reached by loopback: so that commands work on this machine without a token.
async fn loopback_beside(address: SocketAddr) -> Option<tokio::net::TcpListener> {
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        return None;
    }
    match listen(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())).await {
        Ok((listener, _)) => Some(listener),
        Err(error) => {
            warn!(%error, "the HTTP API does not answer on loopback");
            None
        }
    }
}
