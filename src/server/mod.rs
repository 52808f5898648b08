//! What the leader keeps true, and the verbs that change the state.
//!
//! Every verb builds a [`Command`] (ids and times are made here, so that `apply` need not) and proposes it; nothing is answered before it is
//! durable on a quorum. Beside the verbs run the leader's loops, each a pure decision with a thin driver: the scheduler loop, missed
//! heartbeats, periodic jobs, drains, garbage collection.

mod allocations;
mod autopilot;
mod children;
mod cluster;
mod deployments;
mod drains;
mod evaluate;
pub mod garbage;
pub mod heartbeats;
mod jobs;
mod keyring;
mod leader;
pub mod node_link;
mod pace;
mod periodic;
mod reports;
pub mod request_id;
mod scheduling;
mod security;
mod silent_nodes;
mod snapshots;
mod view;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::model::{EvalId, Evaluation, Text};
use crate::raft::{ProposeError, Raft, ReadError};
use crate::state::command::Request;
use crate::state::{Command, Rejection, Reply, Store};
use crate::util::clock::Timestamp;

pub use autopilot::{HealthReport, ServerHealth};
pub use children::{DispatchJob, Dispatched};
pub use cluster::DrainRequest;
pub use deployments::DeploymentChange;
pub use jobs::{DryRunResult, RegisterJob, ScaleRequest};
pub use snapshots::SavedState;
pub use view::View;

/// Settings of a server, with Nomad's defaults.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub region: Text,
    pub name: Text,
    pub heartbeats: heartbeats::HeartbeatConfig,
    pub garbage: garbage::GarbageConfig,
}

/// What a verb that may cause an evaluation is answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// `None` where nothing is to be scheduled (periodic and parameterized jobs).
    pub eval_id: Option<EvalId>,
    /// Log index of the change.
    pub index: u64,
    pub job_modify_index: u64,
}

/// Why a verb did not work. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ServerError {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
    #[error("{0}")]
    NotFound(&'static str),
    #[error("No cluster leader")]
    NoLeader,
    #[error("job registration is disabled by the scheduler configuration")]
    RegistrationDisabled,
    #[error("{0}")]
    Internal(String),
}

impl From<ProposeError> for ServerError {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Rejected(rejection) => Self::Rejected(rejection),
            // A server whose disk failed, or that is about to stop, leads no more: another one will, and a retry is worth while.
            ProposeError::NoLeader | ProposeError::Fatal(_) | ProposeError::ShuttingDown => Self::NoLeader,
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<ReadError> for ServerError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NoLeader | ReadError::Fatal(_) | ReadError::ShuttingDown => Self::NoLeader,
        }
    }
}

/// A server: the handle that the API, the node's link and the agent share.
pub struct Server {
    raft: Raft,
    config: ServerConfig,
    heartbeats: Mutex<heartbeats::Heartbeats>,
    /// Of the servers, while this one leads.
    health: Mutex<HealthReport>,
    /// Bumped to run garbage collection at once, whatever the thresholds.
    force_garbage: watch::Sender<u64>,
    reports: reports::Queue,
    pushes: Mutex<pace::Pace>,
}

impl Server {
    /// Starts the leader's loops into `tasks`; they end when `tasks` is dropped.
    pub fn start(raft: Raft, config: ServerConfig, tasks: &mut JoinSet<()>) -> Arc<Self> {
        let (reports, reported) = reports::queue();
        let server = Arc::new(Self {
            heartbeats: Mutex::new(heartbeats::Heartbeats::new(config.heartbeats.clone())),
            raft,
            config,
            health: Mutex::default(),
            force_garbage: watch::Sender::new(0),
            reports,
            pushes: Mutex::new(pace::Pace::new(tokio::time::Instant::now())),
        });
        tasks.spawn(reports::write(Arc::clone(&server), reported));
        tasks.spawn(leader::lead(Arc::clone(&server)));
        server
    }

    pub fn store(&self) -> &Arc<Store> {
        self.raft.store()
    }

    pub fn raft(&self) -> &Raft {
        &self.raft
    }

    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Collects all garbage now, whatever its age.
    pub fn collect_garbage(&self) {
        self.force_garbage.send_modify(|count| *count += 1);
    }

    async fn propose(&self, command: Command) -> Result<Reply, ServerError> {
        Ok(self.raft.propose_request(Request { id: request_id::next_proposal(), command }).await?)
    }

    /// Until it is the caller's turn to send a node what is new for it.
    async fn push_turn(&self) {
        let now = tokio::time::Instant::now();
        let turn = self.pushes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).turn(now);
        if turn > now {
            tokio::time::sleep_until(turn).await;
        }
    }

    fn with_heartbeats<T>(&self, use_them: impl FnOnce(&mut heartbeats::Heartbeats) -> T) -> T {
        use_them(&mut self.heartbeats.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A fresh pending evaluation.
fn evaluation_of(job: &crate::model::Job, trigger: crate::model::EvalTrigger, now: Timestamp) -> Evaluation {
    Evaluation::pending(request_id::next_evaluation(), job.key.clone(), job.job_type, job.priority, trigger, now)
}

/// How long a leader waits before it tries a step again that failed.
const RETRY: Duration = Duration::from_millis(200);
