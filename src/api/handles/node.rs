//! The working half of a node, as the API sees it. [`NodeDirectory`] finds it by id, whether it runs in this process or is
//! reached over the connection that the node keeps to its servers.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::NodeError;
use crate::api::types::stats::{AllocResourceUsage, HostStats};
use crate::model::{AllocId, NodeId};
use crate::util::clock::Timestamp;

/// Raw bytes of a file; an error ends it.
pub type ByteStream = BoxStream<'static, Result<Bytes, NodeError>>;

/// Pieces of one or several files in order; an error ends it.
pub type FrameStream = BoxStream<'static, Result<FileFrame, NodeError>>;

/// Which nodes this agent can talk to.
pub trait NodeDirectory: Send + Sync + 'static {
    /// `None`: there is no path to the node now.
    fn node(&self, id: NodeId) -> Option<Arc<dyn NodeApi>>;

    /// The node that runs in this agent, if it runs one.
    fn local(&self) -> Option<Arc<dyn NodeApi>>;
}

/// Paths are relative to the allocation's directory; an implementation refuses those that leave it.
pub trait NodeApi: Send + Sync + 'static {
    fn node_id(&self) -> NodeId;

    /// Whether the allocation has a directory here (it may be over).
    fn has_allocation(&self, alloc: AllocId) -> bool;

    /// Restarts one task, or the main tasks when `task` is `None`, or every task with `all_tasks`.
    fn restart_task(&self, alloc: AllocId, task: Option<String>, all_tasks: bool) -> BoxFuture<'_, Result<(), NodeError>>;

    /// Sends a signal by name (`SIGHUP`) to one task, or to all when `task` is `None`.
    fn signal_task(&self, alloc: AllocId, task: Option<String>, signal: String) -> BoxFuture<'_, Result<(), NodeError>>;

    /// Usage of the allocation, or of one of its tasks.
    fn alloc_stats(&self, alloc: AllocId, task: Option<String>) -> BoxFuture<'_, Result<AllocResourceUsage, NodeError>>;

    /// Usage of the whole node.
    fn host_stats(&self) -> BoxFuture<'_, Result<HostStats, NodeError>>;

    fn list_files(&self, alloc: AllocId, path: String) -> BoxFuture<'_, Result<Vec<FileInfo>, NodeError>>;

    fn stat_file(&self, alloc: AllocId, path: String) -> BoxFuture<'_, Result<FileInfo, NodeError>>;

    /// Bytes from `offset`, to the end or at most `limit`.
    fn read_file(&self, alloc: AllocId, path: String, offset: u64, limit: Option<u64>) -> BoxFuture<'_, Result<ByteStream, NodeError>>;

    /// A file from a position, with what is appended later when `follow`.
    fn follow_file(
        &self,
        alloc: AllocId,
        path: String,
        origin: Origin,
        offset: u64,
        follow: bool,
    ) -> BoxFuture<'_, Result<FrameStream, NodeError>>;

    /// A task's output over its rotated files in order.
    fn logs(&self, request: LogRequest) -> BoxFuture<'_, Result<FrameStream, NodeError>>;
}

/// Which of a task's logs is read, from where.
#[derive(Clone, Debug)]
pub struct LogRequest {
    pub alloc: AllocId,
    pub task: String,
    pub kind: LogKind,
    pub follow: bool,
    pub origin: Origin,
    /// Bytes from `origin`, forwards from the start or backwards from the end.
    pub offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    Stdout,
    Stderr,
}

/// Where an offset counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Start,
    End,
}

/// A file or directory of an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    pub name: String,
    pub is_dir: bool,
    /// Bytes.
    pub size: u64,
    /// As `ls -l` writes it: `-rw-r--r--`.
    pub mode: String,
    pub modified: Timestamp,
    pub content_type: String,
}

/// A piece of a followed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFrame {
    /// Relative path of the file.
    pub file: String,
    /// Offset in the file after `data`.
    pub offset: u64,
    pub data: Bytes,
    pub event: Option<FileEvent>,
}

/// Something that happened to a followed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEvent {
    Deleted,
    Truncated,
}

impl FileEvent {
    pub fn name(self) -> &'static str {
        match self {
            Self::Deleted => "file deleted",
            Self::Truncated => "file truncated",
        }
    }
}
