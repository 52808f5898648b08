//! Why the server or a node could not do what a request asked.

use crate::state::Rejection;

/// Answers of [`super::ServerHandle`]; `api::error` maps each to one HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// The state refused the command; nothing changed.
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// Nobody leads: nothing can be written, nor read with the default consistency.
    #[error("No cluster leader")]
    NoLeader,
    /// The request is well-formed but asks for something that cannot be; one text per problem.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
    /// What the request names does not exist, for instance `deployment not found`.
    #[error("{0}")]
    NotFound(String),
    /// The operator switched it off (`RejectJobRegistration`).
    #[error("{0}")]
    Forbidden(String),
    /// The outcome is unknown: the entry may still commit.
    #[error("the cluster did not answer in time")]
    Timeout,
    #[error("{0}")]
    Internal(String),
}

/// Answers of [`super::NodeApi`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Matched by clients by its text.
    #[error("Unknown allocation {0:?}")]
    UnknownAllocation(String),
    #[error("unknown task name {0:?}")]
    UnknownTask(String),
    #[error("{0}")]
    FileNotFound(String),
    /// The path leaves the allocation's directory or names something that must not be read.
    #[error("{0}")]
    Forbidden(String),
    /// The request does not fit: a directory is read, an unknown signal is sent, a task that is not running is restarted.
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Internal(String),
}
