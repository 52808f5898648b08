//! What can be said to an allocation's runner, and what can be seen of it.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, oneshot, watch};

use crate::model::{AllocClientStatus, TaskState, Text};
use crate::node::error::NodeError;
use crate::node::task_runner::launch::LaunchOutcome;
use crate::rpc::Assignment;
use crate::runtime::driver::{ExitRecord, TaskStats};

pub enum AllocMessage {
    /// What the servers want of it now.
    Assign(Assignment),
    /// The servers were heard since the agent's start, and there is room: what waited for that may start.
    MayStart,
    /// End every task; the reason is told in their events.
    Stop(String),
    /// End every task, then remove its directories and its journal entry.
    Forget,
    /// Leave the tasks as they are and end the loop.
    Detach,
    Restart {
        task: Option<String>,
        reply: oneshot::Sender<Result<(), NodeError>>,
    },
    Signal {
        task: Option<String>,
        signal: String,
        reply: oneshot::Sender<Result<(), NodeError>>,
    },
    Stats {
        reply: oneshot::Sender<BTreeMap<Text, TaskStats>>,
    },
    /// From one start of one of its tasks.
    Task {
        task: Text,
        start: u64,
        report: TaskReport,
    },
}

pub enum TaskReport {
    Launched(LaunchOutcome),
    Exited(ExitRecord),
    StopFailed(String),
}

/// What others may see of a runner.
#[derive(Clone, Debug, PartialEq)]
pub struct AllocView {
    pub assignment: Assignment,
    pub client_status: AllocClientStatus,
    pub task_states: BTreeMap<Text, TaskState>,
    /// No task runs, and none will.
    pub over: bool,
}

impl AllocView {
    /// Whether any of its tasks has ever run on this node.
    pub fn has_started(&self) -> bool {
        self.task_states.values().any(|state| state.started_at.is_some())
    }
}

/// The way to a runner. Dropping it leaves the runner running.
#[derive(Clone)]
pub struct AllocRunnerHandle {
    pub(super) messages: mpsc::UnboundedSender<AllocMessage>,
    pub(super) view: watch::Receiver<AllocView>,
}

impl AllocRunnerHandle {
    /// A message to a runner that has ended is dropped, as is what it wanted.
    pub fn send(&self, message: AllocMessage) {
        let _ = self.messages.send(message);
    }

    pub fn view(&self) -> AllocView {
        self.view.borrow().clone()
    }

    /// Resolves when no task runs any more.
    pub async fn over(&mut self) {
        let _ = self.view.wait_for(|view| view.over).await;
    }

    /// Resolves when the runner's loop has ended.
    pub async fn ended(&self) {
        self.messages.closed().await;
    }
}
