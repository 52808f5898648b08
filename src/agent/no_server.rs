//! What an agent that is no server knows of the cluster: nothing. Requests about the cluster are handed to a server before they come here.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::driver_check;
use crate::api::handles::{
    ClusterHandle, ClusterHealth, DeploymentChange, DispatchJob, Dispatched, Drain, DryRun, NewJoinToken, NodeChange, RegisterJob,
    Registered, SavedState, ScaleJob, ServerError, ServerHandle, ServerStatus,
};
use crate::model::autopilot::AutopilotConfig;
use crate::model::node_pool::NodePool;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::security::Role;
use crate::model::{AllocId, DeploymentId, Eligibility, Job, JobKey, NodeId, Text};
use crate::scheduler::Explanation;
use crate::state::{State, Store};

/// An empty state, and a refusal to everything else.
pub struct NoServer {
    pub store: Arc<Store>,
    pub region: String,
    pub datacenter: String,
}

impl NoServer {
    pub fn new(region: String, datacenter: String) -> Self {
        Self { store: Store::new(State::default()), region, datacenter }
    }
}

fn refuse<T: Send + 'static>() -> BoxFuture<'static, Result<T, ServerError>> {
    async { Err(ServerError::NoLeader) }.boxed()
}

type Answer<'a, T> = BoxFuture<'a, Result<T, ServerError>>;

impl ServerHandle for NoServer {
    fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn status(&self) -> ServerStatus {
        ServerStatus { region: self.region.clone(), datacenter: self.datacenter.clone(), ..ServerStatus::default() }
    }

    fn read_barrier(&self, _consistent: bool) -> Answer<'_, ()> {
        refuse()
    }

    fn driver_problems(&self, job: &Job) -> Vec<String> {
        driver_check::problems(&driver_check::all_drivers(), job)
    }

    fn register_job(&self, _request: RegisterJob) -> Answer<'_, Registered> {
        refuse()
    }

    fn deregister_job(&self, _key: JobKey, _purge: bool, _no_shutdown_delay: bool, _eval_priority: Option<u8>) -> Answer<'_, Registered> {
        refuse()
    }

    fn evaluate_job(&self, _key: JobKey, _force_reschedule: bool) -> Answer<'_, Registered> {
        refuse()
    }

    fn scale_job(&self, _key: JobKey, _request: ScaleJob) -> Answer<'_, Registered> {
        refuse()
    }

    fn revert_job(&self, _key: JobKey, _version: u64, _enforce_prior: Option<u64>) -> Answer<'_, Registered> {
        refuse()
    }

    fn set_job_stability(&self, _key: JobKey, _version: u64, _stable: bool) -> Answer<'_, u64> {
        refuse()
    }

    fn dispatch_job(&self, _key: JobKey, _request: DispatchJob) -> Answer<'_, Dispatched> {
        refuse()
    }

    fn force_periodic_job(&self, _key: JobKey) -> Answer<'_, Registered> {
        refuse()
    }

    fn explain_job(&self, _key: JobKey) -> Answer<'_, Explanation> {
        refuse()
    }

    fn plan_job(&self, _job: Job) -> Answer<'_, DryRun> {
        refuse()
    }

    fn stop_allocation(&self, _id: AllocId, _no_shutdown_delay: bool) -> Answer<'_, Registered> {
        refuse()
    }

    fn fail_deployment(&self, _id: DeploymentId) -> Answer<'_, DeploymentChange> {
        refuse()
    }

    fn pause_deployment(&self, _id: DeploymentId, _pause: bool) -> Answer<'_, DeploymentChange> {
        refuse()
    }

    fn promote_deployment(&self, _id: DeploymentId, _groups: Option<Vec<String>>) -> Answer<'_, DeploymentChange> {
        refuse()
    }

    fn set_allocation_health(&self, _id: DeploymentId, _healthy: Vec<AllocId>, _unhealthy: Vec<AllocId>) -> Answer<'_, DeploymentChange> {
        refuse()
    }

    fn evaluate_node(&self, _id: NodeId) -> Answer<'_, NodeChange> {
        refuse()
    }

    fn set_node_eligibility(&self, _id: NodeId, _eligibility: Eligibility) -> Answer<'_, NodeChange> {
        refuse()
    }

    fn drain_node(&self, _id: NodeId, _drain: Option<Drain>, _mark_eligible: bool) -> Answer<'_, NodeChange> {
        refuse()
    }

    fn purge_node(&self, _id: NodeId) -> Answer<'_, NodeChange> {
        refuse()
    }

    fn set_scheduler_config(&self, _config: SchedulerConfig, _check_index: Option<u64>) -> Answer<'_, u64> {
        refuse()
    }

    fn upsert_node_pool(&self, _pool: NodePool) -> Answer<'_, u64> {
        refuse()
    }

    fn delete_node_pool(&self, _name: Text) -> Answer<'_, u64> {
        refuse()
    }

    fn collect_garbage(&self) -> Answer<'_, ()> {
        refuse()
    }
}

impl ClusterHandle for NoServer {
    fn create_join_token(&self, _role: Role, _ttl: Duration, _uses: u32) -> Answer<'_, NewJoinToken> {
        refuse()
    }

    fn revoke_join_token(&self, _id: u128) -> Answer<'_, ()> {
        refuse()
    }

    fn force_leave(&self, _member: String) -> Answer<'_, ()> {
        refuse()
    }

    fn remove_peer(&self, _server: String) -> Answer<'_, ()> {
        refuse()
    }

    fn transfer_leadership(&self, _server: Option<String>) -> Answer<'_, ()> {
        refuse()
    }

    fn rotate_authority(&self, _force: bool) -> Answer<'_, &'static str> {
        refuse()
    }

    fn health(&self) -> Result<ClusterHealth, ServerError> {
        Err(ServerError::NoLeader)
    }

    fn set_autopilot_config(&self, _config: AutopilotConfig, _check_index: Option<u64>) -> Answer<'_, u64> {
        refuse()
    }

    fn save_state(&self, _stale: bool) -> Answer<'_, SavedState> {
        refuse()
    }

    fn restore_state(&self, _bytes: Vec<u8>) -> Answer<'_, u64> {
        refuse()
    }
}
