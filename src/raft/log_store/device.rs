//! The seam between the log store and whatever keeps its bytes: narrow, so that a segmented write-ahead log could replace RocksDB.

use std::io;
use std::ops::Range;

use crate::raft::types::{Entry, LogId, Vote};

/// One change of the log's files. Devices apply operations in the order given, also within one write.
#[derive(Debug)]
pub(in crate::raft) enum Operation {
    Append(Vec<Entry>),
    /// Removes a tail that another leader replaces; `range` is exactly what is there.
    Truncate {
        range: Range<u64>,
    },
    /// Forgets everything up to `upto`, whose id must be durable before the first entry is gone. `from` is the first index there.
    Purge {
        from: u64,
        upto: LogId,
    },
    Vote(Vote),
    Committed(LogId),
}

impl Operation {
    /// Whether somebody relies on it surviving a power loss. The committed index may fall back: it rides on the next synced write.
    pub(in crate::raft) fn must_be_durable(&self) -> bool {
        !matches!(self, Self::Committed(_))
    }
}

/// Blocking: called on the writer thread, and for reads on the blocking pool.
pub(in crate::raft) trait LogDevice: Send + Sync + 'static {
    /// All of `operations` or none; on the disk when it returns if `durable`.
    fn write(&self, operations: &[Operation], durable: bool) -> io::Result<()>;

    /// The consecutive entries of `range`, cut short after `byte_limit` bytes of requests but never before the first entry. An entry
    /// that is missing or unreadable is an error.
    fn read(&self, range: Range<u64>, byte_limit: usize) -> io::Result<Vec<Entry>>;

    /// Makes every earlier write durable.
    fn sync(&self) -> io::Result<()>;
}

/// What the files held when they were opened.
#[derive(Debug, Default)]
pub(in crate::raft) struct Recovered {
    /// This server's id among its peers.
    pub id: u64,
    /// The files were made just now.
    pub fresh: bool,
    pub vote: Option<Vote>,
    pub committed: Option<LogId>,
    pub purged: Option<LogId>,
    /// The last entry, or the last one purged.
    pub last: Option<LogId>,
}
