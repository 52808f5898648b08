//! Calls about files and logs of an allocation.

use super::{ApiRequest, ByteStream, Client, ClientError, JsonStream};
use crate::api::types::files::{FsEntry, StreamFrame};

/// Which log to read, and from where.
#[derive(Debug, Clone, Default)]
pub struct LogRequest {
    pub task: String,
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    pub follow: bool,
    /// None reads from the start; otherwise this many bytes before the end.
    pub bytes_from_end: Option<u64>,
}

impl Client {
    /// The frames of a task's log.
    pub async fn logs(&self, alloc_id: &str, request: &LogRequest) -> Result<JsonStream<StreamFrame>, ClientError> {
        let (origin, offset) = request.bytes_from_end.map_or(("start", 0), |bytes| ("end", bytes));
        let call = ApiRequest::get(&["client", "fs", "logs", alloc_id])
            .query("task", &request.task)
            .query("type", request.stream)
            .query("follow", request.follow.to_string())
            .query("origin", origin)
            .query("offset", offset.to_string());
        self.open_json(call).await
    }

    pub async fn list_files(&self, alloc_id: &str, path: &str) -> Result<Vec<FsEntry>, ClientError> {
        self.fetch_list(ApiRequest::get(&["client", "fs", "ls", alloc_id]).query("path", path)).await
    }

    pub async fn stat_file(&self, alloc_id: &str, path: &str) -> Result<FsEntry, ClientError> {
        self.fetch(ApiRequest::get(&["client", "fs", "stat", alloc_id]).query("path", path)).await
    }

    pub async fn cat_file(&self, alloc_id: &str, path: &str) -> Result<ByteStream, ClientError> {
        self.open(ApiRequest::get(&["client", "fs", "cat", alloc_id]).query("path", path)).await
    }

    /// The frames of a file, followed from `bytes_from_end` before its end, or from its start.
    pub async fn follow_file(
        &self,
        alloc_id: &str,
        path: &str,
        bytes_from_end: Option<u64>,
        follow: bool,
    ) -> Result<JsonStream<StreamFrame>, ClientError> {
        let (origin, offset) = bytes_from_end.map_or(("start", 0), |bytes| ("end", bytes));
        let call = ApiRequest::get(&["client", "fs", "stream", alloc_id])
            .query("path", path)
            .query("follow", follow.to_string())
            .query("origin", origin)
            .query("offset", offset.to_string());
        self.open_json(call).await
    }
}
