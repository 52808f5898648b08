//! From the command line to the loop: become a session of our own, take the lock, start or adopt the task, say so.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::unistd::setsid;

use super::fifo::LogStream;
use super::pidfd::Pidfd;
use super::plan::{PLAN_FILE, ShimPlan};
use super::protocol::{self, Readiness};
use super::record::{self, EXIT_FILE, STATE_FILE, ShimState};
use super::server::Server;
use super::spawn::{Forked, SpawnError};
use super::supervisor::Supervisor;
use super::task::Task;
use super::{ShimArgs, identity, inherited};
use crate::runtime::driver::ExitRecord;
use crate::runtime::launch::LaunchKind;
use crate::util::clock::Timestamp;

/// Why a shim gave up.
#[derive(Debug, thiserror::Error)]
pub enum ShimError {
    #[error("{action}: {source}")]
    Io { action: &'static str, source: io::Error },
    #[error("another shim holds {0}")]
    Locked(PathBuf),
    #[error("{0}")]
    Spawn(#[from] SpawnError),
    #[error("{0}")]
    Unusable(&'static str),
}

impl ShimError {
    fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    fn is_permanent(&self) -> bool {
        matches!(self, Self::Spawn(error) if error.is_permanent())
    }
}

/// Runs to the end: the task's, and the agent's knowing of it.
pub(super) fn run(args: &ShimArgs) -> Result<(), ShimError> {
    inherited::close();
    let ready = take_readiness_channel().map_err(ShimError::io("cannot take over the standard output"))?;
    let task_umask = detach();
    // The directory stays the current one: paths in it stay short and survive a rename above it.
    std::env::set_current_dir(&args.run_dir).map_err(ShimError::io("cannot enter the run directory"))?;
    let started = Locked::take(args).and_then(|locked| if args.adopt { locked.adopt() } else { locked.start(task_umask.bits()) });
    match started {
        Ok((supervisor, _lock)) => {
            say(ready, &Readiness::Started { pid: supervisor.pid() });
            supervisor.run().map_err(ShimError::io("the shim's loop broke"))
        }
        Err(error) => {
            say(ready, &Readiness::Failed { message: error.to_string(), permanent: error.is_permanent() });
            Err(error)
        }
    }
}

/// The lock and the plan of a run directory.
struct Locked {
    lock: Flock<File>,
    plan: ShimPlan,
}

type Running = (Supervisor, Flock<File>);

impl Locked {
    fn take(args: &ShimArgs) -> Result<Self, ShimError> {
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open("lock").map_err(ShimError::io("cannot open the lock"))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| ShimError::Locked(args.run_dir.clone()))?;
        let plan: Option<ShimPlan> = record::read(Path::new("."), PLAN_FILE).map_err(ShimError::io("cannot read the plan"))?;
        let mut plan = plan.ok_or(ShimError::Unusable("there is no plan"))?;
        plan.launch.run_dir = PathBuf::from(".");
        Ok(Self { lock, plan })
    }

    fn start(self, task_umask: u32) -> Result<Running, ShimError> {
        let LaunchKind::Process(process) = &self.plan.launch.kind else {
            return Err(ShimError::Unusable("only a process has a shim"));
        };
        let run_dir = &self.plan.launch.run_dir;
        let logs = self.open_logs()?;
        let forked = Forked::fork(&self.plan, process, task_umask)?;
        let state = ShimState {
            protocol: protocol::VERSION,
            boot_id: identity::boot_id(),
            shim_pid: nix::unistd::getpid().as_raw(),
            pid: forked.pid,
            start_time: forked.start_time,
            started_at: Timestamp::now(),
        };
        let server = Server::bind().map_err(ShimError::io("cannot listen"))?;
        record::write_until_reboot(run_dir, STATE_FILE, &state).map_err(ShimError::io("cannot write the state"))?;
        match forked.release() {
            Ok(pidfd) => {
                let task = Task::started(state.pid, pidfd, self.plan.cgroup);
                Ok((Supervisor::new(task, server, logs, None), self.lock))
            }
            Err(error) => {
                // Nothing ran: nothing to be found by a later recovery.
                let _ = std::fs::remove_file(STATE_FILE);
                Err(error.into())
            }
        }
    }

    fn adopt(self) -> Result<Running, ShimError> {
        let run_dir = &self.plan.launch.run_dir;
        let state: Option<ShimState> = record::read(run_dir, STATE_FILE).map_err(ShimError::io("cannot read the state"))?;
        let mut state = state.ok_or(ShimError::Unusable("there is no state to adopt"))?;
        let exit: Option<ExitRecord> = record::read(run_dir, EXIT_FILE).map_err(ShimError::io("cannot read the exit record"))?;
        // Held first, compared then: what the descriptor holds cannot change any more.
        let pidfd = Pidfd::open(state.pid).ok().filter(|_| exit.is_none() && state.is_alive());
        let logs = self.open_logs()?;
        let server = Server::bind().map_err(ShimError::io("cannot listen"))?;
        state.shim_pid = nix::unistd::getpid().as_raw();
        record::write_until_reboot(run_dir, STATE_FILE, &state).map_err(ShimError::io("cannot write the state"))?;
        let task = Task::adopted(state.pid, pidfd, self.plan.cgroup);
        Ok((Supervisor::new(task, server, logs, exit), self.lock))
    }

    fn open_logs(&self) -> Result<Vec<LogStream>, ShimError> {
        let logs = &self.plan.launch.logs;
        if logs.disabled {
            return Ok(Vec::new());
        }
        ["stdout", "stderr"]
            .iter()
            .map(|stream| LogStream::open(&self.plan.launch.run_dir, logs, stream))
            .collect::<io::Result<_>>()
            .map_err(ShimError::io("cannot open the logs"))
    }
}

/// Moves the standard output to a descriptor that the task does not inherit.
fn take_readiness_channel() -> io::Result<File> {
    let ready = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    nix::unistd::dup2_stdout(&null)?;
    Ok(ready)
}

/// Leaves the agent's session and its signals; orphans of the task come to us. Returns the mask that the task gets.
fn detach() -> Mode {
    let _ = setsid();
    let _ = prctl::set_child_subreaper(true);
    let _ = prctl::set_name(c"pannier-shim");
    // SIGCHLD is read from a descriptor; the others would end the shim before its task. SIGPIPE comes of an agent that died.
    let blocked: SigSet =
        [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE].into_iter().collect();
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&blocked), None);
    umask(Mode::S_IRWXG | Mode::S_IRWXO)
}

fn say(mut channel: File, readiness: &Readiness) {
    // An agent that went away reads it from the run directory.
    if let Ok(mut line) = serde_json::to_vec(readiness) {
        line.push(b'\n');
        let _ = channel.write_all(&line);
    }
}
