//! The agent's configuration: defaults, then files in order, then flags.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

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
    pub log_level: String,
    pub log_json: bool,
    pub dev: bool,
    pub server: ServerSection,
    pub client: ClientSection,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ServerSection {
    pub enabled: bool,
    pub bootstrap_expect: u32,
    pub heartbeat_grace: Duration,
    pub min_heartbeat_ttl: Duration,
    pub eval_gc_threshold: Duration,
    pub batch_eval_gc_threshold: Duration,
    pub job_gc_threshold: Duration,
    pub job_gc_interval: Duration,
    pub node_gc_threshold: Duration,
    pub deployment_gc_threshold: Duration,
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
            log_level: "INFO".to_owned(),
            log_json: false,
            dev: false,
            server: ServerSection {
                enabled: false,
                bootstrap_expect: 1,
                heartbeat_grace: Duration::from_secs(10),
                min_heartbeat_ttl: Duration::from_secs(10),
                eval_gc_threshold: hour,
                batch_eval_gc_threshold: 24 * hour,
                job_gc_threshold: 4 * hour,
                job_gc_interval: Duration::from_secs(300),
                node_gc_threshold: 24 * hour,
                deployment_gc_threshold: hour,
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
        if self.client.enabled && !self.server.enabled {
            problems.push("a client without a server in the same agent is not supported yet: enable both".to_owned());
        }
        if self.server.enabled && self.server.bootstrap_expect != 1 {
            problems.push(format!(
                "server.bootstrap_expect = {}: clusters of several servers are not supported yet; use 1",
                self.server.bootstrap_expect
            ));
        }
        if self.data_dir.is_none() && !self.dev {
            problems.push("no data directory: set data_dir in the configuration or pass -data-dir".to_owned());
        }
        if let Some(dir) = self.data_dir.as_ref().filter(|dir| !dir.is_absolute()) {
            problems.push(format!("data_dir must be an absolute path, not {}", dir.display()));
        }
        if !self.bind_addr.is_loopback() {
            problems.push(format!(
                "bind address {} is not loopback: the HTTP API has no TLS and no tokens yet, so it only listens on loopback \
                 (use an SSH tunnel to reach it from elsewhere)",
                self.bind_addr
            ));
        }
        problems
    }
}
