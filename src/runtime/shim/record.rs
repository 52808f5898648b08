//! `state.json` and `exit.json`: what must be known after a shim or the machine died. Written so that a reader finds the old
//! file, the new file or none, never a part.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::identity;
use crate::util::clock::Timestamp;

pub const STATE_FILE: &str = "state.json";
pub const EXIT_FILE: &str = "exit.json";

/// Who the task is. After another boot it says nothing: no process is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShimState {
    /// [`super::protocol::VERSION`] of the shim that wrote it.
    pub protocol: u32,
    pub boot_id: String,
    pub shim_pid: i32,
    pub pid: i32,
    /// Clock ticks since boot.
    pub start_time: u64,
    pub started_at: Timestamp,
}

impl ShimState {
    /// Whether the task's main process still runs: same boot, same pid, same start.
    pub fn is_alive(&self) -> bool {
        self.boot_id == identity::boot_id() && identity::start_time(self.pid) == Some(self.start_time)
    }
}

/// Replaces `dir/name` durably: a synced temporary file, a rename, a synced directory.
pub fn write<T: Serialize>(dir: &Path, name: &str, value: &T) -> io::Result<()> {
    replace(dir, name, value, File::sync_all)?;
    File::open(dir)?.sync_all()
}

/// Replaces `dir/name` for as long as the machine runs, whichever processes die: for what says nothing after a reboot.
pub fn write_until_reboot<T: Serialize>(dir: &Path, name: &str, value: &T) -> io::Result<()> {
    replace(dir, name, value, |_| Ok(()))
}

fn replace<T: Serialize>(dir: &Path, name: &str, value: &T, sync: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.tmp"));
    let mut file = File::create(&temporary)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    sync(&file)?;
    fs::rename(&temporary, dir.join(name))
}

/// `None`: there is no such file. A file that cannot be understood is an error.
pub fn read<T: DeserializeOwned>(dir: &Path, name: &str) -> io::Result<Option<T>> {
    match fs::read(dir.join(name)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read::<ShimState>(dir.path(), STATE_FILE).unwrap(), None);
        let pid = i32::try_from(std::process::id()).unwrap();
        let state = ShimState {
            protocol: 1,
            boot_id: identity::boot_id(),
            shim_pid: 1,
            pid,
            start_time: identity::start_time(pid).unwrap(),
            started_at: Timestamp(5),
        };
        write_until_reboot(dir.path(), STATE_FILE, &state).unwrap();
        assert_eq!(read(dir.path(), STATE_FILE).unwrap(), Some(state.clone()));
        assert!(state.is_alive());
        assert!(!ShimState { start_time: state.start_time + 1, ..state.clone() }.is_alive(), "a reused pid is another process");
        assert!(!ShimState { boot_id: "other".into(), ..state }.is_alive(), "another boot");
        fs::write(dir.path().join(STATE_FILE), "{\"proto").unwrap();
        assert!(read::<ShimState>(dir.path(), STATE_FILE).is_err());
    }
}
