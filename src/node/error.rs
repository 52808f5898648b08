//! What can go wrong in the node as a whole. What goes wrong with a single task is told by its events.

use std::io;
use std::path::PathBuf;

use super::journal::JournalError;
use crate::model::AllocId;

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("cannot use {path}: {source}", path = path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("{path} does not hold a node id: {content:?}", path = path.display())]
    BadNodeId { path: PathBuf, content: String },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("allocation {0} is not on this node")]
    UnknownAllocation(AllocId),
    #[error("allocation {alloc} has no task {task:?}")]
    UnknownTask { alloc: AllocId, task: String },
    #[error("task {0:?} is not running")]
    TaskNotRunning(String),
    #[error("no task of allocation {0} is running")]
    NothingRuns(AllocId),
    #[error("{0:?} is not a signal")]
    BadSignal(String),
    #[error("the node is shutting down")]
    ShuttingDown,
}
