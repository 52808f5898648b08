//! Process file descriptors: a handle to one process that a reused pid cannot fool, and that tells the exit status even to who is not the parent.
#![allow(unsafe_code)] // pidfd_open, pidfd_send_signal and PIDFD_GET_INFO have no safe wrapper in nix 0.31.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::libc;

/// `PIDFD_INFO_EXIT`: the mask's bit for the exit code, known since Linux 6.15.
const INFO_EXIT: u64 = 1 << 3;

/// The kernel's `struct pidfd_info` in its first version.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup_id: u64,
    /// pid, tgid, ppid and eight user and group ids.
    ids: [u32; 11],
    exit_code: i32,
}

/// `_IOWR(0xFF, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: libc::c_ulong = (3 << 30) | ((size_of::<PidfdInfo>() as libc::c_ulong) << 16) | (0xFF << 8) | 11;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    Code(i32),
    Signal(i32),
}

impl ExitStatus {
    /// From the form that `wait(2)` gives.
    pub fn from_wait_status(status: i32) -> Self {
        if libc::WIFSIGNALED(status) { Self::Signal(libc::WTERMSIG(status)) } else { Self::Code(libc::WEXITSTATUS(status)) }
    }
}

/// A process, held.
#[derive(Debug)]
pub struct Pidfd(OwnedFd);

impl Pidfd {
    /// Errors: ESRCH when there is no such process.
    pub fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: takes two integers and returns a new descriptor (close-on-exec by itself) or -1.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = libc::c_int::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(io::Error::last_os_error)?;
        // SAFETY: the descriptor is fresh and nobody else's.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub(super) fn from_owned(fd: OwnedFd) -> Self {
        Self(fd)
    }

    pub fn signal(&self, signal: i32) -> io::Result<()> {
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open; a null siginfo is allowed and means that of kill(2).
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, no_info, 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The status of an ended process: `None` until it is reaped, an error when this kernel does not tell (before Linux 6.15).
    pub fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        let mut info = PidfdInfo { mask: INFO_EXIT, ..PidfdInfo::default() };
        // SAFETY: `info` has the layout and size that the request's number names, and outlives the call.
        let done = unsafe { libc::ioctl(self.0.as_raw_fd(), PIDFD_GET_INFO, &raw mut info) };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((info.mask & INFO_EXIT != 0).then(|| ExitStatus::from_wait_status(info.exit_code)))
    }
}

/// Collects one ended child of this process without waiting. Unlike nix's `waitpid` it does not lose those that a real-time signal ended.
pub fn reap_any() -> Option<(i32, ExitStatus)> {
    let mut status = 0;
    // SAFETY: writes one integer that outlives the call.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    (pid > 0).then(|| (pid, ExitStatus::from_wait_status(status)))
}

impl AsFd for Pidfd {
    /// Readable when the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_layout_is_the_kernels() {
        assert_eq!(size_of::<PidfdInfo>(), 64);
        assert_eq!(ExitStatus::from_wait_status(7 << 8), ExitStatus::Code(7));
        assert_eq!(ExitStatus::from_wait_status(9), ExitStatus::Signal(9));
        assert_eq!(ExitStatus::from_wait_status(11 | 0x80), ExitStatus::Signal(11), "with a core dump");
    }

    #[test]
    fn a_process_is_signalled_and_tells_its_end() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pidfd = Pidfd::open(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(!matches!(pidfd.exit_status(), Ok(Some(_))), "it still runs");
        pidfd.signal(libc::SIGTERM).unwrap();
        child.wait().unwrap();
        assert!(pidfd.signal(libc::SIGTERM).is_err());
        match pidfd.exit_status() {
            Ok(Some(status)) => assert_eq!(status, ExitStatus::Signal(libc::SIGTERM)),
            _ => println!("SKIPPED: this kernel has no PIDFD_INFO_EXIT (Linux 6.15)"),
        }
    }
}
