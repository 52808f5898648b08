//! What nodes report of their allocations, and what operators want of them.

use std::sync::Arc;

use super::super::changes::AllocationChange;
use super::super::command::Rejection;
use super::Transaction;
use crate::model::allocation::DesiredTransition;
use crate::model::{AllocClientStatus, AllocId, Allocation, AllocationUpdate, JobKey};
use crate::util::clock::Timestamp;

impl Transaction<'_> {
    /// Updates of unknown allocations are dropped: they were collected meanwhile.
    pub(super) fn update_allocations(&mut self, updates: &[AllocationUpdate], at: Timestamp) {
        for update in updates {
            let Some(current) = self.state.allocations.get(&update.id).cloned() else { continue };
            // What is over stays over: a late report of a replaced allocation must not bring it back.
            if current.is_client_terminal() && !is_terminal(update.client_status) {
                continue;
            }
            let mut row = Allocation::clone(&current);
            // The servers declared it lost; the node may still complete the picture of its tasks.
            if row.client_status != AllocClientStatus::Lost {
                row.client_status = update.client_status;
                if row.client_description != update.client_description {
                    row.client_description = self.state.texts.share(&update.client_description);
                }
            }
            if row.task_states != update.task_states {
                row.task_states = self.state.texts.share_states(&update.task_states);
            }
            if let Some(report) = update.health.filter(|report| row.deployment == Some(report.deployment)) {
                self.judge(&mut row, report.healthy, at);
            }
            if row != *current {
                row.modify_time = at;
                self.put_allocation(row, AllocationChange::Client);
            }
        }
    }

    pub(super) fn set_desired_transitions(&mut self, transitions: &[(AllocId, DesiredTransition)], at: Timestamp) -> Result<(), Rejection> {
        if transitions.iter().any(|(id, _)| !self.state.allocations.contains_key(id)) {
            return Err(Rejection::AllocationNotFound);
        }
        for (id, transition) in transitions {
            let Some(current) = self.state.allocations.get(id).cloned() else { continue };
            let merged = merge(current.desired_transition, *transition);
            if merged != current.desired_transition {
                let alloc_modify_index = self.index;
                let row = Allocation { desired_transition: merged, alloc_modify_index, modify_time: at, ..Allocation::clone(&current) };
                self.put_allocation(row, AllocationChange::DesiredTransition);
            }
        }
        Ok(())
    }

    /// Marks every live allocation of a job so that its node stops it at once.
    pub(super) fn skip_shutdown_delays(&mut self, key: &JobKey, at: Timestamp) {
        let live: Vec<Arc<Allocation>> = self.state.allocations_of_job(key).filter(|row| !row.is_terminal()).cloned().collect();
        let transition = DesiredTransition { no_shutdown_delay: true, ..DesiredTransition::default() };
        for allocation in live {
            let desired_transition = merge(allocation.desired_transition, transition);
            let alloc_modify_index = self.index;
            let row = Allocation { desired_transition, alloc_modify_index, modify_time: at, ..Allocation::clone(&allocation) };
            self.put_allocation(row, AllocationChange::DesiredTransition);
        }
    }
}

fn merge(current: DesiredTransition, wanted: DesiredTransition) -> DesiredTransition {
    DesiredTransition {
        migrate: current.migrate || wanted.migrate,
        reschedule: current.reschedule || wanted.reschedule,
        force_reschedule: current.force_reschedule || wanted.force_reschedule,
        no_shutdown_delay: current.no_shutdown_delay || wanted.no_shutdown_delay,
    }
}

fn is_terminal(status: AllocClientStatus) -> bool {
    matches!(status, AllocClientStatus::Complete | AllocClientStatus::Failed | AllocClientStatus::Lost)
}
