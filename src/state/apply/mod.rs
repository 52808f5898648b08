//! The one writer of the state: a pure function from (state, index, command) to (state, reply, changes).
//!
//! Law 1: no clock, no randomness, no I/O, no unordered map. Ids and times come inside the command.

mod allocations;
mod children;
mod deployments;
mod evaluations;
mod garbage;
mod jobs;
mod node_pools;
mod nodes;
mod plan;
mod restore;
mod security;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::changes::AllocationChange;
use super::command::{Command, Rejection, Reply, Request};
use super::job_status;
use super::tables::State;
use super::{Change, Changes};
use crate::model::autopilot::AutopilotConfig;
use crate::model::signing_key::SigningKey;
use crate::model::{Allocation, Deployment, DeploymentId, Evaluation, Job, JobKey, Node};

/// How many client requests are remembered for deduplication.
const REMEMBERED_REQUESTS: usize = 8192;

impl State {
    /// Applies one log entry. A rejected command changes nothing but the index.
    pub fn apply(&mut self, index: u64, request: &Request) -> (Result<Reply, Rejection>, Changes) {
        debug_assert!(index > self.index, "entries are applied once and in order");
        if request.id != 0
            && let Some(first) = self.requests.get(&request.id).copied()
        {
            self.index = index;
            return (Ok(Reply { index: first, dropped_placements: 0 }), Changes { index, changes: Vec::new() });
        }
        if let Command::Restore { restore, digest } = &request.command {
            return (self.restore(index, request.id, *restore, digest), Changes { index, changes: Vec::new() });
        }
        let mut transaction =
            Transaction { state: self, index, changes: Vec::new(), touched_jobs: BTreeSet::new(), deployments: BTreeMap::new() };
        let outcome = transaction.execute(&request.command);
        if outcome.is_ok() {
            transaction.settle_deployments();
            transaction.settle_job_statuses();
        }
        let changes = transaction.changes;
        debug_assert!(outcome.is_ok() || changes.is_empty(), "a rejected command leaves nothing half done");
        for change in &changes {
            self.table_indexes[change.table() as usize] = index;
        }
        self.index = index;
        if request.id != 0 && outcome.is_ok() {
            self.remember(request.id, index);
        }
        (outcome, Changes { index, changes })
    }

    fn remember(&mut self, id: u128, index: u64) {
        self.requests.insert(id, index);
        self.requests_by_index.insert((index, id));
        if self.requests.len() > REMEMBERED_REQUESTS
            && let Some(oldest) = self.requests_by_index.get_min().copied()
        {
            self.requests_by_index.remove(&oldest);
            self.requests.remove(&oldest.1);
        }
    }
}

/// One command under way.
struct Transaction<'a> {
    state: &'a mut State,
    index: u64,
    changes: Vec<Change>,
    /// Jobs whose status may differ now.
    touched_jobs: BTreeSet<JobKey>,
    /// Deployments that this command changes, not written yet.
    deployments: BTreeMap<DeploymentId, Deployment>,
}

impl Transaction<'_> {
    fn execute(&mut self, command: &Command) -> Result<Reply, Rejection> {
        let mut dropped_placements = 0;
        match command {
            Command::Noop => {}
            Command::RegisterJob { job, submission, enforce_index, evaluation, at } => {
                self.register_job(job, submission.as_ref(), *enforce_index, *at)?;
                self.put_evaluations(evaluation.as_deref());
            }
            Command::DeregisterJob { key, purge, evaluation, no_shutdown_delay, at } => {
                self.deregister_job(key, *purge, *no_shutdown_delay, *at)?;
                self.put_evaluations(evaluation.as_deref());
            }
            Command::RegisterNode { node, evaluations, at } => {
                self.register_node(node, *at);
                self.put_evaluations(evaluations);
            }
            Command::SetNodeStatus { node, status, description, evaluations, at } => {
                self.update_node(*node, *at, |row| {
                    row.status = *status;
                    row.status_description = description.clone();
                })?;
                self.put_evaluations(evaluations);
            }
            Command::SetNodeEligibility { node, eligibility, evaluations, at } => {
                self.update_node(*node, *at, |row| row.eligibility = *eligibility)?;
                self.put_evaluations(evaluations);
            }
            Command::SetNodeDrain { node, drain, eligibility, evaluations, at } => {
                self.update_node(*node, *at, |row| {
                    row.drain = drain.clone();
                    row.eligibility = *eligibility;
                })?;
                self.put_evaluations(evaluations);
            }
            Command::PurgeNode { node, evaluations, at } => {
                self.purge_node(*node, *at)?;
                self.put_evaluations(evaluations);
            }
            Command::UpsertEvaluations { evaluations } => self.put_evaluations(evaluations),
            Command::ApplyPlan { plan } => dropped_placements = self.apply_plan(plan),
            Command::UpdateAllocations { updates, evaluations, at } => {
                self.update_allocations(updates, *at);
                self.put_evaluations(evaluations);
            }
            Command::SetDesiredTransitions { transitions, evaluations, at } => {
                self.set_desired_transitions(transitions, *at)?;
                self.put_evaluations(evaluations);
            }
            Command::SetSchedulerConfig { config, check_index } => {
                let found = self.state.scheduler_config.modify_index;
                if let Some(expected) = check_index.filter(|expected| *expected != found) {
                    return Err(Rejection::SchedulerConfigConflict { expected, found });
                }
                let create_index = self.state.scheduler_config.create_index;
                self.state.scheduler_config =
                    crate::model::scheduler_config::SchedulerConfig { create_index, modify_index: self.index, ..config.clone() };
                self.changes.push(Change::SchedulerConfig);
            }
            Command::SetJobStability { key, version, stable } => self.set_job_stability(key, *version, *stable)?,
            Command::CollectGarbage { collected } => self.collect_garbage(collected),
            Command::UpdateDeployment { update, evaluation, at } => {
                self.update_deployment(update, *at)?;
                self.put_evaluations(evaluation.as_deref());
            }
            Command::SetAllocationHealth { deployment, healthy, unhealthy, evaluation, at } => {
                self.set_allocation_health(*deployment, healthy, unhealthy, *at)?;
                self.put_evaluations(evaluation.as_deref());
            }
            Command::LaunchPeriodic { parent, scheduled, child, at } => {
                self.launch_periodic(parent, *scheduled, child.as_deref(), *at)?;
            }
            Command::StartChild { parent, idempotency_token, child, at } => {
                self.start_child(parent, idempotency_token.as_ref(), child, *at)?;
            }
            Command::ChangeSecurity { change } => self.change_security(change)?,
            Command::ScaleJob { key, group, event, job, submission, enforce_index, evaluation, at } => {
                if let Some(job) = job {
                    self.register_job(job, submission.as_ref(), *enforce_index, *at)?;
                }
                self.keep_scaling_event(key, group, event)?;
                self.put_evaluations(evaluation.as_deref());
            }
            Command::AddSigningKey { key } => {
                self.state.signing_keys.insert(self.index, Arc::new(SigningKey::clone(key)));
            }
            Command::SetAutopilotConfig { config, check_index } => {
                let found = self.state.autopilot.modify_index;
                if let Some(expected) = check_index.filter(|expected| *expected != found) {
                    return Err(Rejection::AutopilotConfigConflict { expected, found });
                }
                let create_index = self.state.autopilot.create_index;
                self.state.autopilot = AutopilotConfig { create_index, modify_index: self.index, ..config.clone() };
            }
            Command::UpsertNodePool { pool } => self.upsert_node_pool(pool)?,
            Command::DeleteNodePool { name } => self.delete_node_pool(name)?,
            Command::StageRestore { restore, part, bytes } => self.state.staged_restore.add(*restore, *part, bytes)?,
            Command::Restore { .. } => debug_assert!(false, "a restore is not part of a transaction"),
        }
        Ok(Reply { index: self.index, dropped_placements })
    }

    /// Writes the status of every job whose allocations, evaluations or specification changed.
    fn settle_job_statuses(&mut self) {
        for key in std::mem::take(&mut self.touched_jobs) {
            let Some(job) = self.state.jobs.get(&key) else { continue };
            let status = job_status::of(self.state, job);
            if status != job.status {
                let job = Arc::new(Job { status, modify_index: self.index, ..Job::clone(job) });
                self.put_job_row(job, false);
            }
        }
    }

    /// Replaces the newest row of a job in both tables that hold it.
    fn put_job_row(&mut self, job: Arc<Job>, registered: bool) {
        let key = job.key.clone();
        self.state.specifications.insert((key.clone(), job.job_modify_index), Arc::clone(&job));
        let before = self.state.jobs.insert(key.clone(), Arc::clone(&job));
        if registered {
            self.track_family(before.as_deref(), &job);
        }
        self.changes.push(Change::Job { key, before, after: Some(job), registered });
    }

    fn touch_job(&mut self, key: &JobKey) {
        if !self.touched_jobs.contains(key) {
            self.touched_jobs.insert(key.clone());
        }
    }

    fn put_node(&mut self, node: Node) {
        let node = Arc::new(Node { modify_index: self.index, ..node });
        let before = self.state.nodes.insert(node.id, Arc::clone(&node));
        if before.as_ref().is_none_or(|before| before.resources != node.resources) {
            self.state.recount_usage(node.id);
        }
        self.changes.push(Change::Node { before, after: Some(node) });
    }

    /// Inserts or replaces an allocation.
    fn put_allocation(&mut self, allocation: Allocation, source: AllocationChange) {
        let allocation = Arc::new(Allocation { modify_index: self.index, ..allocation });
        let before = self.state.allocations.insert(allocation.id, Arc::clone(&allocation));
        self.state.index_allocation(before.as_deref(), Some(&allocation));
        self.touch_job(&allocation.job.key);
        self.changes.push(Change::Allocation { before, after: Some(allocation), source });
    }

    fn put_evaluation(&mut self, evaluation: &Evaluation) {
        let before = self.state.evaluations.get(&evaluation.id).cloned();
        let create_index = before.as_ref().map_or(self.index, |row| row.create_index);
        let row = Arc::new(Evaluation { create_index, modify_index: self.index, ..evaluation.clone() });
        self.state.evaluations.insert(row.id, Arc::clone(&row));
        self.state.evaluations_by_job.insert((row.job.clone(), row.id));
        if row.is_terminal() {
            self.state.open_evaluations.remove(&row.id);
        } else {
            self.state.open_evaluations.insert(row.id);
        }
        self.touched_jobs.insert(row.job.clone());
        self.changes.push(Change::Evaluation { before, after: Some(row) });
    }
}
