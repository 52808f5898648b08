//! Verbs on allocations, and what nodes' reports set off.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Registered, Server, ServerError, evaluation_of};
use crate::model::allocation::DesiredTransition;
use crate::model::{AllocClientStatus, AllocId, Allocation, AllocationUpdate, EvalTrigger, Evaluation, JobKey};
use crate::state::{Command, State};
use crate::util::clock::Timestamp;

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
            let evaluation = || Evaluation { deployment_id, ..evaluation_of(job, trigger, now) };
            evaluations.entry(job.key.clone()).or_insert_with(evaluation);
        }
    }
    evaluations.into_values().collect()
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
        AllocClientStatus::Failed => Some(EvalTrigger::AllocFailure),
        AllocClientStatus::Complete if ends_early() => Some(EvalTrigger::AllocFailure),
        // A node came back with what was thought cut off.
        AllocClientStatus::Running if allocation.client_status == AllocClientStatus::Unknown => Some(EvalTrigger::Reconnect),
        _ => None,
    }
}
