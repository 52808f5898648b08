//! What the agent tells of itself through the API.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::config::AgentConfig;
use super::logging::LogLines;
use crate::api::handles::{AgentDescription, AgentHandle, LogLevel, LogLine};

/// Lines that wait for one watcher.
const WATCHER_CAPACITY: usize = 256;

pub struct LocalAgent {
    description: AgentDescription,
    lines: LogLines,
}

impl LocalAgent {
    pub fn new(config: &AgentConfig, address: SocketAddr, rpc: SocketAddr, lines: LogLines) -> Self {
        let description = AgentDescription {
            name: config.node_name(),
            region: config.region.clone(),
            datacenter: config.datacenter.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            http_address: address.to_string(),
            rpc_address: rpc.to_string(),
            server_enabled: config.server.enabled,
            client_enabled: config.client.enabled,
            config: shown(config),
        };
        Self { description, lines }
    }
}

impl AgentHandle for LocalAgent {
    fn description(&self) -> AgentDescription {
        self.description.clone()
    }

    fn log_lines(&self, level: LogLevel) -> mpsc::Receiver<LogLine> {
        let mut lines = self.lines.subscribe();
        let (sender, receiver) = mpsc::channel(WATCHER_CAPACITY);
        tokio::spawn(async move {
            loop {
                match lines.recv().await {
                    // A watcher that does not keep up misses lines; the agent never waits for it.
                    Ok(line) if line.level >= level => match sender.try_send(line) {
                        Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
                        Err(mpsc::error::TrySendError::Closed(_)) => return,
                    },
                    Ok(_) if sender.is_closed() => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        receiver
    }
}

/// The effective configuration under Nomad's names. There are no secrets in it.
fn shown(config: &AgentConfig) -> Map<String, Value> {
    let value = json!({
        "Region": config.region,
        "Datacenter": config.datacenter,
        "NodeName": config.node_name(),
        "DataDir": config.data_dir,
        "BindAddr": config.bind_addr.to_string(),
        "Ports": {"HTTP": config.http_port},
        "LogLevel": config.log_level,
        "DevMode": config.dev,
        "Version": {"Version": env!("CARGO_PKG_VERSION")},
        "Server": {"Enabled": config.server.enabled, "BootstrapExpect": config.server.bootstrap_expect},
        "Client": {
            "Enabled": config.client.enabled,
            "NodeClass": config.client.node_class,
            "NodePool": config.client.node_pool,
            "Meta": config.client.meta,
        },
        "ACL": {"Enabled": false},
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
