//! A group's directories, and what can be done with nothing but them. Written into a run directory for the shim, which must
//! not depend on how the group was made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::poll::{PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::Controller;

/// Rounds of the v1 kill loop, and of waiting for a killed group to empty, 10 ms each.
const KILL_ROUNDS: u32 = 500;

/// The directories of one task's group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupPaths {
    /// On a hybrid host without controllers, for tracking and killing.
    pub v2: Option<PathBuf>,
    pub v1: BTreeMap<Controller, PathBuf>,
}

impl CgroupPaths {
    /// The distinct v1 directories: `cpu` and `cpuacct` are often mounted together.
    pub fn v1_dirs(&self) -> BTreeSet<&Path> {
        self.v1.values().map(PathBuf::as_path).collect()
    }

    /// Every directory, v2 first.
    pub fn dirs(&self) -> Vec<&Path> {
        self.v2.iter().map(PathBuf::as_path).chain(self.v1_dirs()).collect()
    }

    /// The members, also of groups that the task made below its own.
    pub fn pids(&self) -> BTreeSet<i32> {
        let mut pids = BTreeSet::new();
        for dir in self.dirs() {
            collect_members(dir, &mut pids);
        }
        pids
    }

    /// Whether no process is left.
    pub fn is_empty(&self) -> bool {
        let populated = self.v2.as_ref().and_then(|dir| fs::read_to_string(dir.join("cgroup.events")).ok());
        if let Some(events) = populated {
            return field(&events, "populated") == Some(0) && self.v1_dirs().iter().all(|dir| !has_members(dir));
        }
        self.dirs().iter().all(|dir| !has_members(dir))
    }

    /// Sends SIGKILL to everything in it, once. v2's `cgroup.kill` cannot be outrun by forks; on v1 the group is frozen first
    /// where that controller exists, so that the list of members stands still.
    pub fn kill(&self) {
        if let Some(dir) = &self.v2
            && write_value(&dir.join("cgroup.kill"), "1").is_ok()
            && !self.v1_dirs().iter().any(|dir| has_members(dir))
        {
            return;
        }
        let freezer = self.v1.get(&Controller::Freezer).map(|dir| dir.join("freezer.state"));
        if let Some(state) = &freezer {
            let _ = write_value(state, "FROZEN");
        }
        for pid in self.pids().into_iter().filter(|pid| *pid > 1) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if let Some(state) = &freezer {
            let _ = write_value(state, "THAWED");
        }
    }

    /// Kills until nothing is left, for at most five seconds. Returns whether it is empty. Blocks.
    pub fn kill_and_wait(&self) -> bool {
        for _ in 0..KILL_ROUNDS {
            if self.is_empty() {
                return true;
            }
            self.kill();
            pause(Duration::from_millis(10));
        }
        self.is_empty()
    }

    /// How often the OOM killer took a process of this group.
    pub fn oom_kills(&self) -> u64 {
        let v1 = self.v1.get(&Controller::Memory).map(|dir| dir.join("memory.oom_control"));
        let v2 = self.v2.as_ref().map(|dir| dir.join("memory.events"));
        [v1, v2].into_iter().flatten().filter_map(|path| field(&fs::read_to_string(path).ok()?, "oom_kill")).sum()
    }

    /// Removes the directories, and the allocation's above them when it became empty. Blocks.
    pub fn remove(&self) -> io::Result<()> {
        for dir in self.dirs() {
            remove_tree(dir)?;
        }
        let _unchanging = siblings();
        for allocation in self.dirs().into_iter().filter_map(Path::parent) {
            // Fails, and may, while it has other tasks.
            let _ = fs::remove_dir(allocation);
        }
        Ok(())
    }
}

/// Held while an allocation's group gets its first task or loses its last, so that it is not removed between being made and being used.
pub(super) fn siblings() -> MutexGuard<'static, ()> {
    static SIBLINGS: Mutex<()> = Mutex::new(());
    SIBLINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes a group and those that were made below it.
fn remove_tree(dir: &Path) -> io::Result<()> {
    for child in subdirectories(dir) {
        remove_tree(&child)?;
    }
    remove_dir(dir)
}

/// Removes one group; EBUSY, which the kernel says for a moment after the last exit, is waited out for a second.
pub(super) fn remove_dir(dir: &Path) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match fs::remove_dir(dir) {
            Err(error) if error.raw_os_error() == Some(nix::libc::EBUSY) && tries < 100 => {
                tries += 1;
                pause(Duration::from_millis(10));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(()),
        }
    }
}

fn has_members(dir: &Path) -> bool {
    let mut pids = BTreeSet::new();
    collect_members(dir, &mut pids);
    !pids.is_empty()
}

fn collect_members(dir: &Path, pids: &mut BTreeSet<i32>) {
    let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
    for child in subdirectories(dir) {
        collect_members(&child, pids);
    }
}

pub(super) fn subdirectories(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// The number after `name` in a file of `name value` lines.
pub(super) fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        (key == name).then(|| value.trim().parse().ok()).flatten()
    })
}

/// Writes to a file that the kernel made; never makes one, so that a path beside a cgroup mount is an error and not litter.
pub(super) fn write_value(path: &Path, value: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}

/// Moves a process with all its threads into a group. Blocks, for an RCU grace period when nobody was moved for a while.
pub fn enter(group: &Path, pid: u32) -> io::Result<()> {
    write_value(&group.join("cgroup.procs"), &pid.to_string())
}

/// Waits a little on a blocking thread. v1 groups give no event to wait for.
fn pause(time: Duration) {
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO);
    let _ = poll(&mut [], timeout);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_events_and_oom_counters_are_read() {
        let root = tempfile::tempdir().unwrap();
        let (v2, memory) = (root.path().join("v2"), root.path().join("memory"));
        for dir in [&v2, &memory] {
            fs::create_dir(dir).unwrap();
        }
        fs::write(v2.join("cgroup.events"), "populated 1\nfrozen 0\n").unwrap();
        fs::write(v2.join("cgroup.procs"), "17\n4\n").unwrap();
        fs::write(memory.join("cgroup.procs"), "4\n").unwrap();
        fs::write(memory.join("memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n").unwrap();
        let paths = CgroupPaths { v2: Some(v2.clone()), v1: BTreeMap::from([(Controller::Memory, memory.clone())]) };
        assert_eq!(paths.pids(), BTreeSet::from([4, 17]));
        assert_eq!(paths.oom_kills(), 3);
        assert!(!paths.is_empty());
        fs::write(v2.join("cgroup.events"), "populated 0\nfrozen 0\n").unwrap();
        assert!(!paths.is_empty(), "a member of a v1 group counts");
        fs::write(memory.join("cgroup.procs"), "").unwrap();
        assert!(paths.is_empty());
    }
}
