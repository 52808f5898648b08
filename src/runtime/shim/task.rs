//! The task as its shim holds it: signalled, killed as a whole, and reaped.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::pidfd::{ExitStatus, Pidfd, reap_any};
use super::protocol::Response;
use crate::runtime::cgroup::CgroupPaths;

/// A task's processes.
pub struct Task {
    pub pid: i32,
    /// `None`: the main process is gone already (adopted too late).
    pidfd: Option<Pidfd>,
    /// Whether this shim is the main process's parent.
    is_child: bool,
    cgroup: Option<CgroupPaths>,
    /// The main process's own end, once known.
    status: Option<ExitStatus>,
}

impl Task {
    /// A task that this shim started.
    pub fn started(pid: i32, pidfd: Pidfd, cgroup: Option<CgroupPaths>) -> Self {
        Self { pid, pidfd: Some(pidfd), is_child: true, cgroup, status: None }
    }

    /// A task whose shim died; `None`: it is over, too.
    pub fn adopted(pid: i32, pidfd: Option<Pidfd>, cgroup: Option<CgroupPaths>) -> Self {
        Self { pid, pidfd, is_child: false, cgroup, status: None }
    }

    /// Readable when the main process has ended.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Collects ended children (the task's orphans come to the shim too) and says whether the main process is over.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        while let Some((pid, status)) = reap_any() {
            if self.is_child && pid == self.pid {
                self.status = Some(status);
            }
        }
        match &self.pidfd {
            None => Ok(true),
            Some(_) if self.is_child => Ok(self.status.is_some()),
            Some(pidfd) => {
                let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
                Ok(poll(&mut fds, PollTimeout::ZERO)? > 0)
            }
        }
    }

    /// Whether nothing of the task is left, as far as a group or parenthood tell.
    pub fn is_gone(&mut self) -> bool {
        let ended = self.has_ended().unwrap_or(true);
        ended && self.cgroup.as_ref().is_none_or(CgroupPaths::is_empty) && children().is_empty()
    }

    /// How the main process ended. For one that is not our child only the kernel knows, and only after its parent reaped it: `Err` when it
    /// will never tell, `Ok(None)` when it may yet.
    pub fn status(&self) -> io::Result<Option<ExitStatus>> {
        match (&self.status, &self.pidfd) {
            (Some(status), _) => Ok(Some(*status)),
            (None, Some(pidfd)) if !self.is_child => pidfd.exit_status(),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub fn oom_kills(&self) -> u64 {
        self.cgroup.as_ref().map_or(0, CgroupPaths::oom_kills)
    }

    pub fn signal(&self, number: i32) -> Response {
        let sent = self.pidfd.as_ref().map_or_else(|| Err(io::Error::from_raw_os_error(libc::ESRCH)), |pidfd| pidfd.signal(number));
        match sent {
            Ok(()) => Response::Done,
            Err(error) => Response::Error { message: error.to_string() },
        }
    }

    /// SIGKILL to all of it: the group, the main process and its process group, and orphans that came to us.
    pub fn kill(&self) {
        if let Some(paths) = &self.cgroup {
            paths.kill();
        }
        if self.status.is_none()
            && let Some(pidfd) = &self.pidfd
            && pidfd.signal(libc::SIGKILL).is_ok()
        {
            // While the leader is unreaped, its number names no other group.
            let _ = killpg(Pid::from_raw(self.pid), Signal::SIGKILL);
        }
        for child in children() {
            let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
        }
    }
}

/// This process's children: all of them are the task's.
fn children() -> Vec<i32> {
    let text = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
