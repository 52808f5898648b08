//! What became of a task while the agent was away.
//!
//! | shim | task | what is done |
//! |---|---|---|
//! | alive | alive or ended | connect, ask |
//! | dead | ended | read `exit.json` |
//! | dead | alive, or ended unseen | another shim adopts it |
//! | never came to a task | - | remove the traces |
//! | before a reboot | - | `exit.json`, else remove the traces |

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use super::client::Connection;
use super::handle::{ShimHandle, lost};
use super::{Launcher, remove_traces};
use crate::runtime::driver::{ExitRecord, Recovered};
use crate::runtime::shim::identity;
use crate::runtime::shim::plan::{PLAN_FILE, ShimPlan};
use crate::runtime::shim::protocol::Command;
use crate::runtime::shim::record::{self, EXIT_FILE, STATE_FILE, ShimState};
use crate::util::backoff::Backoff;

/// How often a shim that holds the lock and does not listen yet is asked again.
const TRIES: u32 = 12;

/// How long an adopting shim may take to record a task that is over.
const RECORDED_WITHIN: Duration = Duration::from_secs(30);

impl Launcher {
    /// Finds the task of a run directory again.
    pub async fn recover(&self, run_dir: &Path) -> Recovered {
        let Some(plan) = read::<ShimPlan>(run_dir, PLAN_FILE) else {
            // Nothing was started from it, and it may not be a run directory at all: removed only when it is empty.
            let _ = std::fs::remove_dir(run_dir);
            return Recovered::Gone;
        };
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(2));
        for _ in 0..TRIES {
            if let Some(recovered) = self.try_recover(run_dir, &plan).await {
                return recovered;
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
        // A shim that holds the lock and never answers, or none that would adopt: the handle goes on trying.
        match read::<ShimState>(run_dir, STATE_FILE) {
            Some(state) if state.is_alive() => self.running(plan, state.pid),
            state => self.exited(plan, state.map_or(0, |state| state.pid), lost()),
        }
    }

    /// `None`: a shim is about to come up or to go; ask again.
    async fn try_recover(&self, run_dir: &Path, plan: &ShimPlan) -> Option<Recovered> {
        if let Ok((pid, exit)) = status(run_dir, Command::Status).await {
            return Some(match exit {
                Some(exit) => self.exited(plan.clone(), pid, exit),
                None => self.running(plan.clone(), pid),
            });
        }
        let state = read::<ShimState>(run_dir, STATE_FILE);
        if let Some(exit) = read::<ExitRecord>(run_dir, EXIT_FILE) {
            return Some(self.exited(plan.clone(), state.map_or(0, |state| state.pid), exit));
        }
        let Some(state) = state.filter(|state| state.boot_id == identity::boot_id()) else {
            // Held while its traces go, so that a shim that is only just starting finds either the lock or no plan.
            let _lock = try_lock(run_dir)?;
            remove_traces(run_dir, plan.cgroup.clone()).await;
            return Some(Recovered::Gone);
        };
        if let Err(failure) = self.starter.start(run_dir, true).await {
            tracing::warn!(?run_dir, "no shim could adopt the task: {failure}");
            return None;
        }
        let ended = !state.is_alive();
        let answer = tokio::time::timeout(RECORDED_WITHIN, status(run_dir, if ended { Command::Wait } else { Command::Status })).await;
        let (pid, exit) = answer.ok()?.ok()?;
        Some(match exit {
            Some(exit) => self.exited(plan.clone(), pid, exit),
            None => self.running(plan.clone(), pid),
        })
    }

    fn running(&self, plan: ShimPlan, pid: i32) -> Recovered {
        Recovered::Running(Arc::new(ShimHandle::new(plan, pid, None, Arc::clone(&self.starter))))
    }

    fn exited(&self, plan: ShimPlan, pid: i32, exit: ExitRecord) -> Recovered {
        let handle = ShimHandle::new(plan, pid, Some(exit.clone()), Arc::clone(&self.starter));
        Recovered::Exited(exit, Arc::new(handle))
    }
}

async fn status(run_dir: &Path, command: Command) -> io::Result<(i32, Option<ExitRecord>)> {
    Connection::open(run_dir).await?.status(command).await
}

/// A record that cannot be read counts as missing: it was written whole or not at all, so this is a damaged disk.
fn read<T: serde::de::DeserializeOwned>(run_dir: &Path, name: &str) -> Option<T> {
    record::read(run_dir, name).inspect_err(|error| tracing::error!(?run_dir, name, "a record is unreadable: {error}")).ok().flatten()
}

fn try_lock(run_dir: &Path) -> Option<Flock<std::fs::File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(run_dir.join("lock")).ok()?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()
}
