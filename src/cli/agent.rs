//! `agent`: the arguments of the long-running half. Running it is not the command line's business.

use std::path::PathBuf;

use clap::Args;

/// Run an agent: a server, a node, or both
///
/// Flags win over the configuration files, which are merged in the order given.
#[derive(Args, Debug, Clone, Default, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  pannier agent -dev
  pannier agent -config /etc/pannier.d
  pannier agent -server -bootstrap -bind 10.0.0.1 -data-dir /var/lib/pannier
  pannier agent -join 10.0.0.1 -token @/root/join-token -bind 10.0.0.2 -data-dir /var/lib/pannier")]
pub struct AgentArgs {
    /// Server and node in one, on loopback, keeping nothing on disk
    #[arg(long, help_heading = "Modes")]
    pub dev: bool,
    /// Take part in the cluster's quorum
    #[arg(long, help_heading = "Modes")]
    pub server: bool,
    /// Run allocations
    #[arg(long, help_heading = "Modes")]
    pub client: bool,
    /// Configuration file or directory; may be given several times
    #[arg(long, value_name = "PATH")]
    pub config: Vec<PathBuf>,
    /// Where to keep state
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<String>,
    /// Port of the HTTP API
    #[arg(long, value_name = "PORT")]
    pub http_port: Option<u16>,
    /// Port of the node-to-node transport
    #[arg(long, value_name = "PORT")]
    pub rpc_port: Option<u16>,
    /// Name of this agent; the host's by default
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// Region of this agent
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// Datacenter of this agent
    #[arg(long, value_name = "NAME")]
    pub dc: Option<String>,
    /// TRACE, DEBUG, INFO, WARN or ERROR
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Log in JSON lines
    #[arg(long)]
    pub log_json: bool,
    /// Found a new cluster with this server
    #[arg(long, help_heading = "Server")]
    pub bootstrap: bool,
    /// What `pannier token join create` printed, or @FILE that holds it [env: PANNIER_JOIN_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<HiddenText>,
    /// Address (and port) at which other agents reach this one
    #[arg(long, value_name = "ADDR")]
    pub advertise: Option<String>,
    /// Servers to wait for before the first leader is elected
    #[arg(long, value_name = "COUNT", help_heading = "Server")]
    pub bootstrap_expect: Option<u32>,
    /// Address of a server to join, tried until it answers; may be given several times
    #[arg(long, visible_alias = "join", value_name = "ADDR", help_heading = "Server")]
    pub retry_join: Vec<String>,
    /// Servers to register the node with, separated by commas
    #[arg(long, value_name = "ADDR", value_delimiter = ',', help_heading = "Client")]
    pub servers: Vec<String>,
    /// Class of the node
    #[arg(long, value_name = "NAME", help_heading = "Client")]
    pub node_class: Option<String>,
    /// Pool of the node
    #[arg(long, value_name = "NAME", help_heading = "Client")]
    pub node_pool: Option<String>,
    /// Metadata of the node; may be given several times
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Client")]
    pub meta: Vec<String>,
    /// Parent of the tasks' control groups, below the agent's own
    #[arg(long, value_name = "NAME", help_heading = "Client")]
    pub cgroup_parent: Option<String>,
    /// Memory to give to tasks, instead of what the machine has
    #[arg(long, value_name = "MIB", help_heading = "Client")]
    pub memory_total_mb: Option<u64>,
}

/// Text that must not get into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct HiddenText(pub String);

impl From<String> for HiddenText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}
