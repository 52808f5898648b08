//! The server half of the agent, as the API sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::ServerError;
use crate::model::node_pool::NodePool;
use crate::model::plan::PlacementMetrics;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::{AllocId, ConfigValue, DeploymentId, Eligibility, EvalId, Job, JobKey, NodeId, Text};
use crate::scheduler::Explanation;
use crate::state::{Store, Submission};

/// Reads go to [`Self::store`]; every write is durable on a quorum when its future resolves. A follower forwards to the leader.
pub trait ServerHandle: Send + Sync + 'static {
    fn store(&self) -> &Arc<Store>;

    fn status(&self) -> ServerStatus;

    /// Resolves when [`Self::store`] holds everything that was acknowledged before the call. A leader's lease vouches for that, or, if it
    /// is to be `consistent` even when clocks go wrong, a quorum.
    fn read_barrier(&self, consistent: bool) -> BoxFuture<'_, Result<(), ServerError>>;

    /// Why this build's drivers refuse the job.
    fn driver_problems(&self, job: &Job) -> Vec<String>;

    fn register_job(&self, request: RegisterJob) -> BoxFuture<'_, Result<Registered, ServerError>>;

    fn deregister_job(
        &self,
        key: JobKey,
        purge: bool,
        no_shutdown_delay: bool,
        eval_priority: Option<u8>,
    ) -> BoxFuture<'_, Result<Registered, ServerError>>;

    /// A new evaluation of a job as it is; `force_reschedule` places failed instances again although their policy would wait.
    fn evaluate_job(&self, key: JobKey, force_reschedule: bool) -> BoxFuture<'_, Result<Registered, ServerError>>;

    fn scale_job(&self, key: JobKey, request: ScaleJob) -> BoxFuture<'_, Result<Registered, ServerError>>;

    /// Registers an earlier version's specification again, if the job is still at `enforce_prior` (when given).
    fn revert_job(&self, key: JobKey, version: u64, enforce_prior: Option<u64>) -> BoxFuture<'_, Result<Registered, ServerError>>;

    /// Answers with the index of the change.
    fn set_job_stability(&self, key: JobKey, version: u64, stable: bool) -> BoxFuture<'_, Result<u64, ServerError>>;

    /// Runs a parameterized job once.
    fn dispatch_job(&self, key: JobKey, request: DispatchJob) -> BoxFuture<'_, Result<Dispatched, ServerError>>;

    /// Launches a periodic job now.
    fn force_periodic_job(&self, key: JobKey) -> BoxFuture<'_, Result<Registered, ServerError>>;

    /// What registering the job would do now. Writes nothing.
    fn plan_job(&self, job: Job) -> BoxFuture<'_, Result<DryRun, ServerError>>;

    /// Why a job's instances are where they are, or nowhere. Writes nothing.
    fn explain_job(&self, key: JobKey) -> BoxFuture<'_, Result<Explanation, ServerError>>;

    fn stop_allocation(&self, id: AllocId, no_shutdown_delay: bool) -> BoxFuture<'_, Result<Registered, ServerError>>;

    /// The job goes back to its stable version where its groups ask for that.
    fn fail_deployment(&self, id: DeploymentId) -> BoxFuture<'_, Result<DeploymentChange, ServerError>>;

    fn pause_deployment(&self, id: DeploymentId, pause: bool) -> BoxFuture<'_, Result<DeploymentChange, ServerError>>;

    /// `None`: every group that has canaries.
    fn promote_deployment(&self, id: DeploymentId, groups: Option<Vec<String>>) -> BoxFuture<'_, Result<DeploymentChange, ServerError>>;

    /// An operator's verdict on instances of a deployment.
    fn set_allocation_health(
        &self,
        id: DeploymentId,
        healthy: Vec<AllocId>,
        unhealthy: Vec<AllocId>,
    ) -> BoxFuture<'_, Result<DeploymentChange, ServerError>>;

    fn evaluate_node(&self, id: NodeId) -> BoxFuture<'_, Result<NodeChange, ServerError>>;

    fn set_node_eligibility(&self, id: NodeId, eligibility: Eligibility) -> BoxFuture<'_, Result<NodeChange, ServerError>>;

    /// `None` ends a drain; `mark_eligible` then lets new allocations in at once.
    fn drain_node(&self, id: NodeId, drain: Option<Drain>, mark_eligible: bool) -> BoxFuture<'_, Result<NodeChange, ServerError>>;

    fn purge_node(&self, id: NodeId) -> BoxFuture<'_, Result<NodeChange, ServerError>>;

    /// `check_index`: only if the configuration's modify index is still this; otherwise the state rejects it. Answers with the index.
    fn set_scheduler_config(&self, config: SchedulerConfig, check_index: Option<u64>) -> BoxFuture<'_, Result<u64, ServerError>>;

    fn upsert_node_pool(&self, pool: NodePool) -> BoxFuture<'_, Result<u64, ServerError>>;

    fn delete_node_pool(&self, name: Text) -> BoxFuture<'_, Result<u64, ServerError>>;

    fn collect_garbage(&self) -> BoxFuture<'_, Result<(), ServerError>>;
}

/// A server's picture of its cluster.
#[derive(Clone, Debug, Default)]
pub struct ServerStatus {
    /// This server's name among its peers.
    pub name: String,
    pub region: String,
    pub datacenter: String,
    pub is_leader: bool,
    /// RPC address of the leader, when there is one.
    pub leader: Option<String>,
    pub peers: Vec<Peer>,
    pub term: u64,
    pub last_log_index: u64,
    pub commit_index: u64,
    pub applied_index: u64,
    pub last_snapshot_index: u64,
    /// Milliseconds since this server heard of its leader; 0 on the leader.
    pub last_contact_ms: u64,
}

/// One server of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    pub id: String,
    pub name: String,
    /// `ip:port` of its RPC.
    pub address: String,
    pub voter: bool,
    pub leader: bool,
    /// Whether it answered lately.
    pub alive: bool,
}

/// A job to register.
#[derive(Clone, Debug)]
pub struct RegisterJob {
    pub job: Job,
    pub submission: Option<Submission>,
    /// Only if the job's `job_modify_index` is this; 0: only if there is no such job.
    pub enforce_index: Option<u64>,
    pub eval_priority: Option<u8>,
    /// Keep the counts of groups that run already.
    pub preserve_counts: bool,
}

/// A group's new count, or only a note in its history when `count` is `None`.
#[derive(Clone, Debug)]
pub struct ScaleJob {
    pub group: String,
    pub count: Option<u32>,
    pub message: String,
    /// The message tells of an error.
    pub error: bool,
    /// Kept with the event; an autoscaler's own.
    pub meta: ConfigValue,
    pub enforce_index: Option<u64>,
}

/// What a parameterized job is to be run with.
#[derive(Clone, Debug, Default)]
pub struct DispatchJob {
    pub payload: Vec<u8>,
    pub meta: BTreeMap<Text, Text>,
    pub id_prefix: String,
    pub priority: Option<u8>,
    pub idempotency_token: Option<Text>,
}

/// What became of a dispatch. There is no evaluation when its token was known already.
#[derive(Clone, Debug, Default)]
pub struct Dispatched {
    pub job_id: String,
    pub job_create_index: u64,
    pub eval_id: Option<EvalId>,
    pub index: u64,
}

/// What became of a write that may start an evaluation.
#[derive(Clone, Debug, Default)]
pub struct Registered {
    pub eval_id: Option<EvalId>,
    /// Log index of the change.
    pub index: u64,
    pub job_modify_index: u64,
}

/// What became of a change to a deployment.
#[derive(Clone, Debug, Default)]
pub struct DeploymentChange {
    pub eval_id: Option<EvalId>,
    pub index: u64,
    /// The version that the job went back to.
    pub reverted_to: Option<u64>,
}

/// What became of a change to a node.
#[derive(Clone, Debug, Default)]
pub struct NodeChange {
    pub eval_ids: Vec<EvalId>,
    pub index: u64,
}

/// How a node is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// What is left after this is stopped; zero: at once; `None`: nothing is forced.
    pub deadline: Option<Duration>,
    pub ignore_system_jobs: bool,
}

/// What a registration would do.
#[derive(Clone, Debug, Default)]
pub struct DryRun {
    /// Modify index of the job that is registered now; 0: none is.
    pub job_modify_index: u64,
    pub groups: BTreeMap<Text, DesiredChanges>,
    /// Groups that would not fit, with the reasons.
    pub failed: BTreeMap<Text, Arc<PlacementMetrics>>,
    /// Allocations that would have to leave for it.
    pub evicted: Vec<AllocId>,
}

/// Instances of one group by what would happen to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DesiredChanges {
    pub place: u64,
    pub stop: u64,
    pub in_place: u64,
    pub destructive: u64,
    pub migrate: u64,
    pub canary: u64,
    pub ignore: u64,
    pub preemptions: u64,
    pub disconnect: u64,
    pub reconnect: u64,
    pub reschedule_now: u64,
    pub reschedule_later: u64,
}
