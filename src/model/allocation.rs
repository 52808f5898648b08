//! An allocation: one instance of a group, bound to a node.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::compact::{Blank, Few, Seldom};
use super::plan::PlacementMetrics;
use super::{AllocId, Ask, AssignedDevice, AssignedPort, DeploymentId, EvalId, JobRef, NodeId, Text};
use crate::util::clock::Timestamp;

/// There may be a million of them: what most do not have takes a pointer's room, and texts are shared between rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    pub id: AllocId,
    pub eval_id: EvalId,
    pub node_id: NodeId,
    pub node_name: Text,
    /// The specification it runs; the row itself is in the state's table of specifications.
    pub job: JobRef,
    pub group: Text,
    /// 0..count; with job and group the allocation's name.
    pub index: u32,

    /// What it takes from the node. Frozen at placement.
    pub ask: Ask,
    pub ports: Few<AssignedPort>,
    pub cores: Few<u16>,
    pub devices: Few<AssignedDevice>,

    pub desired_status: AllocDesiredStatus,
    pub desired_description: Text,
    /// Asks the node to restart or the scheduler to move it.
    pub desired_transition: DesiredTransition,

    pub client_status: AllocClientStatus,
    pub client_description: Text,
    pub task_states: TaskStates,

    pub deployment: Option<DeploymentId>,
    pub deployment_health: Option<DeploymentHealth>,

    pub history: Seldom<History>,

    /// Why it is where it is.
    pub metrics: Arc<PlacementMetrics>,

    pub create_index: u64,
    pub modify_index: u64,
    /// Last index at which something the node must act on changed.
    pub alloc_modify_index: u64,
    pub create_time: Timestamp,
    pub modify_time: Timestamp,
}

/// How an allocation hangs together with others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub previous: Option<AllocId>,
    pub next: Option<AllocId>,
    pub reschedules: Vec<RescheduleEvent>,
    pub follow_up_eval: Option<EvalId>,
    pub preempted_by: Option<AllocId>,
    /// Those that left so that this one fits.
    pub preempted: Vec<AllocId>,
}

impl Blank for History {
    fn blank() -> &'static Self {
        const BLANK: &History = &History {
            previous: None,
            next: None,
            reschedules: Vec::new(),
            follow_up_eval: None,
            preempted_by: None,
            preempted: Vec::new(),
        };
        BLANK
    }
}

impl Allocation {
    /// `job.group[index]`.
    pub fn name(&self) -> String {
        format!("{}.{}[{}]", self.job.key.id, self.group, self.index)
    }

    /// The servers no longer want it to run.
    pub fn is_server_terminal(&self) -> bool {
        self.desired_status != AllocDesiredStatus::Run
    }

    /// The node says that it is over.
    pub fn is_client_terminal(&self) -> bool {
        matches!(self.client_status, AllocClientStatus::Complete | AllocClientStatus::Failed | AllocClientStatus::Lost)
    }

    /// Over for good: neither wanted, nor (as far as the node's report goes) running.
    pub fn is_terminal(&self) -> bool {
        self.is_server_terminal() || self.is_client_terminal()
    }

    /// Whether it still holds its resources on the node. A stopped allocation holds them until the node
    /// reports its end: giving them away earlier would oversubscribe the node while the task still dies.
    pub fn occupies(&self) -> bool {
        !self.is_client_terminal()
    }

    /// Whether its room counts as taken. That of an evicted allocation has been handed over to whoever pushed it aside; its node lets nobody
    /// start there before it has ended.
    pub fn holds_room(&self) -> bool {
        self.occupies() && self.desired_status != AllocDesiredStatus::Evict
    }

    /// The verdict for the deployment that it belongs to.
    pub fn health(&self) -> Option<bool> {
        self.deployment_health.as_ref().and_then(|health| health.healthy)
    }

    /// Whether it runs beside an older version until it is promoted.
    pub fn is_canary(&self) -> bool {
        self.deployment_health.as_ref().is_some_and(|health| health.canary)
    }

    /// Whether every main task ended with success.
    pub fn ran_successfully(&self) -> bool {
        self.client_status == AllocClientStatus::Complete
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AllocDesiredStatus {
    Run,
    Stop,
    Evict,
}

impl AllocDesiredStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Stop => "stop",
            Self::Evict => "evict",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AllocClientStatus {
    Pending,
    Running,
    Complete,
    Failed,
    Lost,
    Unknown,
}

impl AllocClientStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredTransition {
    /// Move it (drain).
    pub migrate: bool,
    /// Place it again although its policy would wait (`alloc stop`, `job eval -force-reschedule`).
    pub reschedule: bool,
    pub force_reschedule: bool,
    pub no_shutdown_delay: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentHealth {
    /// `None` until its node, or an operator, has a verdict.
    pub healthy: Option<bool>,
    /// Placed beside the older version, and not promoted yet.
    pub canary: bool,
    pub timestamp: Timestamp,
    pub modify_index: u64,
}

/// One earlier try of the same instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescheduleEvent {
    pub time: Timestamp,
    pub previous_alloc: AllocId,
    pub previous_node: NodeId,
    pub delay: std::time::Duration,
}

/// What a node reports of one of its allocations (batched).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationUpdate {
    pub id: AllocId,
    pub client_status: AllocClientStatus,
    pub client_description: Text,
    pub task_states: TaskStates,
    pub health: Option<HealthReport>,
    pub at: Timestamp,
}

/// A node's verdict on an allocation. It names the deployment that it was watched for: the servers may have gone on to a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    pub deployment: DeploymentId,
    pub healthy: bool,
}

/// The states of an allocation's tasks by the tasks' names. Most have one or two: a map would take room for eleven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStates(
    /// By name.
    Box<[(Text, TaskState)]>,
);

impl TaskStates {
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &TaskState)> {
        self.0.iter().map(|(name, state)| (name, state))
    }

    pub fn values(&self) -> impl Iterator<Item = &TaskState> {
        self.0.iter().map(|(_, state)| state)
    }

    pub fn get(&self, task: &str) -> Option<&TaskState> {
        self.0.iter().find(|(name, _)| &**name == task).map(|(_, state)| state)
    }
}

impl std::ops::Index<&str> for TaskStates {
    type Output = TaskState;

    /// # Panics
    /// Where there is no such task.
    fn index(&self, task: &str) -> &TaskState {
        self.get(task).expect("a task of the allocation")
    }
}

impl FromIterator<(Text, TaskState)> for TaskStates {
    fn from_iter<I: IntoIterator<Item = (Text, TaskState)>>(states: I) -> Self {
        Self(BTreeMap::from_iter(states).into_iter().collect())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskRunState {
    #[default]
    Pending,
    Running,
    Dead,
}

impl TaskRunState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Dead => "dead",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskState {
    pub state: TaskRunState,
    pub failed: bool,
    pub restarts: u64,
    pub last_restart: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// The newest ten, oldest first.
    pub events: Vec<TaskEvent>,
}

impl TaskState {
    /// Appends an event, keeping the newest ten.
    pub fn push(&mut self, event: TaskEvent) {
        const KEPT: usize = 10;
        self.events.push(event);
        if self.events.len() > KEPT {
            self.events.remove(0);
        }
    }
}

/// Something that happened to a task; `kind` is one of Nomad's type names ("Started", "Terminated", ...).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEvent {
    pub kind: Text,
    pub time: Timestamp,
    pub message: Text,
    pub details: BTreeMap<Text, Text>,
    pub fails_task: bool,
}
