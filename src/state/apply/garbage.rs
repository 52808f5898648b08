//! Forgetting what is over. The leader picks candidates from an older state; whatever came alive meanwhile is kept.

use super::super::changes::AllocationChange;
use super::super::command::Collected;
use super::{Change, Transaction};
use crate::model::NodeStatus;

impl Transaction<'_> {
    pub(super) fn collect_garbage(&mut self, collected: &Collected) {
        for id in &collected.allocations {
            let Some(row) = self.state.allocations.get(id).cloned() else { continue };
            if row.occupies() {
                continue;
            }
            self.state.allocations.remove(id);
            self.state.index_allocation(Some(&row), None);
            self.state.collections.insert(row.node_id, self.index);
            self.touched_jobs.insert(row.job.key.clone());
            self.changes.push(Change::Allocation { before: Some(row), after: None, source: AllocationChange::Collected });
        }
        for id in &collected.evaluations {
            let Some(row) = self.state.evaluations.get(id).cloned() else { continue };
            if !row.is_terminal() {
                continue;
            }
            self.state.evaluations.remove(id);
            self.state.evaluations_by_job.remove(&(row.job.clone(), *id));
            self.changes.push(Change::Evaluation { before: Some(row), after: None });
        }
        for id in &collected.deployments {
            let Some(row) = self.state.deployments.get(id).cloned() else { continue };
            if row.status.is_active() {
                continue;
            }
            self.state.deployments.remove(id);
            self.state.deployments_by_job.remove(&(row.job.key.clone(), *id));
            self.changes.push(Change::Deployment { before: Some(row), after: None });
        }
        for key in &collected.jobs {
            let is_over = self.state.jobs.get(key).is_some_and(|job| job.status == crate::model::JobStatus::Dead);
            if is_over && self.state.allocations_of_job(key).all(|row| !row.occupies()) {
                self.remove_job(key);
            }
        }
        for id in &collected.nodes {
            let is_down = self.state.nodes.get(id).is_some_and(|node| node.status == NodeStatus::Down);
            if is_down && self.state.allocations_on_node(*id).next().is_none() {
                let before = self.state.nodes.remove(id);
                self.state.collections.remove(id);
                self.state.recount_usage(*id);
                self.changes.push(Change::Node { before, after: None });
            }
        }
        let touched: Vec<_> = self.touched_jobs.iter().cloned().collect();
        for key in touched {
            self.forget_old_specifications(&key);
        }
    }
}
