//! The seam between the node and what runs tasks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::launch::LaunchPlan;
use crate::model::task::LogConfig;
use crate::model::{AllocId, ConfigValue, DriverInfo, TaskResources};
use crate::util::clock::Timestamp;

/// Everything a driver needs to know of the task it prepares. All `${...}` in `config` are resolved already.
#[derive(Clone, Debug)]
pub struct TaskContext {
    pub alloc_id: AllocId,
    pub job_id: String,
    pub group: String,
    pub task: String,
    pub config: ConfigValue,
    pub user: String,
    pub env: BTreeMap<String, String>,
    pub resources: TaskResources,
    /// Ids of the cores reserved for this task (`resources.cores`), empty otherwise.
    pub cores: Vec<u16>,
    /// The allocation's directory: holds `alloc/` and the tasks' directories.
    pub alloc_dir: PathBuf,
    /// `<alloc_dir>/<task>`, the task's working directory.
    pub task_dir: PathBuf,
    /// `<alloc_dir>/alloc/logs`.
    pub logs_dir: PathBuf,
    /// Private to the launcher: socket, state and exit record of this start of the task. Unique per start.
    pub run_dir: PathBuf,
    pub logs: LogConfig,
}

/// A key of a driver's `config` that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ConfigProblem {
    /// `config.command`.
    pub path: String,
    pub problem: String,
}

/// Why a task did not start.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// Trying again would not help: a bad configuration, a command that does not exist.
    #[error("{0}")]
    Permanent(String),
    /// It may work later.
    #[error("{0}")]
    Transient(String),
}

/// A kind of task.
pub trait TaskDriver: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// Whether it can be used on this machine, and why not.
    fn fingerprint(&self) -> DriverInfo;

    /// All problems of a `config`, without looking at the machine. `${...}` may still be unresolved.
    fn check_config(&self, config: &ConfigValue) -> Vec<ConfigProblem>;

    /// The signal a stop begins with unless the task names another.
    fn default_kill_signal(&self) -> &'static str {
        "SIGINT"
    }

    /// Downloads, unpacks, resolves: everything before the first instruction of the task.
    fn prepare<'a>(&'a self, context: &'a TaskContext) -> BoxFuture<'a, Result<LaunchPlan, StartError>>;
}

/// A started task, whoever its parent is now.
pub trait TaskHandle: Send + Sync + 'static {
    /// The main process, while there is one.
    fn pid(&self) -> Option<u32>;

    /// Resolves when the task has ended; callable repeatedly and by several waiters.
    fn wait(&self) -> BoxFuture<'_, ExitRecord>;

    /// Sends a signal (by name, `SIGHUP`) to the main process.
    fn signal(&self, signal: &str) -> BoxFuture<'_, Result<(), String>>;

    /// Sends `signal` to the main process, and SIGKILL to everything in its cgroup when it has not ended after `grace`.
    fn stop<'a>(&'a self, signal: &'a str, grace: Duration) -> BoxFuture<'a, Result<(), String>>;

    fn stats(&self) -> BoxFuture<'_, Option<TaskStats>>;

    /// After the end: lets the shim go and removes cgroup, mounts and run directory. Idempotent.
    fn release(&self) -> BoxFuture<'_, ()>;
}

/// What was found of a task after the agent was away.
pub enum Recovered {
    /// It runs on; same process, no restart.
    Running(Arc<dyn TaskHandle>),
    /// It ended meanwhile; the handle still wants its `release`.
    Exited(ExitRecord, Arc<dyn TaskHandle>),
    /// Nothing is left of it (never started, or the machine was rebooted). Its traces are removed.
    Gone,
}

/// How a task ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    pub exit_code: i32,
    /// The signal's number when one ended it, else 0.
    pub signal: i32,
    pub oom_killed: bool,
    pub finished_at: Timestamp,
    /// Set when the end is known and its status is not (the shim died too, on a kernel that cannot tell).
    pub unknown: bool,
}

impl ExitRecord {
    pub fn is_success(&self) -> bool {
        self.exit_code == 0 && self.signal == 0 && !self.oom_killed && !self.unknown
    }
}

/// Usage of a task's cgroup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskStats {
    pub at: Timestamp,
    /// CPU time used since the start.
    pub cpu_user: Duration,
    pub cpu_system: Duration,
    pub cpu_total: Duration,
    pub throttled_periods: u64,
    pub throttled_time: Duration,
    /// Bytes.
    pub memory_usage: u64,
    pub memory_max_usage: u64,
    pub memory_rss: u64,
    pub memory_cache: u64,
    pub memory_swap: u64,
    pub pids: u64,
}
