//! What may be forgotten, decided purely from a frozen state and the time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{EvalId, Job, JobKey, JobStatus, NodeStatus};
use crate::state::State;
use crate::state::command::Collected;
use crate::util::clock::Timestamp;

/// Nomad's thresholds: how long a row is kept after it was over.
#[derive(Clone, Debug)]
pub struct GarbageConfig {
    pub interval: Duration,
    pub eval_threshold: Duration,
    pub batch_eval_threshold: Duration,
    pub job_threshold: Duration,
    pub node_threshold: Duration,
    pub deployment_threshold: Duration,
}

impl Default for GarbageConfig {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self {
            interval: Duration::from_secs(300),
            eval_threshold: hour,
            batch_eval_threshold: 24 * hour,
            job_threshold: 4 * hour,
            node_threshold: 24 * hour,
            deployment_threshold: hour,
        }
    }
}

impl GarbageConfig {
    /// Everything that is over, however young (`system gc`).
    pub fn everything(&self) -> Self {
        Self {
            interval: self.interval,
            eval_threshold: Duration::ZERO,
            batch_eval_threshold: Duration::ZERO,
            job_threshold: Duration::ZERO,
            node_threshold: Duration::ZERO,
            deployment_threshold: Duration::ZERO,
        }
    }
}

/// Rows to forget. A job takes all of its evaluations and allocations along. Else an allocation goes when it is terminal on both sides and
/// old, and no policy may still want to know of it: instances of a live batch job stay, since they are what tells that the work is done.
pub fn collect(state: &State, config: &GarbageConfig, now: Timestamp) -> Collected {
    let mut collected = Collected::default();
    let is_older = |time: Timestamp, threshold: Duration| now.since(time) >= threshold;
    let is_dead = |key| state.job(key).is_none_or(|job| job.status == JobStatus::Dead && (job.stop || job.job_type.is_batch()));
    let is_over = |job: &Job| job.status == JobStatus::Dead && (job.stop || (job.job_type.is_batch() && !job.is_template()));
    for job in state.jobs().filter(|job| is_over(job)) {
        let is_quiet = state.evaluations_of_job(&job.key).all(|row| row.is_terminal() && is_older(row.modify_time, config.job_threshold))
            && state.allocations_of_job(&job.key).all(|row| !row.occupies() && is_older(row.modify_time, config.job_threshold));
        if is_quiet && is_older(job.submit_time, config.job_threshold) {
            collected.jobs.push(job.key.clone());
        }
    }
    // In the order of the state, which is by key.
    let with_its_job = |jobs: &[JobKey], key: &JobKey| jobs.binary_search(key).is_ok();
    for row in state.allocations().filter(|row| row.is_terminal() && !row.occupies()) {
        let job = state.job(&row.job.key);
        let is_batch = job.is_some_and(|job| job.job_type.is_batch());
        let threshold = if is_batch { config.batch_eval_threshold } else { config.eval_threshold };
        let is_wanted = is_batch && !is_dead(&row.job.key);
        let may_be_replaced = !row.is_server_terminal() && row.history.next.is_none() && !is_dead(&row.job.key);
        let is_over = !is_wanted && !may_be_replaced && is_older(row.modify_time, threshold);
        if is_over || with_its_job(&collected.jobs, &row.job.key) {
            collected.allocations.push(row.id);
        }
    }
    let kept = |id: &crate::model::AllocId| collected.allocations.binary_search(id).is_err();
    let with_allocations: BTreeSet<EvalId> = state.allocations().filter(|row| kept(&row.id)).map(|row| row.eval_id).collect();
    for row in state.evaluations().filter(|row| row.is_terminal()) {
        let threshold = if row.job_type.is_batch() { config.batch_eval_threshold } else { config.eval_threshold };
        let is_over = is_older(row.modify_time, threshold) || with_its_job(&collected.jobs, &row.job);
        if is_over && !with_allocations.contains(&row.id) {
            collected.evaluations.push(row.id);
        }
    }
    for row in state.deployments().filter(|row| !row.status.is_active() && is_older(row.modify_time, config.deployment_threshold)) {
        // The latest one of a job that lives is its memory: without it a version that failed would be rolled out again.
        let is_remembered = state.job(&row.job.key).is_some_and(|job| job.status != JobStatus::Dead)
            && state.latest_deployment(&row.job.key).is_some_and(|latest| latest.id == row.id);
        if !is_remembered {
            collected.deployments.push(row.id);
        }
    }
    for node in state.nodes().filter(|node| node.status == NodeStatus::Down && is_older(node.status_updated_at, config.node_threshold)) {
        // With what it ran, or after it.
        if state.allocations_on_node(node.id).all(|row| !kept(&row.id)) {
            collected.nodes.push(node.id);
        }
    }
    collected
}

#[cfg(test)]
mod tests;
