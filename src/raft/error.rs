//! What can go wrong, told apart by what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::codec::CodecError;
use crate::state::Rejection;

/// Why consensus did not start or stop. The agent prints it and exits.
#[derive(Debug, thiserror::Error)]
pub enum RaftError {
    #[error("another agent runs on the data directory {}", path.display())]
    Locked { path: PathBuf },
    #[error("{} was written by a newer pannier ({found}); start that version or a newer one", path.display())]
    NewerFormat { path: PathBuf, found: String },
    #[error(
        "the log in {} is damaged: {reason}; restore the data directory from a backup, or move it away to start empty (in a cluster the \
         other servers then bring this one up to date as a new member)",
        path.display()
    )]
    DamagedLog { path: PathBuf, reason: String },
    #[error(
        "the snapshot {} cannot be used: {reason}; the log does not reach back to an older one, so restore the data directory from a \
         backup, or move it away to start empty (in a cluster the other servers then bring this one up to date as a new member)",
        path.display()
    )]
    DamagedSnapshot { path: PathBuf, reason: String },
    #[error("{} holds snapshots but {} holds no log that belongs to them; put the log back, or move both away to start empty", snapshots.display(), log.display())]
    MissingLog { snapshots: PathBuf, log: PathBuf },
    #[error("no space is left for {}", path.display())]
    DiskFull { path: PathBuf },
    #[error("{} cannot be written: {reason}", path.display())]
    NotWritable { path: PathBuf, reason: String },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("bad consensus settings: {0}")]
    Settings(String),
    /// The core stopped; nothing can be proposed any more.
    #[error("consensus stopped: {0}")]
    Fatal(String),
}

impl RaftError {
    /// Sorts an error of the operating system by what an operator has to do.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { path, reason: source.to_string() },
            _ => Self::Io { path, source },
        }
    }
}

/// Why a proposal was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It is in the log, and changed nothing.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// This server does not lead, or stopped leading before it knew the outcome: the request may yet be carried out. Retry with the same
    /// request id.
    #[error("no leader; retry")]
    NoLeader,
    #[error("request of {bytes} bytes is larger than a log entry may be ({limit} bytes)")]
    TooLarge { bytes: usize, limit: usize },
    #[error("request cannot be written to the log: {0}")]
    Unwritable(CodecError),
    #[error("the server is shutting down")]
    ShuttingDown,
    #[error("consensus stopped: {0}")]
    Fatal(String),
}

/// Why a read could not be ordered after all acknowledged writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("no leader; retry")]
    NoLeader,
    #[error("the server is shutting down")]
    ShuttingDown,
    #[error("consensus stopped: {0}")]
    Fatal(String),
}
