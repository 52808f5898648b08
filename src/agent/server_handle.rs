//! The API's view of the server in this process.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::driver_check;
use crate::api::handles::{
    self, DeploymentChange, DesiredChanges, DispatchJob, Dispatched, Drain, DryRun, NodeChange, Peer, Registered, ScaleJob, ServerHandle,
    ServerStatus,
};
use crate::model::node_pool::NodePool;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::{AllocId, DeploymentId, Eligibility, EvalId, Job, JobKey, NodeId, Text};
use crate::raft::Consistency;
use crate::runtime::drivers::DriverRegistry;
use crate::scheduler::Explanation;
use crate::server::{self, DrainRequest, Server, ServerError};
use crate::state::Store;

/// Answers the API with a [`Server`].
pub struct LocalServer {
    pub server: Arc<Server>,
    pub datacenter: String,
    /// `ip:port` that this server is known by.
    pub address: String,
    /// For checking jobs against before they are registered.
    pub drivers: DriverRegistry,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, handles::ServerError>>;

impl ServerHandle for LocalServer {
    fn store(&self) -> &Arc<Store> {
        self.server.store()
    }

    fn status(&self) -> ServerStatus {
        let raft = self.server.raft().status();
        let is_leader = self.server.raft().is_leader();
        let region = &self.server.config().region;
        let leader = self.server.raft().leader();
        let peers = self.server.raft().members().into_iter().map(|member| Peer {
            id: member.id.to_string(),
            name: format!("{}.{region}", member.name),
            voter: member.voter,
            leader: leader.as_ref().is_some_and(|(id, _)| *id == member.id),
            // A server that does not lead cannot tell; it has no reason to call them dead.
            alive: member.alive.unwrap_or(true),
            // What the membership says of this server may be from before its last start.
            address: if member.id == raft.id { self.address.clone() } else { member.address },
        });
        let peers: Vec<Peer> = peers.collect();
        ServerStatus {
            name: format!("{}.{region}", self.server.config().name),
            region: self.server.config().region.to_string(),
            datacenter: self.datacenter.clone(),
            is_leader,
            leader: if is_leader { Some(self.address.clone()) } else { leader.map(|(_, address)| address) },
            peers,
            term: raft.term,
            last_log_index: raft.last_log,
            commit_index: raft.committed,
            applied_index: raft.applied,
            last_snapshot_index: raft.snapshot,
            last_contact_ms: self.server.raft().last_contact().map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    fn read_barrier(&self, consistent: bool) -> Answer<'_, ()> {
        let consistency = if consistent { Consistency::Quorum } else { Consistency::Lease };
        async move { self.server.raft().read_barrier(consistency).await.map_err(|error| error_of(error.into())) }.boxed()
    }

    fn driver_problems(&self, job: &Job) -> Vec<String> {
        driver_check::problems(&self.drivers, job)
    }

    fn register_job(&self, request: handles::RegisterJob) -> Answer<'_, Registered> {
        let problems = self.driver_problems(&request.job);
        if !problems.is_empty() {
            return async { Err(handles::ServerError::Invalid(problems)) }.boxed();
        }
        let request = server::RegisterJob {
            job: request.job,
            submission: request.submission,
            enforce_index: request.enforce_index,
            eval_priority: request.eval_priority,
            preserve_counts: request.preserve_counts,
        };
        async move { self.server.register_job(request).await.map(registered).map_err(error_of) }.boxed()
    }

    fn deregister_job(&self, key: JobKey, purge: bool, no_shutdown_delay: bool, eval_priority: Option<u8>) -> Answer<'_, Registered> {
        async move { self.server.deregister_job(key, purge, no_shutdown_delay, eval_priority).await.map(registered).map_err(error_of) }
            .boxed()
    }

    fn evaluate_job(&self, key: JobKey, force_reschedule: bool) -> Answer<'_, Registered> {
        async move { self.server.evaluate_job(key, force_reschedule).await.map(registered).map_err(error_of) }.boxed()
    }

    fn scale_job(&self, key: JobKey, request: ScaleJob) -> Answer<'_, Registered> {
        let request = server::ScaleRequest {
            group: request.group.into(),
            count: request.count,
            message: request.message.into(),
            error: request.error,
            meta: request.meta,
            enforce_index: request.enforce_index,
        };
        async move { self.server.scale_job(key, request).await.map(registered).map_err(error_of) }.boxed()
    }

    fn revert_job(&self, key: JobKey, version: u64, enforce_prior: Option<u64>) -> Answer<'_, Registered> {
        async move { self.server.revert_job(key, version, enforce_prior).await.map(registered).map_err(error_of) }.boxed()
    }

    fn set_job_stability(&self, key: JobKey, version: u64, stable: bool) -> Answer<'_, u64> {
        async move { self.server.set_job_stability(key, version, stable).await.map_err(error_of) }.boxed()
    }

    fn dispatch_job(&self, key: JobKey, request: DispatchJob) -> Answer<'_, Dispatched> {
        let DispatchJob { payload, meta, id_prefix, priority, idempotency_token } = request;
        let request = server::DispatchJob { payload, meta, id_prefix, priority, idempotency_token };
        async move {
            let dispatched = self.server.dispatch_job(key, request).await.map_err(error_of)?;
            Ok(Dispatched {
                job_id: dispatched.job_id.to_string(),
                job_create_index: dispatched.job_create_index,
                eval_id: dispatched.registered.eval_id,
                index: dispatched.registered.index,
            })
        }
        .boxed()
    }

    fn force_periodic_job(&self, key: JobKey) -> Answer<'_, Registered> {
        async move { self.server.force_periodic_job(key).await.map(registered).map_err(error_of) }.boxed()
    }

    fn plan_job(&self, job: Job) -> Answer<'_, DryRun> {
        async move {
            let problems = self.driver_problems(&job);
            if problems.is_empty() { Ok(dry_run_of(self.server.plan_job(&job))) } else { Err(handles::ServerError::Invalid(problems)) }
        }
        .boxed()
    }

    fn explain_job(&self, key: JobKey) -> Answer<'_, Explanation> {
        async move { self.server.explain_job(&key).map_err(error_of) }.boxed()
    }

    fn stop_allocation(&self, id: AllocId, no_shutdown_delay: bool) -> Answer<'_, Registered> {
        async move { self.server.stop_allocation(id, no_shutdown_delay).await.map(registered).map_err(error_of) }.boxed()
    }

    fn fail_deployment(&self, id: DeploymentId) -> Answer<'_, DeploymentChange> {
        async move { self.server.fail_deployment(id).await.map(deployment_change).map_err(error_of) }.boxed()
    }

    fn pause_deployment(&self, id: DeploymentId, pause: bool) -> Answer<'_, DeploymentChange> {
        async move { self.server.pause_deployment(id, pause).await.map(deployment_change).map_err(error_of) }.boxed()
    }

    fn promote_deployment(&self, id: DeploymentId, groups: Option<Vec<String>>) -> Answer<'_, DeploymentChange> {
        async move { self.server.promote_deployment(id, groups).await.map(deployment_change).map_err(error_of) }.boxed()
    }

    fn set_allocation_health(&self, id: DeploymentId, healthy: Vec<AllocId>, unhealthy: Vec<AllocId>) -> Answer<'_, DeploymentChange> {
        async move { self.server.set_allocation_health(id, healthy, unhealthy).await.map(deployment_change).map_err(error_of) }.boxed()
    }

    fn evaluate_node(&self, id: NodeId) -> Answer<'_, NodeChange> {
        async move { self.server.evaluate_node(id).await.map(node_change).map_err(error_of) }.boxed()
    }

    fn set_node_eligibility(&self, id: NodeId, eligibility: Eligibility) -> Answer<'_, NodeChange> {
        async move {
            let eligible = eligibility == Eligibility::Eligible;
            self.server.set_node_eligibility(id, eligible).await.map(node_change).map_err(error_of)
        }
        .boxed()
    }

    fn drain_node(&self, id: NodeId, drain: Option<Drain>, mark_eligible: bool) -> Answer<'_, NodeChange> {
        let drain = drain.map(|drain| DrainRequest { deadline: drain.deadline, ignore_system_jobs: drain.ignore_system_jobs });
        async move { self.server.drain_node(id, drain, mark_eligible).await.map(node_change).map_err(error_of) }.boxed()
    }

    fn purge_node(&self, id: NodeId) -> Answer<'_, NodeChange> {
        async move { self.server.purge_node(id).await.map(node_change).map_err(error_of) }.boxed()
    }

    fn set_scheduler_config(&self, config: SchedulerConfig, check_index: Option<u64>) -> Answer<'_, u64> {
        async move { self.server.set_scheduler_config(config, check_index).await.map_err(error_of) }.boxed()
    }

    fn upsert_node_pool(&self, pool: NodePool) -> Answer<'_, u64> {
        async move { self.server.upsert_node_pool(pool).await.map_err(error_of) }.boxed()
    }

    fn delete_node_pool(&self, name: Text) -> Answer<'_, u64> {
        async move { self.server.delete_node_pool(name).await.map_err(error_of) }.boxed()
    }

    fn collect_garbage(&self) -> Answer<'_, ()> {
        self.server.collect_garbage();
        async { Ok(()) }.boxed()
    }
}

fn registered(registered: server::Registered) -> Registered {
    Registered { eval_id: registered.eval_id, index: registered.index, job_modify_index: registered.job_modify_index }
}

fn deployment_change(change: server::DeploymentChange) -> DeploymentChange {
    DeploymentChange { eval_id: change.eval_id, index: change.index, reverted_to: change.reverted_to }
}

fn node_change((eval_ids, index): (Vec<EvalId>, u64)) -> NodeChange {
    NodeChange { eval_ids, index }
}

pub(super) fn error_of(error: ServerError) -> handles::ServerError {
    match error {
        ServerError::Rejected(rejection) => handles::ServerError::Rejected(rejection),
        ServerError::Invalid(problems) => handles::ServerError::Invalid(problems),
        ServerError::NotFound(what) => handles::ServerError::NotFound(what.to_owned()),
        ServerError::NoLeader => handles::ServerError::NoLeader,
        ServerError::RegistrationDisabled => handles::ServerError::Forbidden(error.to_string()),
        ServerError::Internal(text) => handles::ServerError::Internal(text),
    }
}

fn dry_run_of(result: server::DryRunResult) -> DryRun {
    let mut groups = BTreeMap::new();
    let mut failed = BTreeMap::new();
    for (name, group) in result.groups.groups {
        let changes = DesiredChanges {
            place: u64::from(group.place),
            stop: u64::from(group.stop),
            in_place: u64::from(group.in_place),
            destructive: u64::from(group.destructive),
            migrate: u64::from(group.migrate),
            canary: u64::from(group.canary),
            ignore: u64::from(group.ignore),
            preemptions: u64::from(group.preemptions),
            disconnect: u64::from(group.disconnect),
            reconnect: u64::from(group.reconnect),
            reschedule_now: u64::from(group.reschedule_now),
            reschedule_later: u64::from(group.reschedule_later),
        };
        groups.insert(name, changes);
    }
    failed.extend(result.groups.failed);
    DryRun { job_modify_index: result.job_modify_index, groups, failed, evicted: result.groups.evicted }
}
