//! The replicated log, kept durable.
//!
//! ```text
//!  openraft --append/vote/truncate/purge--> LogStore --queue--> writer thread --one synced write--> LogDevice (RocksDB)
//!                                             |  ^                   |
//!                                           tail (memory) <--settle--+--callbacks in order--> openraft
//! ```
//!
//! One queue and one write-ahead log give all changes, votes included, one order; whatever survives a crash is a prefix of it that holds
//! everything reported as done. The first failed write ends all writing: what the disk holds then is unknown until the next start.

pub(super) mod device;
#[cfg(test)]
pub(super) mod memory;
#[cfg(test)]
mod model;
mod rocks;
mod tail;
#[cfg(test)]
pub(super) mod tests;
mod writer;

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogState, RaftLogReader};
use tokio::sync::{mpsc, oneshot, watch};

use self::device::{Operation, Recovered};
use self::tail::Tail;
pub(super) use self::tail::entry_bytes;
use self::writer::{Completion, Job, OpenDevice, WriteFailure};
use super::error::RaftError;
use super::types::{Entry, LogId, TypeConfig, Vote};

/// Newest entries kept in memory, bytes of their encoding; decoded, as they are kept, they take several times that.
const TAIL_BYTES: usize = 8 << 20;

/// One message to a follower is not made larger than this many bytes of requests.
const READ_BYTES: usize = 4 << 20;

/// A handle; all clones are one log.
#[derive(Clone)]
pub(super) struct LogStore {
    tail: Arc<Mutex<Tail>>,
    failure: Arc<OnceLock<WriteFailure>>,
    open: Arc<Mutex<Option<Open>>>,
    closed: watch::Receiver<()>,
}

/// What is given up when the log is closed.
#[derive(Clone)]
struct Open {
    device: Arc<OpenDevice>,
    queue: mpsc::Sender<Job>,
}

impl LogStore {
    /// Opens the log's directory, or makes it. Blocks on the disk.
    pub(super) fn open(path: &Path) -> Result<(Self, Recovered), RaftError> {
        std::fs::create_dir_all(path).map_err(|source| RaftError::io(path, source))?;
        let (rocks, recovered) = rocks::Rocks::open(path)?;
        let store = Self::start(rocks, &recovered, TAIL_BYTES).map_err(|source| RaftError::io(path, source))?;
        Ok((store, recovered))
    }

    fn start(device: impl device::LogDevice, recovered: &Recovered, tail_bytes: usize) -> io::Result<Self> {
        let tail = Arc::new(Mutex::new(Tail::new(recovered, tail_bytes)));
        let failure = Arc::new(OnceLock::new());
        let (device, closed) = OpenDevice::new(device);
        let queue = writer::start(Arc::clone(&device), Arc::clone(&tail), Arc::clone(&failure))?;
        Ok(Self { tail, failure, open: Arc::new(Mutex::new(Some(Open { device, queue }))), closed })
    }

    /// Writes what is queued, syncs, and returns when the files are closed; every later use is an error.
    pub(super) async fn close(&self) {
        drop(self.open.lock().unwrap_or_else(PoisonError::into_inner).take());
        // "Changed" never happens; the error is the device's end.
        let _ = self.closed.clone().changed().await;
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        // Every change of the tail is complete before anything that could panic.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self) -> io::Result<Open> {
        if let Some(failure) = self.failure.get() {
            return Err(failure.to_error());
        }
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed_error)
    }

    async fn submit(&self, operation: Operation, sequence: u64, done: Completion) -> io::Result<()> {
        self.opened()?.queue.send(Job { operation, sequence, done }).await.map_err(|_| closed_error())
    }

    /// The log's part of `range`, from memory if it is there.
    async fn read(&self, range: Range<u64>, byte_limit: usize) -> io::Result<Vec<Entry>> {
        let located = self.tail().locate(range);
        if located.cold.is_empty() {
            return Ok(located.hot);
        }
        let device = self.opened()?.device;
        let cold = located.cold.clone();
        let mut entries = tokio::task::spawn_blocking(move || device.read(cold, byte_limit))
            .await
            .map_err(|error| io::Error::other(error.to_string()))??;
        let complete = entries.last().is_some_and(|last| last.log_id.index + 1 == located.cold.end);
        if complete {
            entries.extend(located.hot);
        }
        Ok(entries)
    }
}

fn closed_error() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the log is closed")
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + Send>(&mut self, range: R) -> io::Result<Vec<Entry>> {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => u64::MAX,
        };
        self.read(start..end, usize::MAX).await
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.tail().vote)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        let mut entries = self.read(start..end, READ_BYTES).await?;
        let mut bytes = 0;
        let fitting = entries
            .iter()
            .take_while(|entry| {
                bytes += entry_bytes(entry);
                bytes <= READ_BYTES
            })
            .count();
        // Never nothing for something: openraft would ask forever.
        entries.truncate(fitting.max(1));
        Ok(entries)
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let tail = self.tail();
        Ok(LogState { last_purged_log_id: tail.purged, last_log_id: tail.last })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let sequence = self.tail().next_sequence();
        let (sender, written) = oneshot::channel();
        self.submit(Operation::Vote(*vote), sequence, Completion::Waiting(sender)).await?;
        written.await.map_err(|_| closed_error())??;
        self.tail().vote = Some(*vote);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        let Some(committed) = committed else { return Ok(()) };
        let sequence = {
            let mut tail = self.tail();
            tail.committed = Some(committed);
            tail.next_sequence()
        };
        self.submit(Operation::Committed(committed), sequence, Completion::Nobody).await
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.tail().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let sequence = {
            let mut tail = self.tail();
            let sequence = tail.next_sequence();
            tail.append(&entries, sequence)?;
            sequence
        };
        self.submit(Operation::Append(entries), sequence, Completion::Flushed(callback)).await
    }

    /// Returns before it is durable: nothing that comes later can become durable without it.
    async fn truncate_after(&mut self, keep: Option<LogId>) -> io::Result<()> {
        let (range, sequence) = {
            let mut tail = self.tail();
            (tail.truncate_after(keep), tail.next_sequence())
        };
        if range.is_empty() {
            return Ok(());
        }
        self.submit(Operation::Truncate { range }, sequence, Completion::Nobody).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        let (from, sequence) = {
            let mut tail = self.tail();
            if tail.purged >= Some(upto) {
                return Ok(());
            }
            (tail.purge(upto), tail.next_sequence())
        };
        self.submit(Operation::Purge { from, upto }, sequence, Completion::Nobody).await
    }
}
