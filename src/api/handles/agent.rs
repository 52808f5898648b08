//! The agent as a process: what it calls itself, and its log.

use tokio::sync::mpsc;

/// What the agent tells of itself.
pub trait AgentHandle: Send + Sync + 'static {
    fn description(&self) -> AgentDescription;

    /// Log lines of `level` and above from now on. The agent drops lines for a reader that does not keep up; it never waits.
    fn log_lines(&self, level: LogLevel) -> mpsc::Receiver<LogLine>;
}

/// Static facts of the running agent.
#[derive(Clone, Debug, Default)]
pub struct AgentDescription {
    pub name: String,
    pub region: String,
    pub datacenter: String,
    pub version: String,
    /// `ip:port` others reach the HTTP API at.
    pub http_address: String,
    /// `ip:port` others reach the RPC at.
    pub rpc_address: String,
    pub server_enabled: bool,
    pub client_enabled: bool,
    /// The address that identities name as their issuer.
    pub oidc_issuer: Option<String>,
    /// The effective configuration with secrets left out, under Nomad's names.
    pub config: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// By name, whatever its case.
    pub fn parse(name: &str) -> Option<Self> {
        [("trace", Self::Trace), ("debug", Self::Debug), ("info", Self::Info), ("warn", Self::Warn), ("error", Self::Error)]
            .into_iter()
            .find(|(text, _)| text.eq_ignore_ascii_case(name))
            .map(|(_, level)| level)
    }
}

/// One line of the agent's log, in both notations that a monitor may ask for. Neither ends with a line feed.
#[derive(Clone, Debug)]
pub struct LogLine {
    pub level: LogLevel,
    pub text: String,
    pub json: String,
}
