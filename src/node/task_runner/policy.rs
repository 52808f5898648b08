//! What the specification says about ending and restarting a task, resolved for this node.

use std::time::Duration;

use crate::model::policy::RestartPolicy;
use crate::model::{Job, Task, TaskGroup};

/// The signal a stop begins with when neither the task nor its driver names one.
const FALLBACK_KILL_SIGNAL: &str = "SIGINT";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPolicy {
    pub restart: RestartPolicy,
    /// Whether an exit with success is followed by a restart, too (services and sidecars).
    pub restart_on_success: bool,
    pub kill_signal: String,
    /// Already capped by the node's maximum.
    pub kill_timeout: Duration,
    /// Between taking the task out of service discovery and its kill signal.
    pub shutdown_delay: Duration,
}

impl TaskPolicy {
    /// `driver_signal` is the driver's default kill signal, where the driver is known.
    pub fn of(job: &Job, group: &TaskGroup, task: &Task, driver_signal: Option<&str>, max_kill_timeout: Duration) -> Self {
        let restart_on_success = match &task.lifecycle {
            Some(lifecycle) => lifecycle.sidecar,
            None => !job.job_type.is_batch(),
        };
        let kill_signal = if task.kill_signal.is_empty() { driver_signal.unwrap_or(FALLBACK_KILL_SIGNAL) } else { &*task.kill_signal };
        Self {
            restart: task.restart.clone().unwrap_or_else(|| group.restart.clone()),
            restart_on_success,
            kill_signal: kill_signal.to_owned(),
            kill_timeout: task.kill_timeout.min(max_kill_timeout),
            shutdown_delay: task.shutdown_delay.max(group.shutdown_delay),
        }
    }
}
