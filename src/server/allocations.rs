//! Verbs on allocations, and what nodes' reports set off.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use super::{Registered, Server, ServerError, evaluation_of};
use crate::model::allocation::DesiredTransition;
use crate::model::{AllocClientStatus, AllocId, Allocation, AllocationUpdate, DeploymentId, EvalTrigger, Evaluation, JobKey};
use crate::state::{Command, State};
use crate::util::clock::Timestamp;

/// Verdicts on a deployment of 10,000 instances are gathered for a fifth of a second, on one of 100 not at all.
const PACE_PER_INSTANCE: Duration = Duration::from_micros(20);
const QUICKEST_PACE: Duration = Duration::from_millis(20);
const SLOWEST_PACE: Duration = Duration::from_secs(5);

impl Server {
    /// Stops an allocation; the scheduler places another one.
    pub async fn stop_allocation(&self, id: AllocId, no_shutdown_delay: bool) -> Result<Registered, ServerError> {
        let now = Timestamp::now();
        let state = self.store().load();
        let allocation = state.allocation(id).ok_or(ServerError::NotFound("alloc not found"))?;
        let job = state.specification(&allocation.job).ok_or(ServerError::NotFound("job not found"))?;
        let evaluation = evaluation_of(job, EvalTrigger::AllocStop, now);
        let eval_id = Some(evaluation.id);
        let transition = DesiredTransition { migrate: true, no_shutdown_delay, ..DesiredTransition::default() };
        let command = Command::SetDesiredTransitions { transitions: vec![(id, transition)], evaluations: vec![evaluation], at: now };
        let reply = self.propose(command).await?;
        Ok(Registered { eval_id, index: reply.index, job_modify_index: job.job_modify_index })
    }

    /// Makes nodes' reports durable, with the evaluations they call for in the same entry.
    pub(super) async fn update_allocations(&self, updates: Vec<AllocationUpdate>) -> Result<(), ServerError> {
        let now = Timestamp::now();
        let evaluations = called_for(&self.store().load(), &updates, now);
        self.propose(Command::UpdateAllocations { updates, evaluations, at: now }).await?;
        Ok(())
    }
}

/// One evaluation per job that lost an instance it wants (a failure, the end of a service's allocation), that hears again of one
/// thought cut off, or whose deployment has a new verdict.
fn called_for(state: &State, updates: &[AllocationUpdate], now: Timestamp) -> Vec<Evaluation> {
    let mut evaluations: BTreeMap<JobKey, Evaluation> = BTreeMap::new();
    for update in updates {
        let Some(allocation) = state.allocation(update.id) else { continue };
        let Some(trigger) = trigger(state, allocation, update) else { continue };
        if let Some(job) = state.job(&allocation.job.key) {
            let deployment_id = allocation.deployment.filter(|_| trigger == EvalTrigger::DeploymentWatcher);
            let wait_until = deployment_id.and_then(|id| gathered_at(state, id, now));
            let evaluation = Evaluation { deployment_id, wait_until, ..evaluation_of(job, trigger, now) };
            match evaluations.entry(job.key.clone()) {
                Entry::Vacant(free) => _ = free.insert(evaluation),
                // What cannot wait takes the other along.
                Entry::Occupied(mut other) if wait_until.is_none() => _ = other.insert(evaluation),
                Entry::Occupied(_) => {}
            }
        }
    }
    evaluations.into_values().collect()
}

/// When verdicts on a large deployment are looked at together: looking costs in proportion to its size, and verdicts come one by one. The
/// instants are the same for all, so that one evaluation sees whatever came before. `None`: at once.
fn gathered_at(state: &State, id: DeploymentId, now: Timestamp) -> Option<Timestamp> {
    let total: u32 = state.deployment(id)?.groups.values().map(|group| group.desired_total).fold(0, u32::saturating_add);
    let pace = PACE_PER_INSTANCE.saturating_mul(total).min(SLOWEST_PACE);
    let pace = i64::try_from(pace.as_nanos()).ok().filter(|_| pace >= QUICKEST_PACE)?;
    Some(Timestamp((now.0 / pace + 1) * pace))
}

fn trigger(state: &State, allocation: &Arc<Allocation>, update: &AllocationUpdate) -> Option<EvalTrigger> {
    if let Some(report) = update.health
        && allocation.deployment == Some(report.deployment)
        && allocation.health() != Some(report.healthy)
        && state.deployment(report.deployment).is_some_and(|row| row.status.is_active())
    {
        return Some(EvalTrigger::DeploymentWatcher);
    }
    if allocation.is_terminal() {
        return None;
    }
    let ends_early = || state.job(&allocation.job.key).is_some_and(|job| !job.job_type.is_batch());
    match update.client_status {
        AllocClientStatus::Failed | AllocClientStatus::Lost => Some(EvalTrigger::AllocFailure),
        AllocClientStatus::Complete if ends_early() => Some(EvalTrigger::AllocFailure),
        // A node came back with what was thought cut off.
        AllocClientStatus::Running if allocation.client_status == AllocClientStatus::Unknown => Some(EvalTrigger::Reconnect),
        _ => None,
    }
}
