//! The task's side of the fork: from the shim's copy to the task's first instruction.
//!
//! Between fork and exec only system calls are made, on memory that was prepared before: nothing is allocated, nothing is
//! dropped, and what fails is told through a pipe that closes by itself when the exec succeeds.
#![allow(unsafe_code)] // Raw system calls: glibc's wrappers act on thread data that a raw clone3 leaves stale.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc::{self, c_int};

/// Where it failed; sent with the error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Cgroup = 1,
    Output = 2,
    User = 3,
    WorkDir = 4,
    Exec = 5,
}

impl Stage {
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Cgroup, Self::Output, Self::User, Self::WorkDir, Self::Exec].into_iter().find(|stage| *stage as u8 == byte)
    }
}

/// A failure as it goes through the pipe: the stage and the error number.
pub(super) const REPORT_LENGTH: usize = 5;

/// Everything the child needs, made before the fork.
pub(super) struct ChildPlan {
    /// A file of each group to enter, open for writing. v1's `tasks`, where a thread that writes itself goes in at once; a writer of
    /// `cgroup.procs` takes the kernel's lock on all thread groups, for which the first one after a pause waits for an RCU grace period
    /// (6 to 16 ms measured on Linux 6.18). This process has one thread.
    pub groups: Vec<File>,
    pub stdin: File,
    pub stdout: File,
    pub stderr: File,
    /// `uid`, `gid`, supplementary groups.
    pub user: Option<(u32, u32, Vec<u32>)>,
    /// Text for `/proc/self/oom_score_adj`.
    pub oom_score_adj: Option<CString>,
    pub work_dir: CString,
    pub program: CString,
    /// Null-terminated; point into the strings below.
    pub argv: Vec<*const libc::c_char>,
    pub envp: Vec<*const libc::c_char>,
    /// Owns what `argv` and `envp` point to.
    pub _strings: Vec<CString>,
    pub umask: libc::mode_t,
    /// The child reads one byte here before it goes on; end of file means that the shim is gone.
    pub gate: OwnedFd,
    pub report: OwnedFd,
}

/// Becomes the task.
///
/// # Safety
/// Only in a freshly forked child of a single-threaded process.
pub(super) unsafe fn become_task(plan: &ChildPlan) -> ! {
    // SAFETY: every pointer below points into `plan`, which lives until exec or exit; descriptors are owned by `plan`.
    unsafe {
        let mut byte = 0u8;
        if libc::read(plan.gate.as_raw_fd(), (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(125);
        }
        libc::setsid();
        for group in &plan.groups {
            check(plan, Stage::Cgroup, libc::write(group.as_raw_fd(), c"0".as_ptr().cast(), 1) == 1);
        }
        if let Some(text) = &plan.oom_score_adj {
            // Best effort: lowering it needs CAP_SYS_RESOURCE.
            let fd = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
            if fd >= 0 {
                libc::write(fd, text.as_ptr().cast(), text.as_bytes().len());
            }
        }
        for (file, target) in [(&plan.stdin, 0), (&plan.stdout, 1), (&plan.stderr, 2)] {
            check(plan, Stage::Output, libc::dup2(file.as_raw_fd(), target) == target);
        }
        if let Some((uid, gid, groups)) = &plan.user {
            let set = libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) == 0
                && libc::syscall(libc::SYS_setgid, *gid) == 0
                && libc::syscall(libc::SYS_setuid, *uid) == 0;
            check(plan, Stage::User, set);
        }
        check(plan, Stage::WorkDir, libc::chdir(plan.work_dir.as_ptr()) == 0);
        reset_signals();
        libc::umask(plan.umask);
        // Whatever else the agent had open without close-on-exec must not reach the task. Linux 5.11; older ones rely on the flags.
        libc::syscall(libc::SYS_close_range, 3, c_int::MAX, libc::CLOSE_RANGE_CLOEXEC);
        libc::execve(plan.program.as_ptr(), plan.argv.as_ptr(), plan.envp.as_ptr());
        check(plan, Stage::Exec, false);
        libc::_exit(127)
    }
}

/// Default dispositions (ignored ones would survive the exec) and an empty mask.
unsafe fn reset_signals() {
    // SAFETY: plain calls on zeroed local structures; unknown signal numbers are refused by the kernel.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Reports the current error number and exits unless `passed`.
unsafe fn check(plan: &ChildPlan, stage: Stage, passed: bool) {
    if passed {
        return;
    }
    // SAFETY: errno is this thread's; the report pipe is open.
    unsafe {
        let errno = (*libc::__errno_location()).to_ne_bytes();
        let report = [stage as u8, errno[0], errno[1], errno[2], errno[3]];
        libc::write(plan.report.as_raw_fd(), report.as_ptr().cast(), REPORT_LENGTH);
        libc::_exit(127);
    }
}
