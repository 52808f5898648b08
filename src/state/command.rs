//! What can be done to the state. Commands are written to the log, so the enums here only grow at their end, and everything that `apply`
//! may not make up itself (ids, times) comes inside.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::tables::Submission;
use crate::codec::Persisted;
use crate::model::allocation::DesiredTransition;
use crate::model::autopilot::AutopilotConfig;
use crate::model::node::DrainStrategy;
use crate::model::node_pool::NodePool;
use crate::model::plan::DeploymentUpdate;
use crate::model::scaling::ScalingEvent;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::security::{Digest, JoinRefusal, SecurityChange};
use crate::model::signing_key::SigningKey;
use crate::model::{
    AllocId, AllocationUpdate, DeploymentId, Eligibility, EvalId, Evaluation, Job, JobKey, Node, NodeId, NodeStatus, Plan, Text,
};
use crate::util::clock::Timestamp;

/// One log entry's payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Random per client request; a retry carries the same and is applied once. 0: not deduplicated.
    pub id: u128,
    pub command: Command,
}

impl Persisted for Request {
    const KIND: u8 = 1;
    const VERSION: u16 = 1;
}

/// The order of variants is their tag on disk: append only (pinned by a test).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Nothing but a new index.
    Noop,
    RegisterJob {
        job: Arc<Job>,
        submission: Option<Arc<Submission>>,
        /// Register only if the job's `job_modify_index` is this (0: only if there is no such job).
        enforce_index: Option<u64>,
        evaluation: Option<Box<Evaluation>>,
        at: Timestamp,
    },
    DeregisterJob {
        key: JobKey,
        /// Forget the job at once instead of keeping it stopped.
        purge: bool,
        evaluation: Option<Box<Evaluation>>,
        no_shutdown_delay: bool,
        at: Timestamp,
    },
    /// A node's registration; an unchanged one only refreshes its status.
    RegisterNode {
        node: Box<Node>,
        evaluations: Vec<Evaluation>,
        at: Timestamp,
    },
    SetNodeStatus {
        node: NodeId,
        status: NodeStatus,
        description: Text,
        evaluations: Vec<Evaluation>,
        at: Timestamp,
    },
    SetNodeEligibility {
        node: NodeId,
        eligibility: Eligibility,
        evaluations: Vec<Evaluation>,
        at: Timestamp,
    },
    SetNodeDrain {
        node: NodeId,
        drain: Option<DrainStrategy>,
        eligibility: Eligibility,
        evaluations: Vec<Evaluation>,
        at: Timestamp,
    },
    /// Forgets a node; its allocations are marked lost.
    PurgeNode {
        node: NodeId,
        evaluations: Vec<Evaluation>,
        at: Timestamp,
    },
    UpsertEvaluations {
        evaluations: Vec<Evaluation>,
    },
    ApplyPlan {
        plan: Box<Plan>,
    },
    /// Nodes' reports, batched.
    UpdateAllocations {
        updates: Vec<AllocationUpdate>,
        evaluations: Vec<Evaluation>,
        at: Timestamp,
    },
    SetDesiredTransitions {
        transitions: Vec<(AllocId, DesiredTransition)>,
        evaluations: Vec<Evaluation>,
        at: Timestamp,
    },
    SetSchedulerConfig {
        config: SchedulerConfig,
        check_index: Option<u64>,
    },
    SetJobStability {
        key: JobKey,
        version: u64,
        stable: bool,
    },
    CollectGarbage {
        collected: Collected,
    },
    /// An operator pauses, resumes, promotes or fails a deployment.
    UpdateDeployment {
        update: DeploymentUpdate,
        evaluation: Option<Box<Evaluation>>,
        at: Timestamp,
    },
    /// An operator's verdict on instances of a deployment.
    SetAllocationHealth {
        deployment: DeploymentId,
        healthy: Vec<AllocId>,
        unhealthy: Vec<AllocId>,
        evaluation: Option<Box<Evaluation>>,
        at: Timestamp,
    },
    /// A time in a periodic job's table came.
    LaunchPeriodic {
        parent: JobKey,
        scheduled: Timestamp,
        /// `None`: skipped, since an earlier launch still runs.
        child: Option<Box<Child>>,
        at: Timestamp,
    },
    /// A child that somebody asked for: a dispatch, or a launch out of turn.
    StartChild {
        parent: JobKey,
        /// A second start with the token of an earlier one, whose child is still known, changes nothing.
        idempotency_token: Option<Text>,
        child: Box<Child>,
        at: Timestamp,
    },
    ChangeSecurity {
        change: SecurityChange,
    },
    /// Changes the count of a group by registering the job with it, and keeps the event; without a job, only the event.
    ScaleJob {
        key: JobKey,
        group: Text,
        event: Box<ScalingEvent>,
        job: Option<Arc<Job>>,
        submission: Option<Arc<Submission>>,
        enforce_index: Option<u64>,
        evaluation: Option<Box<Evaluation>>,
        at: Timestamp,
    },
    /// Another key to sign identities with; from now on it is the one that signs.
    AddSigningKey {
        key: Box<SigningKey>,
    },
    SetAutopilotConfig {
        config: AutopilotConfig,
        check_index: Option<u64>,
    },
    /// A piece of a snapshot that is to be restored: they come in order, and the first one of another restore replaces what lay there.
    StageRestore {
        restore: u128,
        part: u32,
        bytes: Arc<Vec<u8>>,
    },
    /// The pieces staged, whose digest is this, become the state.
    Restore {
        restore: u128,
        digest: Digest,
    },
    /// Writes a pool down anew, or as it is now.
    UpsertNodePool {
        pool: Box<NodePool>,
    },
    DeleteNodePool {
        name: Text,
    },
}

/// A job to be launched by its parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Child {
    pub job: Arc<Job>,
    pub evaluation: Evaluation,
}

/// Rows that are over and old enough; whatever came alive again meanwhile is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Collected {
    pub jobs: Vec<JobKey>,
    pub evaluations: Vec<EvalId>,
    pub allocations: Vec<AllocId>,
    pub deployments: Vec<DeploymentId>,
    pub nodes: Vec<NodeId>,
}

/// What a command is answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The log index at which it was applied (the first time, for a retried request).
    pub index: u64,
    /// Placements of a plan that no longer held and were dropped.
    pub dropped_placements: u32,
}

/// Why a command changed nothing. Deterministic, like everything `apply` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error("job not found")]
    JobNotFound,
    #[error("node not found")]
    NodeNotFound,
    #[error("alloc not found")]
    AllocationNotFound,
    #[error("job version not found")]
    VersionNotFound,
    /// The wording is matched by Nomad's clients.
    #[error("Enforcing job modify index {expected}: {found}")]
    JobIndexConflict { expected: u64, found: IndexFound },
    #[error("scheduler configuration was changed meanwhile: expected index {expected}, found {found}")]
    SchedulerConfigConflict { expected: u64, found: u64 },
    #[error("deployment not found")]
    DeploymentNotFound,
    #[error("deployment is terminal")]
    DeploymentOver,
    #[error("the job was stopped or replaced meanwhile")]
    ParentGone,
    #[error("the launch was made already")]
    AlreadyLaunched,
    #[error("job {0:?} exists already")]
    ChildExists(Text),
    #[error(transparent)]
    JoinRefused(#[from] JoinRefusal),
    #[error("join token not found")]
    JoinTokenNotFound,
    #[error("the cluster has its authority already")]
    SecurityExists,
    #[error("autopilot's configuration was changed meanwhile: expected index {expected}, found {found}")]
    AutopilotConfigConflict { expected: u64, found: u64 },
    #[error("a rotation of the certificate authority is under way")]
    RotationUnderWay,
    #[error("certificate authority not found")]
    AuthorityNotFound,
    #[error("another restore began meanwhile")]
    RestoreSuperseded,
    #[error("the snapshot cannot be restored: {0}")]
    BadSnapshot(Text),
    #[error("node pool not found")]
    NodePoolNotFound,
    #[error("node pool {0:?} is built in and stays as it is")]
    NodePoolBuiltIn(Text),
    #[error("node pool {name:?} has {what} in it")]
    NodePoolInUse { name: Text, what: Text },
}

/// What stands where an index was enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexFound {
    Missing,
    Exists,
    Other(u64),
}

impl std::fmt::Display for IndexFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("job does not exist"),
            Self::Exists => f.write_str("job already exists"),
            Self::Other(index) => write!(f, "job exists with conflicting job modify index: {index}"),
        }
    }
}
