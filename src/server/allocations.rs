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

/// One evaluation per job that lost an instance it wants: a failure, or the end of a service's allocation.
fn called_for(state: &State, updates: &[AllocationUpdate], now: Timestamp) -> Vec<Evaluation> {
    let mut evaluations: BTreeMap<JobKey, Evaluation> = BTreeMap::new();
    for update in updates {
        let Some(allocation) = state.allocation(update.id) else { continue };
        if !wants_replacement(state, allocation, update.client_status) {
            continue;
        }
        if let Some(job) = state.job(&allocation.job.key) {
            evaluations.entry(job.key.clone()).or_insert_with(|| evaluation_of(job, EvalTrigger::AllocFailure, now));
        }
    }
    evaluations.into_values().collect()
}

fn wants_replacement(state: &State, allocation: &Arc<Allocation>, status: AllocClientStatus) -> bool {
    if allocation.is_terminal() {
        return false;
    }
    match status {
        AllocClientStatus::Failed => true,
        AllocClientStatus::Complete => state.job(&allocation.job.key).is_some_and(|job| !job.job_type.is_batch()),
        // A node came back with what was thought cut off.
        AllocClientStatus::Running => allocation.client_status == AllocClientStatus::Unknown,
        AllocClientStatus::Pending | AllocClientStatus::Lost | AllocClientStatus::Unknown => false,
    }
}
