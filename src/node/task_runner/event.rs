//! What is told of a task, under the type names that Nomad's clients know.

use std::time::Duration;

use crate::model::TaskEvent;
use crate::runtime::driver::ExitRecord;
use crate::util::clock::Timestamp;
use crate::util::go_duration;

/// What went wrong before a task ran, which decides the event's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The specification cannot work on this node.
    Validation,
    /// Directories, templates, the journal.
    Setup,
    /// The driver or the launcher.
    Driver,
}

fn event(kind: &str, at: Timestamp, message: String, details: &[(&str, String)]) -> TaskEvent {
    TaskEvent {
        kind: kind.into(),
        time: at,
        message: message.into(),
        details: details.iter().map(|(key, value)| ((*key).into(), value.as_str().into())).collect(),
        fails_task: false,
    }
}

pub fn received(at: Timestamp) -> TaskEvent {
    event("Received", at, "Task received by client".to_owned(), &[])
}

pub fn task_setup(at: Timestamp) -> TaskEvent {
    let message = "Building Task Directory";
    event("Task Setup", at, message.to_owned(), &[("message", message.to_owned())])
}

pub fn started(at: Timestamp) -> TaskEvent {
    event("Started", at, "Task started by client".to_owned(), &[])
}

pub fn terminated(at: Timestamp, exit: &ExitRecord) -> TaskEvent {
    let mut message = if exit.unknown { "Exit status unknown".to_owned() } else { format!("Exit Code: {}", exit.exit_code) };
    if exit.signal != 0 {
        message += &format!(", Signal: {}", exit.signal);
    }
    if exit.oom_killed {
        message += ", Exit Message: \"OOM Killed\"";
    }
    let details =
        [("exit_code", exit.exit_code.to_string()), ("signal", exit.signal.to_string()), ("oom_killed", exit.oom_killed.to_string())];
    event("Terminated", at, message, &details)
}

pub fn restarting(at: Timestamp, delay: Duration, reason: &str) -> TaskEvent {
    let message = format!("Task restarting in {}", go_duration::format(delay));
    event("Restarting", at, message, &[("restart_reason", reason.to_owned()), ("start_delay", delay.as_nanos().to_string())])
}

pub fn not_restarting(at: Timestamp, reason: &str) -> TaskEvent {
    let details = [("restart_reason", reason.to_owned()), ("fails_task", "true".to_owned())];
    TaskEvent { fails_task: true, ..event("Not Restarting", at, reason.to_owned(), &details) }
}

pub fn killing(at: Timestamp, signal: &str, timeout: Duration, reason: &str) -> TaskEvent {
    let timeout = go_duration::format(timeout);
    let message = format!("Sent {signal}. Waiting {timeout} before force killing");
    event("Killing", at, message, &[("kill_timeout", timeout), ("kill_reason", reason.to_owned())])
}

pub fn kill_failed(at: Timestamp, problem: &str) -> TaskEvent {
    event("Killing", at, format!("Stopping failed, trying again: {problem}"), &[("kill_error", problem.to_owned())])
}

pub fn killed(at: Timestamp) -> TaskEvent {
    event("Killed", at, "Task successfully killed".to_owned(), &[])
}

pub fn waiting_for_shutdown_delay(at: Timestamp, delay: Duration) -> TaskEvent {
    let message = format!("Waiting for shutdown_delay of {} before killing the task.", go_duration::format(delay));
    event("Waiting for shutdown delay", at, message, &[])
}

pub fn sibling_failed(at: Timestamp, sibling: &str) -> TaskEvent {
    let message = format!("Task's sibling \"{sibling}\" failed");
    event("Sibling Task Failed", at, message, &[("failed_sibling", sibling.to_owned())])
}

pub fn leader_dead(at: Timestamp) -> TaskEvent {
    event("Leader Task Dead", at, "Leader Task in Group dead".to_owned(), &[])
}

pub fn main_tasks_dead(at: Timestamp) -> TaskEvent {
    event("Main Tasks Dead", at, "Main tasks in the group died".to_owned(), &[])
}

pub fn restart_signaled(at: Timestamp, reason: &str) -> TaskEvent {
    event("Restart Signaled", at, reason.to_owned(), &[("restart_reason", reason.to_owned())])
}

pub fn signaling(at: Timestamp, signal: &str) -> TaskEvent {
    let details = [("signal", signal.to_owned()), ("task_signal_reason", "User requested task to be signaled".to_owned())];
    event("Signaling", at, format!("Task being sent signal {signal}: User requested task to be signaled"), &details)
}

pub fn start_failed(at: Timestamp, kind: FailureKind, problem: &str) -> TaskEvent {
    let (name, key) = match kind {
        FailureKind::Validation => ("Failed Validation", "validation_error"),
        FailureKind::Setup => ("Setup Failure", "setup_error"),
        FailureKind::Driver => ("Driver Failure", "driver_error"),
    };
    event(name, at, problem.to_owned(), &[(key, problem.to_owned())])
}
