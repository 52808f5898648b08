//! The agent's configuration: defaults, then files in order, then flags.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::auth::JoinTokenText;

/// Nomad's.
pub const DEFAULT_RPC_PORT: u16 = 4647;

/// Everything an agent can be told. Names follow Nomad's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentConfig {
    pub region: String,
    pub datacenter: String,
    /// Empty: the host's name.
    pub name: String,
    /// `None` only in dev mode: a temporary directory.
    pub data_dir: Option<PathBuf>,
    pub bind_addr: IpAddr,
    pub http_port: u16,
    /// Of the node-to-node transport. `None`: [`DEFAULT_RPC_PORT`], if it is needed at all.
    pub rpc_port: Option<u16>,
    /// Where others reach the node-to-node transport, when that is not what it is bound to.
    pub advertise_rpc: Option<SocketAddr>,
    pub cluster: ClusterSection,
    pub log_level: String,
    pub log_json: bool,
    pub dev: bool,
    pub server: ServerSection,
    pub client: ClientSection,
}

/// How this agent comes to others, and who may talk to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterSection {
    /// Found a new cluster, unless the data directory belongs to one.
    pub bootstrap: bool,
    /// Servers to join, `host` or `host:port`.
    pub join: Vec<String>,
    pub join_token: Option<JoinTokenText>,
    /// The operator switched TLS off for the HTTP API beyond loopback.
    pub plain_http: bool,
    /// The operator switched the token off.
    pub no_token: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ServerSection {
    pub enabled: bool,
    pub bootstrap_expect: u32,
    pub heartbeat_grace: Duration,
    pub min_heartbeat_ttl: Duration,
    /// `None`: see [`crate::server::heartbeats::HeartbeatConfig`].
    pub failover_heartbeat_ttl: Option<Duration>,
    pub eval_gc_threshold: Duration,
    pub batch_eval_gc_threshold: Duration,
    pub job_gc_threshold: Duration,
    pub job_gc_interval: Duration,
    pub node_gc_threshold: Duration,
    pub deployment_gc_threshold: Duration,
    /// Address (`https://...`) at which others find the public keys of identities.
    pub oidc_issuer: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClientSection {
    pub enabled: bool,
    pub node_class: String,
    pub node_pool: String,
    pub meta: BTreeMap<String, String>,
    pub cpu_total_compute: Option<u64>,
    pub memory_total_mb: Option<u64>,
    pub disk_total_mb: Option<u64>,
    pub reserved: Reserved,
    pub devices: Vec<Device>,
    pub max_kill_timeout: Duration,
    pub cgroup_parent: String,
    pub raw_exec: bool,
    pub mock_driver: bool,
}

/// What the operator keeps from allocations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reserved {
    pub cpu: u64,
    pub memory: u64,
    pub disk: u64,
    pub ports: Vec<u16>,
}

/// Equal devices that the operator lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    pub vendor: String,
    pub kind: String,
    pub model: String,
    /// One per device.
    pub ids: Vec<String>,
    pub attributes: BTreeMap<String, String>,
}

impl Default for AgentConfig {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self {
            region: "global".to_owned(),
            datacenter: "dc1".to_owned(),
            name: String::new(),
            data_dir: None,
            bind_addr: IpAddr::V4(Ipv4Addr::LOCALHOST),
            http_port: 4646,
            rpc_port: None,
            advertise_rpc: None,
            cluster: ClusterSection::default(),
            log_level: "INFO".to_owned(),
            log_json: false,
            dev: false,
            server: ServerSection {
                enabled: false,
                bootstrap_expect: 1,
                heartbeat_grace: Duration::from_secs(10),
                min_heartbeat_ttl: Duration::from_secs(10),
                failover_heartbeat_ttl: None,
                eval_gc_threshold: hour,
                batch_eval_gc_threshold: 24 * hour,
                job_gc_threshold: 4 * hour,
                job_gc_interval: Duration::from_secs(300),
                node_gc_threshold: 24 * hour,
                deployment_gc_threshold: hour,
                oidc_issuer: None,
            },
            client: ClientSection {
                enabled: false,
                node_class: String::new(),
                node_pool: "default".to_owned(),
                meta: BTreeMap::new(),
                cpu_total_compute: None,
                memory_total_mb: None,
                disk_total_mb: None,
                reserved: Reserved::default(),
                devices: Vec::new(),
                max_kill_timeout: Duration::from_secs(30),
                cgroup_parent: "pannier".to_owned(),
                raw_exec: false,
                mock_driver: false,
            },
        }
    }
}

impl AgentConfig {
    /// Server and client in one on loopback, `raw_exec` and `mock_driver` on, nothing kept unless a data directory is named.
    pub fn dev() -> Self {
        let defaults = Self::default();
        Self {
            dev: true,
            log_level: "INFO".to_owned(),
            server: ServerSection { enabled: true, ..defaults.server },
            client: ClientSection { enabled: true, raw_exec: true, mock_driver: true, ..defaults.client },
            ..defaults
        }
    }

    /// The configured name, else the host's.
    pub fn node_name(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        host.unwrap_or_else(|| "localhost".to_owned())
    }

    pub fn http_address(&self) -> SocketAddr {
        SocketAddr::new(self.bind_addr, self.http_port)
    }

    /// All that contradicts itself, each with a way out.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.server.enabled && !self.client.enabled {
            problems.push("neither server nor client is enabled: pass -dev, or enable one in the configuration".to_owned());
        }
        let cluster = &self.cluster;
        if self.dev && self.is_clustered() {
            problems.push("a dev agent is alone on loopback: leave out -dev, or what names others (bind address, -bootstrap, bootstrap_expect, -join)".to_owned());
        }
        if cluster.bootstrap && !self.server.enabled {
            problems.push("-bootstrap founds a cluster with its first server: add -server".to_owned());
        }
        // With `bootstrap_expect` the addresses are those of all servers, in the same file on each.
        let joins = !cluster.join.is_empty() && self.server.bootstrap_expect <= 1;
        if cluster.bootstrap && (cluster.join_token.is_some() || joins) {
            problems.push("-bootstrap founds a new cluster, -join joins one: give one of them".to_owned());
        }
        if cluster.join_token.is_some() && cluster.join.is_empty() {
            problems.push("-token without -join: name the address of a server to join".to_owned());
        }
        if self.data_dir.is_none() && !self.dev {
            problems.push("no data directory: set data_dir in the configuration or pass -data-dir".to_owned());
        }
        if let Some(dir) = self.data_dir.as_ref().filter(|dir| !dir.is_absolute()) {
            problems.push(format!("data_dir must be an absolute path, not {}", dir.display()));
        }
        problems
    }

    /// Whether this agent has to do with others. One on loopback that names none does not: it needs no certificates and no second port.
    pub fn is_clustered(&self) -> bool {
        let cluster = &self.cluster;
        let named = cluster.bootstrap || !cluster.join.is_empty() || self.server.bootstrap_expect > 1;
        named || !self.server.enabled || !self.bind_addr.is_loopback() || self.rpc_port.is_some()
    }

    pub fn rpc_address(&self) -> SocketAddr {
        SocketAddr::new(self.bind_addr, self.rpc_port.unwrap_or(DEFAULT_RPC_PORT))
    }
}
