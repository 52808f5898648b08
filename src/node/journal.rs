//! The node's local journal: what it was told to run and how far it got, in RocksDB.
//!
//! | key | value |
//! |---|---|
//! | `a` + allocation id (16 bytes, big-endian) | [`Assignment`]: the allocation and its job |
//! | `t` + allocation id + task name | [`TaskRecord`]: state, restarts, run directory |
//!
//! One thread does all calls into RocksDB. Whatever is queued when it comes around becomes one synced batch: a write is
//! answered after its bytes are on disk, and a hundred tasks starting at once cost one flush.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rocksdb::{BlockBasedOptions, DB, ErrorKind, IteratorMode, LogLevel, Options, WriteBatch, WriteOptions};
use tokio::sync::{mpsc, oneshot};

use super::task_runner::TaskRecord;
use crate::codec::{self, CodecError, Persisted};
use crate::model::{AllocId, Text};
use crate::rpc::Assignment;

const ASSIGNMENT: u8 = b'a';
const TASK: u8 = b't';
const ID_BYTES: usize = 16;
/// Writes joined into one batch, at most.
const MAX_GROUP: usize = 1024;

impl Persisted for Assignment {
    const KIND: u8 = 32;
    const VERSION: u16 = 1;
}

impl Persisted for TaskRecord {
    const KIND: u8 = 33;
    const VERSION: u16 = 1;
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("the node's journal {path} is damaged: {problem}; move it away to start without it (what runs is then stopped)", path = path.display())]
    Corrupt { path: PathBuf, problem: String },
    #[error("the node's journal {path} cannot be written: {problem}", path = path.display())]
    NotWritable { path: PathBuf, problem: String },
    #[error("the disk of the node's journal {path} is full", path = path.display())]
    DiskFull { path: PathBuf },
    #[error("the node's journal {path} is in use by another agent", path = path.display())]
    Locked { path: PathBuf },
    #[error("the node's journal {path} failed: {problem}", path = path.display())]
    Failed { path: PathBuf, problem: String },
    #[error("a record does not fit the node's journal: {0}")]
    Record(#[from] CodecError),
    #[error("the node's journal is closed")]
    Closed,
}

/// All that was journalled of one allocation.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalledAllocation {
    pub assignment: Assignment,
    pub tasks: BTreeMap<Text, TaskRecord>,
}

enum Write {
    Put(Vec<u8>, Vec<u8>),
    Remove(AllocId),
}

struct Request {
    writes: Vec<Write>,
    done: oneshot::Sender<Result<(), JournalError>>,
}

/// Handle to the writer thread. Closed by [`Journal::close`].
pub struct Journal {
    requests: std::sync::Mutex<Option<mpsc::UnboundedSender<Request>>>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Opens or creates the journal in `path` and reads it whole.
    pub async fn open(path: PathBuf) -> Result<(Self, Vec<JournalledAllocation>), JournalError> {
        let (opened, result) = oneshot::channel();
        let (requests, queue) = mpsc::unbounded_channel();
        let spawned = std::thread::Builder::new().name("node-journal".to_owned()).spawn({
            let path = path.clone();
            move || match open(&path) {
                Ok((db, entries)) => {
                    if opened.send(Ok(entries)).is_ok() {
                        serve(&db, &path, queue);
                    }
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        let thread = spawned.map_err(|error| JournalError::Failed { path, problem: error.to_string() })?;
        let entries = result.await.map_err(|_| JournalError::Closed)??;
        let journal = Self { requests: std::sync::Mutex::new(Some(requests)), thread: std::sync::Mutex::new(Some(thread)) };
        Ok((journal, entries))
    }

    /// On disk when it returns.
    pub async fn put_assignment(&self, assignment: &Assignment) -> Result<(), JournalError> {
        let value = codec::encode(assignment)?;
        self.write(vec![Write::Put(assignment_key(assignment.allocation.id), value)]).await
    }

    /// On disk, all or none, when it returns.
    pub async fn put_tasks(&self, alloc: AllocId, tasks: &[(Text, TaskRecord)]) -> Result<(), JournalError> {
        let mut writes = Vec::with_capacity(tasks.len());
        for (name, record) in tasks {
            writes.push(Write::Put(task_key(alloc, name), codec::encode(record)?));
        }
        self.write(writes).await
    }

    /// Forgets an allocation and its tasks.
    pub async fn remove(&self, alloc: AllocId) -> Result<(), JournalError> {
        self.write(vec![Write::Remove(alloc)]).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), JournalError> {
        let (done, result) = oneshot::channel();
        let requests = lock(&self.requests).clone().ok_or(JournalError::Closed)?;
        requests.send(Request { writes, done }).map_err(|_| JournalError::Closed)?;
        result.await.map_err(|_| JournalError::Closed)?
    }

    /// Writes what is queued and lets go of the files. Later calls get [`JournalError::Closed`].
    pub async fn close(&self) {
        lock(&self.requests).take();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// The guarded values are replaced whole, so a panic elsewhere cannot have left them half changed.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn assignment_key(alloc: AllocId) -> Vec<u8> {
    let mut key = vec![ASSIGNMENT];
    key.extend(alloc.0.to_be_bytes());
    key
}

fn task_key(alloc: AllocId, task: &str) -> Vec<u8> {
    let mut key = vec![TASK];
    key.extend(alloc.0.to_be_bytes());
    key.extend(task.as_bytes());
    key
}

fn open(path: &Path) -> Result<(DB, Vec<JournalledAllocation>), JournalError> {
    let mut options = Options::default();
    options.create_if_missing(true);
    // A few thousand small records: the defaults are sized for databases a thousand times larger.
    options.set_write_buffer_size(4 << 20);
    options.set_max_write_buffer_number(2);
    options.set_max_open_files(64);
    // Read once, at the start: RocksDB's own cache would take 6 MB at once.
    let mut table = BlockBasedOptions::default();
    table.disable_cache();
    options.set_block_based_table_factory(&table);
    // RocksDB's own diary: short, and nothing in it by the clock, so that an idle node writes nothing.
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_max_total_wal_size(16 << 20);
    let db = DB::open(&options, path).map_err(|error| classify(path, &error))?;
    let entries = read_all(&db, path)?;
    Ok((db, entries))
}

fn read_all(db: &DB, path: &Path) -> Result<Vec<JournalledAllocation>, JournalError> {
    let mut found: BTreeMap<AllocId, JournalledAllocation> = BTreeMap::new();
    let corrupt = |key: &[u8], problem: &dyn std::fmt::Display| JournalError::Corrupt {
        path: path.to_owned(),
        problem: format!("record {}: {problem}", String::from_utf8_lossy(key).escape_debug()),
    };
    // Assignments ('a') sort before tasks ('t').
    for entry in db.iterator(IteratorMode::Start) {
        let (key, value) = entry.map_err(|error| classify(path, &error))?;
        let Some((kind, rest)) = key.split_first() else {
            return Err(corrupt(&key, &"its key is empty"));
        };
        let Some((id, name)) = rest.split_first_chunk::<ID_BYTES>() else {
            return Err(corrupt(&key, &"its key is too short"));
        };
        let alloc = AllocId(u128::from_be_bytes(*id));
        match *kind {
            ASSIGNMENT => {
                let assignment = codec::decode(&value).map_err(|error| corrupt(&key, &error))?;
                found.insert(alloc, JournalledAllocation { assignment, tasks: BTreeMap::new() });
            }
            TASK => {
                let name = std::str::from_utf8(name).map_err(|error| corrupt(&key, &error))?;
                let record = codec::decode(&value).map_err(|error| corrupt(&key, &error))?;
                let entry = found.get_mut(&alloc).ok_or_else(|| corrupt(&key, &"its allocation is missing"))?;
                entry.tasks.insert(name.into(), record);
            }
            _ => return Err(corrupt(&key, &"its kind is unknown")),
        }
    }
    Ok(found.into_values().collect())
}

fn serve(db: &DB, path: &Path, mut queue: mpsc::UnboundedReceiver<Request>) {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    let mut group = Vec::new();
    while queue.blocking_recv_many(&mut group, MAX_GROUP) > 0 {
        let mut batch = WriteBatch::default();
        for write in group.iter().flat_map(|request| &request.writes) {
            match write {
                Write::Put(key, value) => batch.put(key, value),
                Write::Remove(alloc) => remove(&mut batch, *alloc),
            }
        }
        let result = db.write_opt(batch, &options).map_err(|error| classify(path, &error));
        for request in group.drain(..) {
            let _ = request.done.send(result.clone());
        }
    }
    // Dropping the database flushes and closes it.
}

fn remove(batch: &mut WriteBatch, alloc: AllocId) {
    batch.delete(assignment_key(alloc));
    let mut end = task_key(alloc, "");
    // Above every task name: the byte 0xff does not occur in UTF-8.
    end.push(0xff);
    batch.delete_range(task_key(alloc, ""), end);
}

/// Makes an error that an operator can act on.
fn classify(path: &Path, error: &rocksdb::Error) -> JournalError {
    let path = path.to_owned();
    let problem = error.as_ref().to_owned();
    let says = |needle: &str| problem.contains(needle);
    if says("No space left") {
        return JournalError::DiskFull { path };
    }
    if says("lock hold by current process") || says("/LOCK: Resource temporarily unavailable") {
        return JournalError::Locked { path };
    }
    if says("Read-only file system") || says("Permission denied") {
        return JournalError::NotWritable { path, problem };
    }
    match error.kind() {
        ErrorKind::Corruption | ErrorKind::InvalidArgument => JournalError::Corrupt { path, problem },
        _ => JournalError::Failed { path, problem },
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
