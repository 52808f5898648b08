//! Reading the rotated log files of a task as one stream.
//!
//! A stream is `<task>.<stdout|stderr>.<n>`, n rising; the oldest are removed by the rotation while we read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{AllocFiles, FilesError};

/// How often a reader that follows looks for more.
const POLL: Duration = Duration::from_millis(100);
/// Bytes per chunk, at most.
const CHUNK: usize = 64 << 10;
const LOGS: &str = "alloc/logs";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    Stdout,
    Stderr,
}

impl LogStream {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOrigin {
    Start,
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRequest {
    pub task: String,
    pub stream: LogStream,
    pub origin: LogOrigin,
    /// Bytes after the origin, or before it when that is the end.
    pub offset: u64,
    pub follow: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChunk {
    /// Relative to the allocation's directory.
    pub file: PathBuf,
    /// Offset in that file after this chunk.
    pub offset: u64,
    pub data: Vec<u8>,
}

struct Current {
    index: u64,
    offset: u64,
    file: File,
}

/// Gives a log's chunks one after the other.
pub struct LogReader {
    files: AllocFiles,
    request: LogRequest,
    /// Whether more may still be written.
    still_writes: Box<dyn Fn() -> bool + Send + Sync>,
    current: Option<Current>,
    positioned: bool,
}

impl LogReader {
    pub fn new(files: AllocFiles, request: LogRequest, still_writes: Box<dyn Fn() -> bool + Send + Sync>) -> Self {
        Self { files, request, still_writes, current: None, positioned: false }
    }

    /// The next chunk; `None` at the end (never while following a task that still writes). Cancel safe.
    pub async fn next(&mut self) -> Result<Option<LogChunk>, FilesError> {
        loop {
            // Asked before reading: what is written until the answer is "no" is read below.
            let more_may_come = self.request.follow && (self.still_writes)();
            if let Some(chunk) = self.read()? {
                return Ok(Some(chunk));
            }
            if !more_may_come {
                return Ok(None);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// What there is now, without waiting. Reads come from the page cache, and are small.
    fn read(&mut self) -> Result<Option<LogChunk>, FilesError> {
        if !self.positioned {
            self.position()?;
        }
        loop {
            if self.current.is_none() {
                let next = self.indexes()?.first().copied();
                let Some(index) = next else {
                    return Ok(None);
                };
                self.open(index, 0)?;
            }
            if let Some(chunk) = self.read_current()? {
                return Ok(Some(chunk));
            }
            let Some(finished) = self.current.as_ref().map(|current| current.index) else {
                return Ok(None);
            };
            let Some(next) = self.indexes()?.into_iter().find(|index| *index > finished) else {
                return Ok(None);
            };
            // The writer is done with the file before it makes the next: one more look finds its very end.
            if let Some(chunk) = self.read_current()? {
                return Ok(Some(chunk));
            }
            self.open(next, 0)?;
        }
    }

    fn read_current(&mut self) -> Result<Option<LogChunk>, FilesError> {
        let Some(current) = &mut self.current else {
            return Ok(None);
        };
        let path = path(&self.request, current.index);
        let mut data = vec![0; CHUNK];
        let length = current.file.read(&mut data).map_err(|source| FilesError::Io { path: path.clone(), source })?;
        if length == 0 {
            return Ok(None);
        }
        data.truncate(length);
        current.offset += length as u64;
        Ok(Some(LogChunk { file: path, offset: current.offset, data }))
    }

    /// Goes to where the request wants to begin.
    fn position(&mut self) -> Result<(), FilesError> {
        let mut sizes = Vec::new();
        for index in self.indexes()? {
            match self.files.stat(&path(&self.request, index)) {
                Ok(info) => sizes.push((index, info.size)),
                Err(FilesError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.positioned = true;
        let total: u64 = sizes.iter().map(|(_, size)| size).sum();
        let mut skip = match self.request.origin {
            LogOrigin::Start => self.request.offset.min(total),
            LogOrigin::End => total.saturating_sub(self.request.offset),
        };
        let last = sizes.last().map(|(index, _)| *index);
        for (index, size) in sizes {
            if skip < size || Some(index) == last {
                return self.open(index, skip);
            }
            skip -= size;
        }
        Ok(())
    }

    /// Opens a file, or leaves none open when the rotation has removed it.
    fn open(&mut self, index: u64, offset: u64) -> Result<(), FilesError> {
        self.current = match self.files.open_at(&path(&self.request, index), offset) {
            Ok(file) => Some(Current { index, offset, file }),
            Err(FilesError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// Numbers of the stream's files, rising.
    fn indexes(&self) -> Result<Vec<u64>, FilesError> {
        let entries = match self.files.list(Path::new(LOGS)) {
            Err(FilesError::NotFound(_)) => return Ok(Vec::new()),
            entries => entries?,
        };
        let prefix = format!("{}.{}.", self.request.task, self.request.stream.name());
        let mut indexes: Vec<u64> = entries.iter().filter_map(|entry| entry.name.strip_prefix(&prefix)?.parse().ok()).collect();
        indexes.sort_unstable();
        Ok(indexes)
    }
}

fn path(request: &LogRequest, index: u64) -> PathBuf {
    Path::new(LOGS).join(format!("{}.{}.{index}", request.task, request.stream.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn logs(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join(LOGS)).unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(LOGS).join(name), content).unwrap();
        }
        dir
    }

    fn request(origin: LogOrigin, offset: u64, follow: bool) -> LogRequest {
        LogRequest { task: "web".to_owned(), stream: LogStream::Stdout, origin, offset, follow }
    }

    async fn all(dir: &Path, origin: LogOrigin, offset: u64) -> String {
        let mut reader = LogReader::new(AllocFiles::new(dir.to_owned()), request(origin, offset, false), Box::new(|| true));
        let mut text = Vec::new();
        while let Some(chunk) = reader.next().await.unwrap() {
            text.extend(chunk.data);
        }
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn walks_rotated_files_in_the_order_of_their_numbers() {
        let dir = logs(&[
            ("web.stdout.9", "nine-"),
            ("web.stdout.10", "ten-"),
            ("web.stdout.11", ""),
            ("web.stderr.9", "x"),
            ("web.stdout.y", "x"),
        ]);
        assert_eq!(all(dir.path(), LogOrigin::Start, 0).await, "nine-ten-");
        assert_eq!(all(dir.path(), LogOrigin::Start, 6).await, "en-");
        assert_eq!(all(dir.path(), LogOrigin::Start, 99).await, "");
        assert_eq!(all(dir.path(), LogOrigin::End, 6).await, "e-ten-");
        assert_eq!(all(dir.path(), LogOrigin::End, 99).await, "nine-ten-");
    }

    #[tokio::test(start_paused = true)]
    async fn follows_growth_and_rotation_until_the_task_is_dead() {
        let dir = logs(&[("web.stdout.0", "a")]);
        let alive = Arc::new(AtomicBool::new(true));
        let still_writes = {
            let alive = Arc::clone(&alive);
            move || alive.load(Ordering::SeqCst)
        };
        let mut reader = LogReader::new(AllocFiles::new(dir.path().to_owned()), request(LogOrigin::Start, 0, true), Box::new(still_writes));
        let mut next = async || reader.next().await.unwrap().map(|chunk| (String::from_utf8(chunk.data).unwrap(), chunk.offset));
        assert_eq!(next().await, Some(("a".to_owned(), 1)));
        let first = dir.path().join(LOGS).join("web.stdout.0");
        std::fs::OpenOptions::new().append(true).open(&first).unwrap().write_all(b"b").unwrap();
        assert_eq!(next().await, Some(("b".to_owned(), 2)));
        std::fs::write(dir.path().join(LOGS).join("web.stdout.1"), "c").unwrap();
        std::fs::remove_file(first).unwrap();
        assert_eq!(next().await, Some(("c".to_owned(), 1)));
        alive.store(false, Ordering::SeqCst);
        assert_eq!(next().await, None);
    }
}
