//! The directory of snapshots: `<term>-<index>.snap`, the newest two.
//!
//! A file gets its name only when it is whole and synced. The one before the newest stays as long as the log reaches back to it, so that
//! a newest file that turns out damaged costs a longer replay and nothing else.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::RaftError;
use super::snapshot_file::{self, SnapshotFile, SnapshotFileError};
use super::types::{LogId, SnapshotMeta};
use crate::state::{State, snapshot};

const KEPT: usize = 2;
const EXTENSION: &str = "snap";

pub(super) struct SnapshotDirectory {
    path: PathBuf,
    /// Oldest first.
    kept: Mutex<Vec<Kept>>,
    /// Two snapshots may be written at once (one built, one received).
    unnamed: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    term: u64,
    index: u64,
}

impl Kept {
    fn file_name(&self) -> String {
        format!("{}-{}.{EXTENSION}", self.term, self.index)
    }

    fn parse(name: &str) -> Option<Self> {
        let (term, index) = name.strip_suffix(EXTENSION)?.strip_suffix('.')?.split_once('-')?;
        Some(Self { term: term.parse().ok()?, index: index.parse().ok()? })
    }
}

impl SnapshotDirectory {
    /// Opens or makes the directory; what a crash left half written is removed.
    pub(super) fn open(path: &Path) -> Result<Self, RaftError> {
        let kept = Self::scan(path).map_err(|source| RaftError::io(path, source))?;
        Ok(Self { path: path.to_owned(), kept: Mutex::new(kept), unnamed: AtomicU64::new(0) })
    }

    fn scan(path: &Path) -> io::Result<Vec<Kept>> {
        fs::create_dir_all(path)?;
        let mut kept = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.ends_with(".tmp") {
                fs::remove_file(entry.path())?;
            } else {
                kept.extend(Kept::parse(name));
            }
        }
        kept.sort();
        Ok(kept)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept().is_empty()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where the log may be purged: the older snapshot must be able to take over, so nothing goes before there are two.
    pub(super) fn purge_limit(&self) -> Option<u64> {
        let kept = self.kept();
        if kept.len() < KEPT { None } else { kept.first().map(|oldest| oldest.index) }
    }

    /// The newest snapshot, open, with what it says about itself. [`Self::restore`] has checked it, or [`Self::save`] written it. Blocks.
    pub(super) fn newest(&self) -> Result<Option<(SnapshotMeta, SnapshotFile)>, SnapshotFileError> {
        let Some(newest) = self.kept().last().map(Kept::file_name) else { return Ok(None) };
        let file = SnapshotFile::open(&self.path.join(newest))?;
        Ok(Some((file.read_meta()?, file)))
    }

    /// Writes a snapshot durably and removes what it makes superfluous. Blocks.
    pub(super) fn save(&self, meta: &SnapshotMeta, data: &[u8]) -> Result<SnapshotFile, SnapshotFileError> {
        let kept = meta.last_log_id.map_or(Kept { term: 0, index: 0 }, |last| Kept { term: last.leader_id.term, index: last.index });
        let path = self.path.join(kept.file_name());
        let unnamed = self.path.join(format!("{}.tmp", self.unnamed.fetch_add(1, Ordering::Relaxed)));
        let mut file = File::create(&unnamed)?;
        snapshot_file::write(&mut file, meta, data)?;
        file.sync_all()?;
        fs::rename(&unnamed, &path)?;
        let directory = File::open(&self.path)?;
        directory.sync_all()?;
        let superfluous = {
            let mut all = self.kept();
            all.push(kept);
            all.sort();
            all.dedup();
            let superfluous = all.len().saturating_sub(KEPT);
            all.drain(..superfluous).collect::<Vec<_>>()
        };
        for old in superfluous {
            fs::remove_file(self.path.join(old.file_name()))?;
        }
        Ok(SnapshotFile::open(&path)?)
    }

    /// The newest state that can be had: of the newest snapshot, or of the one before (or the empty state) when that is damaged and the
    /// log, purged up to `purged`, still has everything since. Blocks.
    pub(super) fn restore(&self, purged: Option<LogId>) -> Result<(SnapshotMeta, State), RaftError> {
        let mut damaged: Vec<(PathBuf, SnapshotFileError)> = Vec::new();
        let newest_first: Vec<Kept> = self.kept().iter().rev().cloned().collect();
        for kept in newest_first {
            let path = self.path.join(kept.file_name());
            match load(&path) {
                Ok((meta, state)) => {
                    self.require_reach(purged, meta.last_log_id, &damaged)?;
                    self.set_aside(&damaged)?;
                    return Ok((meta, state));
                }
                Err(error) if error.is_too_new() => return Err(RaftError::NewerFormat { path, found: error.to_string() }),
                Err(error) => damaged.push((path, error)),
            }
        }
        self.require_reach(purged, None, &damaged)?;
        self.set_aside(&damaged)?;
        Ok((SnapshotMeta::default(), State::default()))
    }

    fn require_reach(&self, purged: Option<LogId>, from: Option<LogId>, damaged: &[(PathBuf, SnapshotFileError)]) -> Result<(), RaftError> {
        if purged.map(|purged| purged.index) <= from.map(|from| from.index) {
            return Ok(());
        }
        let (path, reason) = match damaged.first() {
            Some((path, error)) => (path.clone(), error.to_string()),
            None => (self.path.clone(), "it is missing".to_owned()),
        };
        Err(RaftError::DamagedSnapshot { path, reason })
    }

    /// Damaged files keep their bytes for whoever looks into it, but not their names.
    fn set_aside(&self, damaged: &[(PathBuf, SnapshotFileError)]) -> Result<(), RaftError> {
        for (path, error) in damaged {
            tracing::error!(path = %path.display(), %error, "snapshot is damaged; an older one and the log take its place");
            let aside = path.with_extension(format!("{EXTENSION}.damaged"));
            fs::rename(path, aside).map_err(|source| RaftError::io(path, source))?;
            self.kept().retain(|kept| self.path.join(kept.file_name()) != *path);
        }
        Ok(())
    }
}

/// Reads a snapshot file as meta and state. Blocks.
fn load(path: &Path) -> Result<(SnapshotMeta, State), SnapshotFileError> {
    let contents = SnapshotFile::open(path)?.read()?;
    let state = snapshot::decode(contents.data())?;
    Ok((contents.meta, state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::log_store::tests::log_id;
    use crate::state::Command;
    use crate::state::command::Request;

    fn save(directory: &SnapshotDirectory, index: u64) {
        let mut state = State::default();
        let _ = state.apply(index, &Request { id: 0, command: Command::Noop });
        let meta = SnapshotMeta { last_log_id: Some(log_id(1, index)), ..SnapshotMeta::default() };
        directory.save(&meta, &snapshot::encode(&state).unwrap()).unwrap();
    }

    fn damage(path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn the_newest_two_are_kept_and_the_log_may_go_up_to_the_older() {
        let root = tempfile::tempdir().unwrap();
        let directory = SnapshotDirectory::open(root.path()).unwrap();
        save(&directory, 5);
        assert_eq!(directory.purge_limit(), None);
        save(&directory, 30);
        save(&directory, 200);
        assert_eq!(directory.purge_limit(), Some(30));
        fs::write(root.path().join("3.tmp"), "half").unwrap();
        let directory = SnapshotDirectory::open(root.path()).unwrap();
        let mut names: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["1-200.snap", "1-30.snap"]);
        let (meta, state) = directory.restore(Some(log_id(1, 30))).unwrap();
        assert_eq!((meta.last_log_id, state.index()), (Some(log_id(1, 200)), 200));
    }

    #[test]
    fn a_damaged_newest_falls_back_while_the_log_reaches() {
        let root = tempfile::tempdir().unwrap();
        let directory = SnapshotDirectory::open(root.path()).unwrap();
        save(&directory, 5);
        save(&directory, 9);
        damage(&root.path().join("1-9.snap"));
        let refused = directory.restore(Some(log_id(1, 7))).err().unwrap();
        assert!(matches!(&refused, RaftError::DamagedSnapshot { path, .. } if path.ends_with("1-9.snap")), "{refused}");
        let (meta, state) = directory.restore(Some(log_id(1, 5))).unwrap();
        assert_eq!((meta.last_log_id, state.index()), (Some(log_id(1, 5)), 5));
        assert!(root.path().join("1-9.snap.damaged").exists());
    }

    #[test]
    fn without_any_usable_snapshot_the_whole_log_must_be_there() {
        let root = tempfile::tempdir().unwrap();
        let directory = SnapshotDirectory::open(root.path()).unwrap();
        assert!(matches!(directory.restore(Some(log_id(1, 0))), Err(RaftError::DamagedSnapshot { .. })));
        save(&directory, 5);
        damage(&root.path().join("1-5.snap"));
        let (meta, state) = directory.restore(None).unwrap();
        assert_eq!((meta.last_log_id, state.index()), (None, 0));
    }

    #[test]
    fn a_snapshot_of_a_newer_build_is_not_called_damaged() {
        let root = tempfile::tempdir().unwrap();
        let directory = SnapshotDirectory::open(root.path()).unwrap();
        save(&directory, 5);
        let path = root.path().join("1-5.snap");
        let mut bytes = fs::read(&path).unwrap();
        bytes[8] = 2;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(directory.restore(None), Err(RaftError::NewerFormat { .. })));
        assert!(path.exists());
    }
}
