//! The one thread that writes the log.
//!
//! It takes everything queued, makes it one write, and then completes the callers in the order they came. While a write is on its way to
//! the disk the queue fills, so the more is proposed the more shares a sync; an idle log pays exactly one per entry.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use openraft::storage::IOFlushed;
use tokio::sync::{mpsc, oneshot, watch};

use super::device::{LogDevice, Operation};
use super::tail::{Tail, entry_bytes};
use crate::raft::types::TypeConfig;

/// Callers wait when this many operations are queued.
const QUEUE_LENGTH: usize = 1024;

/// One write is not made larger than this many bytes of requests.
const BATCH_BYTES: usize = 8 << 20;

/// One queued operation.
pub(super) struct Job {
    pub operation: Operation,
    /// See [`Tail::next_sequence`].
    pub sequence: u64,
    pub done: Completion,
}

/// Who is told that an operation is on the disk.
pub(super) enum Completion {
    Nobody,
    Flushed(IOFlushed<TypeConfig>),
    Waiting(oneshot::Sender<io::Result<()>>),
}

impl Completion {
    fn complete(self, result: Result<(), &WriteFailure>) {
        let result = result.map_err(WriteFailure::to_error);
        match self {
            Self::Nobody => {}
            Self::Flushed(callback) => callback.io_completed(result),
            // Whoever asked may have gone away.
            Self::Waiting(sender) => drop(sender.send(result)),
        }
    }
}

/// The write that failed. What is on the disk after it is unknown, so nothing is written any more.
#[derive(Clone, Debug)]
pub(super) struct WriteFailure {
    kind: io::ErrorKind,
    message: Arc<str>,
}

impl WriteFailure {
    pub(super) fn to_error(&self) -> io::Error {
        io::Error::new(self.kind, self.message.to_string())
    }
}

/// A device that tells when its last user let go of it: the files are closed then.
pub(super) struct OpenDevice {
    // Dropped before the sender below.
    device: Box<dyn LogDevice>,
    _closed: watch::Sender<()>,
}

impl OpenDevice {
    /// The second value ends ("sender dropped") when the device is closed.
    pub(super) fn new(device: impl LogDevice) -> (Arc<Self>, watch::Receiver<()>) {
        let (sender, closed) = watch::channel(());
        (Arc::new(Self { device: Box::new(device), _closed: sender }), closed)
    }
}

impl std::ops::Deref for OpenDevice {
    type Target = dyn LogDevice;

    fn deref(&self) -> &Self::Target {
        &*self.device
    }
}

/// Starts the thread. It ends, with everything synced, when the last sender is gone.
pub(super) fn start(
    device: Arc<OpenDevice>,
    tail: Arc<Mutex<Tail>>,
    failure: Arc<OnceLock<WriteFailure>>,
) -> io::Result<mpsc::Sender<Job>> {
    let (sender, jobs) = mpsc::channel(QUEUE_LENGTH);
    let writer = Writer { jobs, device, tail, failure };
    thread::Builder::new().name("raft-log".to_owned()).spawn(move || writer.run())?;
    Ok(sender)
}

struct Writer {
    jobs: mpsc::Receiver<Job>,
    device: Arc<OpenDevice>,
    tail: Arc<Mutex<Tail>>,
    failure: Arc<OnceLock<WriteFailure>>,
}

impl Writer {
    fn run(mut self) {
        while let Some(first) = self.jobs.blocking_recv() {
            let (operations, completions, sequence) = self.drain(first);
            let result = self.write(&operations);
            if result.is_ok() {
                self.tail.lock().unwrap_or_else(PoisonError::into_inner).settle(sequence);
            }
            for completion in completions {
                completion.complete(result);
            }
        }
        if self.failure.get().is_none()
            && let Err(error) = self.device.sync()
        {
            tracing::error!(%error, "the log could not be synced while it was closed; everything acknowledged was synced before");
        }
    }

    /// `first` and whatever else is queued by now.
    fn drain(&mut self, first: Job) -> (Vec<Operation>, Vec<Completion>, u64) {
        let mut sequence = 0;
        let mut bytes = 0;
        let mut operations = Vec::new();
        let mut completions = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            if let Operation::Append(entries) = &job.operation {
                bytes += entries.iter().map(entry_bytes).sum::<usize>();
            }
            sequence = job.sequence;
            operations.push(job.operation);
            completions.push(job.done);
            next = if bytes < BATCH_BYTES { self.jobs.try_recv().ok() } else { None };
        }
        (operations, completions, sequence)
    }

    fn write(&self, operations: &[Operation]) -> Result<(), &WriteFailure> {
        if let Some(failure) = self.failure.get() {
            return Err(failure);
        }
        let durable = operations.iter().any(Operation::must_be_durable);
        self.device.write(operations, durable).map_err(|error| {
            tracing::error!(%error, "the log cannot be written any more");
            self.failure.get_or_init(|| WriteFailure { kind: error.kind(), message: format!("cannot write the log: {error}").into() })
        })
    }
}
