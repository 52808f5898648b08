//! The API's view of the node in this process, and the node's view of what runs tasks.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};

use crate::api::handles::{
    self, ByteStream, FileEvent, FileFrame, FileInfo, FrameStream, LogKind, LogRequest, NodeApi, NodeDirectory, Origin,
};
use crate::api::types::stats::{AllocResourceUsage, CpuStats, HostCpuStats, HostDiskStats, HostMemoryStats, HostStats, MemoryStats};
use crate::api::types::stats::{ResourceUsage, TaskResourceUsage};
use crate::model::{AllocId, NodeId};
use crate::node::files::{AllocFiles, FilesError};
use crate::node::log_reader::{self, LogOrigin, LogReader, LogStream};
use crate::node::{NodeError, NodeHandle};
use crate::runtime::driver::TaskStats;

/// Largest piece of a file that is read at once.
const PIECE: usize = 64 * 1024;

/// How often a followed file is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);

/// The one node that this agent can talk to: its own, if it runs one.
pub struct LocalNodes(pub Option<Arc<LocalNode>>);

impl NodeDirectory for LocalNodes {
    fn node(&self, id: NodeId) -> Option<Arc<dyn NodeApi>> {
        self.local().filter(|node| node.node_id() == id)
    }

    fn local(&self) -> Option<Arc<dyn NodeApi>> {
        self.0.clone().map(|node| node as Arc<dyn NodeApi>)
    }
}

/// Answers the API with a [`NodeHandle`].
pub struct LocalNode(pub Arc<NodeHandle>);

type Answer<'a, T> = BoxFuture<'a, Result<T, handles::NodeError>>;

impl NodeApi for LocalNode {
    fn node_id(&self) -> NodeId {
        self.0.node_id()
    }

    fn has_allocation(&self, alloc: AllocId) -> bool {
        self.0.alloc_dir(alloc).is_some()
    }

    fn restart_task(&self, alloc: AllocId, task: Option<String>, _all_tasks: bool) -> Answer<'_, ()> {
        async move { self.0.restart_task(alloc, task).await.map_err(error_of) }.boxed()
    }

    fn signal_task(&self, alloc: AllocId, task: Option<String>, signal: String) -> Answer<'_, ()> {
        async move { self.0.signal_task(alloc, task, &signal).await.map_err(error_of) }.boxed()
    }

    fn alloc_stats(&self, alloc: AllocId, task: Option<String>) -> Answer<'_, AllocResourceUsage> {
        async move {
            let mut stats = self.0.alloc_stats(alloc).await.map_err(error_of)?;
            if let Some(task) = task {
                stats.retain(|name, _| **name == *task);
                if stats.is_empty() {
                    return Err(handles::NodeError::UnknownTask(task));
                }
            }
            Ok(usage_of(stats.into_iter().map(|(name, stats)| (name.to_string(), stats)).collect()))
        }
        .boxed()
    }

    fn host_stats(&self) -> Answer<'_, HostStats> {
        async move { self.0.host_stats().map(host_stats_of).map_err(error_of) }.boxed()
    }

    fn list_files(&self, alloc: AllocId, path: String) -> Answer<'_, Vec<FileInfo>> {
        async move {
            let entries = blocking(self.files(alloc)?, move |files| files.list(Path::new(&path))).await?;
            Ok(entries.into_iter().map(file_info).collect())
        }
        .boxed()
    }

    fn stat_file(&self, alloc: AllocId, path: String) -> Answer<'_, FileInfo> {
        async move { blocking(self.files(alloc)?, move |files| files.stat(Path::new(&path))).await.map(file_info) }.boxed()
    }

    fn read_file(&self, alloc: AllocId, path: String, offset: u64, limit: Option<u64>) -> Answer<'_, ByteStream> {
        async move {
            let file = blocking(self.files(alloc)?, move |files| files.open_at(Path::new(&path), offset)).await?;
            let left = limit.unwrap_or(u64::MAX);
            let pieces = stream::try_unfold((file, left), |(file, left)| async move {
                let read = tokio::task::spawn_blocking(move || read_piece(file, left)).await.map_err(internal)?;
                let (file, piece) = read.map_err(internal)?;
                let left = left - piece.len() as u64;
                Ok((!piece.is_empty()).then_some((piece, (file, left))))
            });
            Ok(pieces.boxed())
        }
        .boxed()
    }

    fn follow_file(&self, alloc: AllocId, path: String, origin: Origin, offset: u64, follow: bool) -> Answer<'_, FrameStream> {
        async move {
            let files = self.files(alloc)?;
            let stat_path = path.clone();
            let size = blocking(files.clone(), move |files| files.stat(Path::new(&stat_path))).await?.size;
            let position = match origin {
                Origin::Start => offset,
                Origin::End => size.saturating_sub(offset),
            };
            let followed = Followed { files, path, position, follow };
            Ok(stream::try_unfold(Some(followed), |followed| async move {
                match followed {
                    Some(followed) => followed.next().await,
                    None => Ok(None),
                }
            })
            .boxed())
        }
        .boxed()
    }

    fn logs(&self, request: LogRequest) -> Answer<'_, FrameStream> {
        async move {
            let wanted = log_reader::LogRequest {
                task: request.task,
                stream: match request.kind {
                    LogKind::Stdout => LogStream::Stdout,
                    LogKind::Stderr => LogStream::Stderr,
                },
                origin: match request.origin {
                    Origin::Start => LogOrigin::Start,
                    Origin::End => LogOrigin::End,
                },
                offset: request.offset,
                follow: request.follow,
            };
            let reader = self.0.logs(request.alloc, wanted).map_err(error_of)?;
            Ok(stream::try_unfold(reader, |mut reader: LogReader| async move {
                let chunk = reader.next().await.map_err(files_error)?;
                Ok(chunk.map(|chunk| {
                    let file = chunk.file.to_string_lossy().into_owned();
                    (FileFrame { file, offset: chunk.offset, data: chunk.data.into(), event: None }, reader)
                }))
            })
            .boxed())
        }
        .boxed()
    }
}

impl LocalNode {
    fn files(&self, alloc: AllocId) -> Result<AllocFiles, handles::NodeError> {
        self.0.files(alloc).map_err(error_of)
    }
}

/// A file being followed by its path.
struct Followed {
    files: AllocFiles,
    path: String,
    position: u64,
    follow: bool,
}

impl Followed {
    /// The next frame, and what is left to do after it (nothing after the end).
    async fn next(mut self) -> Result<Option<(FileFrame, Option<Self>)>, handles::NodeError> {
        loop {
            let (path, position) = (self.path.clone(), self.position);
            let read = blocking(self.files.clone(), move |files| {
                let size = files.stat(Path::new(&path))?.size;
                if size < position {
                    return Ok(None);
                }
                let file = files.open_at(Path::new(&path), position)?;
                let (_, piece) = read_piece(file, u64::MAX).map_err(|source| FilesError::Io { path: path.into(), source })?;
                Ok(Some(piece))
            })
            .await;
            match read {
                Ok(Some(data)) if !data.is_empty() => {
                    self.position += data.len() as u64;
                    let frame = self.frame(data, None);
                    return Ok(Some((frame, Some(self))));
                }
                Ok(Some(_)) if !self.follow => return Ok(None),
                Ok(Some(_)) => tokio::time::sleep(FOLLOW_INTERVAL).await,
                Ok(None) => {
                    self.position = 0;
                    let frame = self.frame(Bytes::new(), Some(FileEvent::Truncated));
                    return Ok(Some((frame, Some(self))));
                }
                Err(handles::NodeError::FileNotFound(_)) => {
                    return Ok(Some((self.frame(Bytes::new(), Some(FileEvent::Deleted)), None)));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn frame(&self, data: Bytes, event: Option<FileEvent>) -> FileFrame {
        FileFrame { file: self.path.clone(), offset: self.position, data, event }
    }
}

fn read_piece(mut file: std::fs::File, left: u64) -> std::io::Result<(std::fs::File, Bytes)> {
    let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
    let length = file.read(&mut piece)?;
    piece.truncate(length);
    Ok((file, piece.into()))
}

/// Runs file access off the async workers.
async fn blocking<T: Send + 'static>(
    files: AllocFiles,
    access: impl FnOnce(&AllocFiles) -> Result<T, FilesError> + Send + 'static,
) -> Result<T, handles::NodeError> {
    tokio::task::spawn_blocking(move || access(&files)).await.map_err(internal)?.map_err(files_error)
}

fn internal(error: impl std::fmt::Display) -> handles::NodeError {
    handles::NodeError::Internal(error.to_string())
}

fn files_error(error: FilesError) -> handles::NodeError {
    let text = error.to_string();
    match error {
        FilesError::Outside(_) | FilesError::Private(_) => handles::NodeError::Forbidden(text),
        FilesError::NotFound(_) => handles::NodeError::FileNotFound(text),
        FilesError::IsDirectory(_) | FilesError::NotDirectory(_) | FilesError::NotRegular(_) => handles::NodeError::Invalid(text),
        FilesError::Io { .. } => handles::NodeError::Internal(text),
    }
}

fn error_of(error: NodeError) -> handles::NodeError {
    match error {
        NodeError::UnknownAllocation(id) => handles::NodeError::UnknownAllocation(id.to_string()),
        NodeError::UnknownTask { task, .. } => handles::NodeError::UnknownTask(task),
        NodeError::TaskNotRunning(_) | NodeError::BadSignal(_) => handles::NodeError::Invalid(error.to_string()),
        other => handles::NodeError::Internal(other.to_string()),
    }
}

fn file_info(info: crate::node::files::FileInfo) -> FileInfo {
    let is_text = Path::new(&info.name).extension().is_none_or(|extension| extension != "bin");
    FileInfo {
        content_type: if info.is_dir || !is_text { "application/octet-stream" } else { "text/plain; charset=utf-8" }.to_owned(),
        name: info.name,
        is_dir: info.is_dir,
        size: info.size,
        mode: info.mode,
        modified: info.modified,
    }
}

fn usage_of(tasks: BTreeMap<String, TaskStats>) -> AllocResourceUsage {
    let mut total = AllocResourceUsage::default();
    for (name, stats) in tasks {
        let usage = resource_usage(&stats);
        let sum = &mut total.resource_usage;
        sum.memory_stats.rss += usage.memory_stats.rss;
        sum.memory_stats.cache += usage.memory_stats.cache;
        sum.memory_stats.swap += usage.memory_stats.swap;
        sum.memory_stats.usage += usage.memory_stats.usage;
        sum.memory_stats.max_usage += usage.memory_stats.max_usage;
        sum.cpu_stats.throttled_periods += usage.cpu_stats.throttled_periods;
        sum.cpu_stats.throttled_time += usage.cpu_stats.throttled_time;
        total.timestamp = total.timestamp.max(stats.at.0);
        let task = TaskResourceUsage { resource_usage: usage, timestamp: stats.at.0, pids: BTreeMap::new() };
        total.tasks.insert(name, task);
    }
    total
}

fn resource_usage(stats: &TaskStats) -> ResourceUsage {
    let measured = ["RSS", "Cache", "Swap", "Usage", "Max Usage"].map(str::to_owned).to_vec();
    ResourceUsage {
        memory_stats: MemoryStats {
            rss: stats.memory_rss,
            cache: stats.memory_cache,
            swap: stats.memory_swap,
            usage: stats.memory_usage,
            max_usage: stats.memory_max_usage,
            measured,
            ..MemoryStats::default()
        },
        cpu_stats: CpuStats {
            throttled_periods: stats.throttled_periods,
            throttled_time: u64::try_from(stats.throttled_time.as_nanos()).unwrap_or(u64::MAX),
            measured: ["Throttled Periods", "Throttled Time"].map(str::to_owned).to_vec(),
            ..CpuStats::default()
        },
        ..ResourceUsage::default()
    }
}

fn host_stats_of(stats: crate::node::stats::HostStats) -> HostStats {
    let total = (stats.cpu.user + stats.cpu.system + stats.cpu.idle).as_secs_f64().max(f64::MIN_POSITIVE);
    let percent = |part: Duration| 100.0 * part.as_secs_f64() / total;
    let used = stats.disk_total - stats.disk_available.min(stats.disk_total);
    let disk = HostDiskStats {
        size: stats.disk_total,
        used,
        available: stats.disk_available,
        used_percent: 100.0 * used as f64 / stats.disk_total.max(1) as f64,
        ..HostDiskStats::default()
    };
    HostStats {
        memory: HostMemoryStats {
            total: stats.memory.total,
            available: stats.memory.available,
            used: stats.memory.total.saturating_sub(stats.memory.available),
            free: stats.memory.free,
        },
        cpu: vec![HostCpuStats {
            cpu: "cpu".to_owned(),
            user: percent(stats.cpu.user),
            system: percent(stats.cpu.system),
            idle: percent(stats.cpu.idle),
            total_percent: percent(stats.cpu.user + stats.cpu.system),
            total_ticks: 0.0,
        }],
        disk_stats: vec![disk.clone()],
        alloc_dir_stats: Some(disk),
        uptime: stats.uptime.as_secs(),
        timestamp: stats.at.0,
        ..HostStats::default()
    }
}
