//! Nodes: registration, status, eligibility, drain, removal.

use super::super::changes::AllocationChange;
use super::super::command::Rejection;
use super::{Change, Transaction};
use crate::model::{AllocClientStatus, AllocDesiredStatus, Allocation, Eligibility, Node, NodeId, NodeStatus};
use crate::util::clock::Timestamp;

impl Transaction<'_> {
    /// Keeps what the operator set (eligibility, drain) over what the agent's start brings.
    pub(super) fn register_node(&mut self, node: &Node, at: Timestamp) {
        let row = match self.state.nodes.get(&node.id) {
            Some(current) if current.same_registration(node) && current.status == NodeStatus::Ready => return,
            Some(current) => {
                Node { eligibility: current.eligibility, drain: current.drain.clone(), create_index: current.create_index, ..node.clone() }
            }
            None => Node { create_index: self.index, eligibility: Eligibility::Eligible, drain: None, ..node.clone() },
        };
        self.put_node(Node { status: NodeStatus::Ready, status_description: "".into(), status_updated_at: at, ..row });
    }

    pub(super) fn update_node(&mut self, id: NodeId, at: Timestamp, change: impl FnOnce(&mut Node)) -> Result<(), Rejection> {
        let current = self.state.nodes.get(&id).ok_or(Rejection::NodeNotFound)?;
        let mut row = Node::clone(current);
        change(&mut row);
        if row != **current {
            row.status_updated_at = at;
            self.put_node(row);
        }
        Ok(())
    }

    pub(super) fn purge_node(&mut self, id: NodeId, at: Timestamp) -> Result<(), Rejection> {
        let before = self.state.nodes.remove(&id).ok_or(Rejection::NodeNotFound)?;
        self.changes.push(Change::Node { before: Some(before), after: None });
        self.state.collections.remove(&id);
        self.state.recount_usage(id);
        let running: Vec<_> = self.state.allocations_on_node(id).filter(|allocation| allocation.occupies()).cloned().collect();
        for allocation in running {
            let lost = Allocation {
                desired_status: AllocDesiredStatus::Stop,
                desired_description: "alloc was lost since its node was purged".into(),
                client_status: AllocClientStatus::Lost,
                alloc_modify_index: self.index,
                modify_time: at,
                ..Allocation::clone(&allocation)
            };
            self.put_allocation(lost, AllocationChange::Collected);
        }
        Ok(())
    }
}
