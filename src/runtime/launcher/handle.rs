//! A task under a shim, as the agent holds it.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use nix::sys::signal::Signal;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::client::Connection;
use super::remove_traces;
use super::starter::ShimStarter;
use crate::runtime::cgroup::stats;
use crate::runtime::driver::{ExitRecord, TaskHandle, TaskStats};
use crate::runtime::shim::plan::ShimPlan;
use crate::runtime::shim::protocol::{Command, Response};
use crate::runtime::shim::record::{self, EXIT_FILE, STATE_FILE, ShimState};
use crate::util::backoff::Backoff;
use crate::util::clock::Timestamp;

/// How long a task may take to die of SIGKILL.
const DEAD_WITHIN: Duration = Duration::from_secs(20);

/// How often adopting a task that is over is tried before its end counts as unknown.
const ADOPTIONS: u32 = 10;

/// Speaks to a shim, and keeps an eye on it: a shim that dies is replaced by one that adopts the task.
pub(super) struct ShimHandle {
    plan: Arc<ShimPlan>,
    pid: i32,
    /// Shared with the watcher, so that it never closes under a waiter.
    exit: Arc<watch::Sender<Option<ExitRecord>>>,
    watcher: AbortHandle,
}

impl ShimHandle {
    /// `exit`: when the end is known already.
    pub fn new(plan: ShimPlan, pid: i32, exit: Option<ExitRecord>, starter: Arc<ShimStarter>) -> Self {
        let plan = Arc::new(plan);
        let exit = Arc::new(watch::Sender::new(exit));
        let (watched, ended) = (Arc::clone(&plan), Arc::clone(&exit));
        let watcher = tokio::spawn(async move {
            if ended.borrow().is_none() {
                let record = watch_for_end(&watched.launch.run_dir, &starter).await;
                ended.send_replace(Some(record));
            }
        });
        Self { plan, pid, exit, watcher: watcher.abort_handle() }
    }

    fn run_dir(&self) -> &Path {
        &self.plan.launch.run_dir
    }

    fn ended(&self) -> Option<ExitRecord> {
        self.exit.borrow().clone()
    }

    async fn ask(&self, command: Command) -> Result<(), String> {
        let mut connection = Connection::open(self.run_dir()).await.map_err(|error| format!("the task's shim does not answer: {error}"))?;
        match connection.call(command).await {
            Ok(Response::Error { message }) => Err(message),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the task's shim does not answer: {error}")),
        }
    }

    /// SIGKILL to everything, with or without the shim's help.
    async fn kill(&self) -> Result<(), String> {
        let asked = self.ask(Command::Kill).await;
        if let (Err(_), Some(paths)) = (&asked, &self.plan.cgroup) {
            paths.kill();
            return Ok(());
        }
        asked
    }

    async fn ends_within(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.wait()).await.is_ok()
    }
}

impl Drop for ShimHandle {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl TaskHandle for ShimHandle {
    fn pid(&self) -> Option<u32> {
        self.ended().is_none().then(|| u32::try_from(self.pid).ok()).flatten()
    }

    fn wait(&self) -> BoxFuture<'_, ExitRecord> {
        let mut exit = self.exit.subscribe();
        async move {
            let ended = exit.wait_for(Option::is_some).await;
            // `self` holds the sending side: it cannot be closed.
            ended.ok().and_then(|record| record.clone()).unwrap_or_else(lost)
        }
        .boxed()
    }

    fn signal(&self, signal: &str) -> BoxFuture<'_, Result<(), String>> {
        let number = signal_number(signal);
        async move { self.ask(Command::Signal(number?)).await }.boxed()
    }

    fn stop<'a>(&'a self, signal: &'a str, grace: Duration) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let number = signal_number(signal)?;
            if self.ended().is_some() {
                return Ok(());
            }
            match self.ask(Command::Signal(number)).await {
                Ok(()) if self.ends_within(grace).await => return Ok(()),
                Ok(()) => {}
                Err(problem) => tracing::debug!(run_dir = ?self.run_dir(), "the stop signal was not delivered: {problem}"),
            }
            let killed = self.kill().await;
            if self.ends_within(DEAD_WITHIN).await {
                return Ok(());
            }
            killed.and(Err(format!("the task is not dead {DEAD_WITHIN:?} after SIGKILL")))
        }
        .boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Option<TaskStats>> {
        let paths = self.plan.cgroup.clone().filter(|_| self.ended().is_none());
        async move {
            let paths = paths?;
            tokio::task::spawn_blocking(move || stats::read(&paths)).await.ok()
        }
        .boxed()
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        async move {
            if self.ended().is_none()
                && let Err(problem) = self.stop("SIGKILL", Duration::ZERO).await
            {
                tracing::warn!(run_dir = ?self.run_dir(), "a task is released that could not be stopped: {problem}");
            }
            // Without an answer there is no shim left to let go.
            let _ = self.ask(Command::Release).await;
            remove_traces(self.run_dir(), self.plan.cgroup.clone()).await;
        }
        .boxed()
    }
}

/// Waits for the task's end, whatever happens to its shims. A task that may still run is never given up: its restart would be a second one.
async fn watch_for_end(run_dir: &Path, starter: &ShimStarter) -> ExitRecord {
    let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(5));
    let mut failures = 0;
    loop {
        if let Some(record) = wait_through_shim(run_dir).await {
            return record;
        }
        match record::read(run_dir, EXIT_FILE) {
            Ok(Some(record)) => return record,
            Ok(None) => {}
            Err(error) => tracing::error!(?run_dir, "the exit record cannot be read: {error}"),
        }
        match starter.start(run_dir, true).await {
            Ok(pid) => {
                tracing::warn!(?run_dir, pid, "a task's shim was lost; another one adopted the task");
                failures = 0;
            }
            Err(failure) => {
                tracing::warn!(?run_dir, "a task's shim does not answer and none could adopt the task: {failure}");
                failures += 1;
                if failures >= ADOPTIONS && !may_run(run_dir) {
                    return lost();
                }
                tokio::time::sleep(backoff.next_delay()).await;
            }
        }
    }
}

fn may_run(run_dir: &Path) -> bool {
    matches!(record::read::<ShimState>(run_dir, STATE_FILE), Ok(Some(state)) if state.is_alive())
}

/// The record from the shim, or `None` when the connection breaks.
async fn wait_through_shim(run_dir: &Path) -> Option<ExitRecord> {
    let mut connection = Connection::open(run_dir).await.ok()?;
    connection.status(Command::Wait).await.ok()?.1
}

pub(super) fn lost() -> ExitRecord {
    ExitRecord { exit_code: -1, signal: 0, oom_killed: false, finished_at: Timestamp::now(), unknown: true }
}

/// `SIGHUP` or `HUP` as a number.
fn signal_number(name: &str) -> Result<i32, String> {
    let full = if name.starts_with("SIG") { name.to_owned() } else { format!("SIG{name}") };
    Signal::from_str(&full).map(|signal| signal as i32).map_err(|_| format!("unknown signal {name:?}"))
}
