//! Forks the task: born inside its v2 group, so that no child of it can ever be outside, and held by a pidfd from the first moment.
//!
//! The fork and the exec are two steps: in between the shim writes down who the task is, so that a task whose shim or agent died
//! at any point is either known or has not run a single instruction.
#![allow(unsafe_code)] // clone3 and fork.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::pipe2;

use super::child::{ChildPlan, REPORT_LENGTH, Stage, become_task};
use super::pidfd::Pidfd;
use super::plan::ShimPlan;
use super::{fifo, identity};
use crate::runtime::launch::ProcessPlan;

const CLONE_PIDFD: u64 = 0x1000;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Why a task did not come to life.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("{what}: {}", describe(*errno))]
    Refused { what: String, errno: Errno },
    #[error("{0}")]
    Shim(#[from] io::Error),
    #[error("an argument, a variable or a path holds a zero byte")]
    ZeroByte(#[from] std::ffi::NulError),
}

impl SpawnError {
    /// Whether another try cannot help.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Refused { errno, .. } => !matches!(errno, Errno::EAGAIN | Errno::ENOMEM | Errno::EBUSY | Errno::ETXTBSY | Errno::EINTR),
            Self::Shim(_) => false,
            Self::ZeroByte(_) => true,
        }
    }
}

/// A task that was forked and waits for [`Forked::release`].
pub struct Forked {
    pub pid: i32,
    pub start_time: u64,
    pub pidfd: Pidfd,
    gate: File,
    report: File,
    /// Program and directory, for messages.
    names: (String, String),
}

impl Forked {
    /// Forks; the child waits at its gate.
    pub fn fork(plan: &ShimPlan, process: &ProcessPlan, umask: libc::mode_t) -> Result<Self, SpawnError> {
        let (gate_out, gate_in) = pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
        let (report_out, report_in) = pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
        let mut child = prepare(plan, process, umask, gate_out, report_in)?;
        let group = plan.cgroup.as_ref().and_then(|paths| paths.v2.as_ref());
        let group = group.map(File::open).transpose()?;
        let (pid, pidfd) = match clone_into(group.as_ref(), &gate_in, &child) {
            Err(error) if falls_back(&error) => {
                if let Some(paths) = plan.cgroup.as_ref().and_then(|paths| paths.v2.as_ref()) {
                    child.groups.push(OpenOptions::new().write(true).open(paths.join("cgroup.procs"))?);
                }
                plain_fork(&gate_in, &child)?
            }
            other => other?,
        };
        let start_time = identity::start_time(pid).ok_or_else(|| io::Error::other("the forked task vanished"))?;
        let names = (process.argv.first().cloned().unwrap_or_default(), process.work_dir.display().to_string());
        Ok(Self { pid, start_time, pidfd, gate: gate_in.into(), report: report_out.into(), names })
    }

    /// Opens the gate and waits until the task runs.
    pub fn release(mut self) -> Result<Pidfd, SpawnError> {
        self.gate.write_all(&[1])?;
        drop(self.gate);
        let mut report = Vec::new();
        (&mut self.report).take(REPORT_LENGTH as u64).read_to_end(&mut report)?;
        let [stage, errno @ ..] = report.as_slice() else { return Ok(self.pidfd) };
        let errno = errno.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
        let (program, work_dir) = self.names;
        let what = match Stage::from_byte(*stage) {
            Some(Stage::Exec) => format!("fork/exec {program}"),
            Some(Stage::WorkDir) => format!("chdir {work_dir}"),
            Some(Stage::User) => "cannot switch to the task's user".to_owned(),
            Some(Stage::Cgroup) => "cannot enter the task's cgroup".to_owned(),
            Some(Stage::Output) | None => "cannot connect the task's output".to_owned(),
        };
        Err(SpawnError::Refused { what, errno: Errno::from_raw(errno) })
    }
}

fn prepare(plan: &ShimPlan, process: &ProcessPlan, umask: libc::mode_t, gate: OwnedFd, report: OwnedFd) -> Result<ChildPlan, SpawnError> {
    let run_dir = &plan.launch.run_dir;
    let null = || OpenOptions::new().read(true).write(true).open("/dev/null");
    let (stdout, stderr) = if plan.launch.logs.disabled {
        (null()?, null()?)
    } else {
        (fifo::open_for_task(run_dir, "stdout")?, fifo::open_for_task(run_dir, "stderr")?)
    };
    if let Some(credentials) = &plan.credentials {
        // `/dev/stdout` is opened anew by some programs, as the user they run as.
        for file in [&stdout, &stderr].into_iter().filter(|_| !plan.launch.logs.disabled) {
            std::os::unix::fs::fchown(file, Some(credentials.uid), Some(credentials.gid))?;
        }
    }
    let mut groups = Vec::new();
    for dir in plan.cgroup.iter().flat_map(|paths| paths.v1_dirs()) {
        groups.push(OpenOptions::new().write(true).open(dir.join("tasks"))?);
    }
    let mut strings = Vec::new();
    for argument in &process.argv {
        strings.push(CString::new(argument.as_str())?);
    }
    for (name, value) in &process.env {
        strings.push(CString::new(format!("{name}={value}"))?);
    }
    let (arguments, variables) = strings.split_at(process.argv.len());
    let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>();
    Ok(ChildPlan {
        groups,
        stdin: null()?,
        stdout,
        stderr,
        user: plan.credentials.as_ref().map(|user| (user.uid, user.gid, user.groups.clone())),
        oom_score_adj: process.oom_score_adj.map(|score| CString::new(score.to_string())).transpose()?,
        work_dir: CString::new(process.work_dir.as_os_str().as_bytes())?,
        program: CString::new(process.argv.first().map_or("", String::as_str))?,
        argv: pointers(arguments),
        envp: pointers(variables),
        _strings: strings,
        umask,
        gate,
        report,
    })
}

/// The kernel's `struct clone_args`.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

fn clone_into(group: Option<&File>, gate_in: &OwnedFd, child: &ChildPlan) -> io::Result<(i32, Pidfd)> {
    let mut pidfd: libc::c_int = -1;
    let mut args =
        CloneArgs { flags: CLONE_PIDFD, pidfd: (&raw mut pidfd) as u64, exit_signal: libc::SIGCHLD as u64, ..CloneArgs::default() };
    if let Some(group) = group {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::try_from(group.as_raw_fd()).unwrap_or_default();
    }
    // SAFETY: without CLONE_VM the child has its own copy of this single-threaded process, as after fork; `args` has the size that is
    // passed, and `pidfd` is written in the parent only.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) };
    if pid == 0 {
        // SAFETY: the freshly forked child. Its copy of the gate's writing end is closed, or it would never see the shim's death.
        unsafe {
            libc::close(gate_in.as_raw_fd());
            become_task(child)
        }
    }
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel stored a fresh descriptor that is nobody else's.
    Ok((pid, Pidfd::from_owned(unsafe { OwnedFd::from_raw_fd(pidfd) })))
}

/// For kernels before 5.7 and sandboxes that refuse clone3: the child then enters its v2 group itself.
fn plain_fork(gate_in: &OwnedFd, child: &ChildPlan) -> io::Result<(i32, Pidfd)> {
    // SAFETY: the shim has one thread.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: the freshly forked child, as above.
        0 => unsafe {
            libc::close(gate_in.as_raw_fd());
            become_task(child)
        },
        pid => Ok((pid, Pidfd::open(pid)?)),
    }
}

fn falls_back(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL | libc::EPERM | libc::EACCES | libc::E2BIG))
}

/// The error's text as it is written inside a sentence.
fn describe(errno: Errno) -> String {
    let text = errno.desc();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_was_tried() {
        let error = SpawnError::Refused { what: "fork/exec /bin/nosuch".into(), errno: Errno::ENOENT };
        assert_eq!(error.to_string(), "fork/exec /bin/nosuch: no such file or directory");
        assert!(error.is_permanent());
        assert!(!SpawnError::Refused { what: String::new(), errno: Errno::EAGAIN }.is_permanent());
    }
}
