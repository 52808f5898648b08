//! What is found by job and by node, kept in step with the rows it comes of. None of it is in a snapshot.

use std::sync::Arc;

use imbl::OrdSet;

use super::State;
use crate::model::fit::Usage;
use crate::model::{Allocation, NodeId};

impl State {
    /// Makes a row that comes out of a snapshot share what the rows of a running server share.
    pub(super) fn share_texts(&mut self, row: &mut Allocation) {
        if let Some(node) = self.nodes.get(&row.node_id).filter(|node| node.name == row.node_name) {
            row.node_name = node.name.clone();
        }
        if let Some(job) = self.specifications.get(&(row.job.key.clone(), row.job.modify_index)) {
            row.job.key = job.key.clone();
            if let Some(group) = job.group(&row.group) {
                row.group = group.name.clone();
            }
        }
        self.texts.share_in_place(&mut row.desired_description);
        self.texts.share_in_place(&mut row.client_description);
        row.task_states = self.texts.share_states(&row.task_states);
    }

    /// An allocation was inserted, replaced or removed. Its id, job name, node and what it takes never change.
    pub(super) fn index_allocation(&mut self, before: Option<&Allocation>, after: Option<&Allocation>) {
        let Some(row) = after.or(before) else { return };
        let entry = |row: &Allocation| (row.alloc_modify_index, row.id);
        if before.map(entry) != after.map(entry) {
            let on_node = self.allocations_by_node.entry(row.node_id).or_default();
            if let Some(before) = before {
                on_node.remove(&entry(before));
            }
            if let Some(after) = after {
                on_node.insert(entry(after));
            }
            if on_node.is_empty() {
                self.allocations_by_node.remove(&row.node_id);
            }
        }
        match (before, after, self.allocations_by_job.get_mut(&row.job.key)) {
            (None, Some(_), Some(of_job)) => _ = of_job.insert(row.id),
            (None, Some(_), None) => _ = self.allocations_by_job.insert(row.job.key.clone(), OrdSet::unit(row.id)),
            (Some(_), None, Some(of_job)) => {
                of_job.remove(&row.id);
                if of_job.is_empty() {
                    self.allocations_by_job.remove(&row.job.key);
                }
            }
            _ => {}
        }
        self.count_usage(before, after);
    }

    fn count_usage(&mut self, before: Option<&Allocation>, after: Option<&Allocation>) {
        let before = before.filter(|row| row.holds_room());
        let after = after.filter(|row| row.holds_room());
        let (row, comes) = match (before, after) {
            (None, Some(row)) => (row, true),
            (Some(row), None) => (row, false),
            _ => return,
        };
        let Some(node) = self.nodes.get(&row.node_id) else { return };
        let usage = Arc::make_mut(self.usage.entry(node.id).or_default());
        if comes { usage.add(node, row) } else { usage.remove(node, row) }
    }

    /// A node came, went, or has other resources than before.
    pub(super) fn recount_usage(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else {
            self.usage.remove(&id);
            return;
        };
        let mut usage = Usage::default();
        self.allocations_on_node(id).filter(|row| row.holds_room()).for_each(|row| usage.add(node, row));
        self.usage.insert(id, Arc::new(usage));
    }
}
