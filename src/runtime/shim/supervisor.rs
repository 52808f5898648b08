//! The shim's loop: one `poll` over the task, the socket, the output and the children.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::fifo::LogStream;
use super::pidfd::ExitStatus;
use super::protocol::{Command, Response, SOCKET};
use super::record::{self, EXIT_FILE};
use super::server::Server;
use super::task::Task;
use super::{complain, pages};
use crate::runtime::driver::ExitRecord;
use crate::util::clock::Timestamp;

/// How long an adopted task's status is waited for after its end: its new parent, PID 1, must reap it first.
const REAPED_WITHIN: Duration = Duration::from_secs(5);

/// How long what is left of a task may take to die (uninterruptible sleep).
const DEAD_WITHIN: Duration = Duration::from_secs(10);

/// How often a condition that has no event is looked at again, milliseconds.
const RECHECK_MS: u8 = 5;

/// How many bursts are copied after the end: more than a FIFO can hold. A writer that got away must not keep the end from being recorded.
const LAST_BURSTS: u32 = 8;

/// A shim without an event for so long is at rest, milliseconds.
const AT_REST_MS: u16 = 1_000;

/// Bytes copied at a time.
const BUFFER: usize = 16 * 1024;

/// A started or adopted task and everything around it.
pub struct Supervisor {
    task: Task,
    server: Server,
    logs: Vec<LogStream>,
    exit: Option<ExitRecord>,
    released: bool,
    buffer: Vec<u8>,
}

impl Supervisor {
    /// `exit`: the record that a shim before this one wrote.
    pub fn new(task: Task, server: Server, logs: Vec<LogStream>, exit: Option<ExitRecord>) -> Self {
        Self { task, server, logs, exit, released: false, buffer: vec![0; BUFFER] }
    }

    pub fn pid(&self) -> i32 {
        self.task.pid
    }

    /// Returns when the agent has noted the end.
    pub fn run(mut self) -> io::Result<()> {
        let signals = SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let mut is_at_rest = false;
        while !self.released {
            while let Ok(Some(_)) = signals.read_signal() {}
            if self.task.has_ended()? && self.exit.is_none() {
                self.finish();
            }
            // Whoever removed the run directory of a task that ended has no more use for its record, and could not ask for it.
            if self.exit.is_some() && !Path::new(SOCKET).exists() {
                return Ok(());
            }
            let patience = if is_at_rest && self.exit.is_none() { PollTimeout::NONE } else { PollTimeout::from(AT_REST_MS) };
            if !self.has_events(&signals, patience)? && !is_at_rest {
                pages::release_code();
                is_at_rest = true;
            }
            self.copy_logs();
            self.answer();
        }
        let _ = std::fs::remove_file(SOCKET);
        Ok(())
    }

    /// Waits for events, `patience` long at most.
    fn has_events(&self, signals: &SignalFd, patience: PollTimeout) -> io::Result<bool> {
        let mut fds: Vec<PollFd<'_>> = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.server.fds().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        fds.extend(self.logs.iter().map(|stream| PollFd::new(stream.fd(), PollFlags::POLLIN)));
        if self.exit.is_none() {
            fds.extend(self.task.fd().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        }
        match poll(&mut fds, patience) {
            Err(Errno::EINTR) => Ok(true),
            found => Ok(found? > 0),
        }
    }

    /// The main process is over: kill what is left, empty the FIFOs, write the record, tell who waits.
    fn finish(&mut self) {
        let finished_at = Timestamp::now();
        self.until(DEAD_WITHIN, |task| {
            let gone = task.is_gone();
            if !gone {
                task.kill();
            }
            gone
        });
        self.until(REAPED_WITHIN, |task| !matches!(task.status(), Ok(None)));
        for _ in 0..LAST_BURSTS {
            if !self.copy_logs() {
                break;
            }
        }
        let exit = exit_record(self.task.status().ok().flatten(), self.task.oom_kills(), finished_at);
        if let Err(error) = record::write(Path::new("."), EXIT_FILE, &exit) {
            complain(format_args!("cannot write the exit record: {error}"));
        }
        self.server.announce(&Response::Status { pid: self.task.pid, exit: Some(exit.clone()) });
        self.exit = Some(exit);
    }

    /// Looks at a condition until it holds or the time is over, copying output meanwhile.
    fn until(&mut self, limit: Duration, mut holds: impl FnMut(&mut Task) -> bool) {
        let deadline = Instant::now() + limit;
        while !holds(&mut self.task) && Instant::now() < deadline {
            self.copy_logs();
            let _ = poll(&mut [], PollTimeout::from(RECHECK_MS));
        }
    }

    /// Returns whether there may be more.
    fn copy_logs(&mut self) -> bool {
        let mut more = false;
        for stream in &mut self.logs {
            more |= stream.copy(&mut self.buffer);
        }
        more
    }

    fn answer(&mut self) {
        let Self { server, task, exit, released, .. } = self;
        let status = || Response::Status { pid: task.pid, exit: exit.clone() };
        server.serve(|command| match command {
            Command::Status => Some(status()),
            Command::Wait => exit.is_some().then(status),
            Command::Signal(_) | Command::Kill if exit.is_some() => Some(Response::Error { message: "the task has ended".to_owned() }),
            Command::Signal(number) => Some(task.signal(number)),
            Command::Kill => {
                task.kill();
                Some(Response::Done)
            }
            Command::Release if exit.is_none() => Some(Response::Error { message: "the task still runs".to_owned() }),
            Command::Release => {
                *released = true;
                Some(Response::Done)
            }
        });
    }
}

/// A signal's end is told as a shell does: 128 and its number.
fn exit_record(status: Option<ExitStatus>, oom_kills: u64, finished_at: Timestamp) -> ExitRecord {
    let (exit_code, signal) = match status {
        Some(ExitStatus::Code(code)) => (code, 0),
        Some(ExitStatus::Signal(signal)) => (128 + signal, signal),
        None => (-1, 0),
    };
    // A task that survived the loss of one of its processes and ended well was not killed.
    ExitRecord { exit_code, signal, oom_killed: oom_kills > 0 && exit_code != 0, finished_at, unknown: status.is_none() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_as_a_shell_does() {
        let at = Timestamp(7);
        let killed = exit_record(Some(ExitStatus::Signal(9)), 1, at);
        assert_eq!((killed.exit_code, killed.signal, killed.oom_killed), (137, 9, true));
        assert!(!exit_record(Some(ExitStatus::Code(0)), 1, at).oom_killed, "a lost helper process is not the task's end");
        let lost = exit_record(None, 0, at);
        assert!(lost.unknown && !lost.is_success());
    }
}
