//! What can go wrong between the command line and an agent.

use std::io;

use super::address::Address;

/// A failed call. Its text is meant to be shown to a person as it is; it never holds the token.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("invalid address {address:?}: {reason}")]
    InvalidAddress { address: String, reason: &'static str },

    #[error("TLS cannot be set up: {0}")]
    Tls(String),

    #[error("invalid {what}: it cannot be sent in an HTTP header")]
    InvalidHeader { what: &'static str },

    #[error("invalid request path {path:?}")]
    InvalidPath { path: String },

    #[error("{}", connect_text(address, reason))]
    Connect { address: Address, reason: io::Error },

    #[error("the connection to the agent at {address} broke: {source}")]
    Transport {
        address: Address,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The agent answered, and refused.
    #[error("{} ({code})", message.trim())]
    Status { code: u16, message: String },

    #[error("the agent's answer to {path} is not what was expected: {source}")]
    Decode { path: String, source: serde_json::Error },

    #[error("a line of the stream from {path} is longer than {limit} bytes")]
    OversizedRecord { path: String, limit: usize },
}

impl ClientError {
    /// True when the agent answered that what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { code: 404, .. })
    }

    /// True when trying again later can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Transport { .. } => true,
            Self::Status { code, .. } => matches!(code, 429 | 500 | 502..=504),
            _ => false,
        }
    }
}

fn connect_text(address: &Address, reason: &io::Error) -> String {
    let text = match reason.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::TimedOut => "no answer in time".to_owned(),
        io::ErrorKind::NotFound if matches!(address, Address::Unix { .. }) => "there is no such socket".to_owned(),
        _ => reason.to_string(),
    };
    format!("cannot reach the agent at {address}: {text}; start one with `pannier agent -dev` or set NOMAD_ADDR / -address")
}
