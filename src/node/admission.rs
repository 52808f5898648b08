//! Who must wait: an allocation starts only once there is room beside everything that still runs here.
//!
//! The servers give the room of an evicted allocation to its successor at once, and what they gave up for lost (a node that was out of
//! touch) they place anew; both may still run here for a while. So a node asks the same fit function as the servers, over what is truly
//! there. Only what is on its way out is waited for: without such, the servers' word stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alloc_runner::AllocView;
use crate::model::fit::Usage;
use crate::model::{AllocId, Allocation, Node};
use crate::rpc::AssignmentBatch;

/// What is on the node, as far as it takes room.
#[derive(Clone, Debug, Default)]
pub struct Occupants {
    staying: BTreeMap<AllocId, Arc<Allocation>>,
    leaving: BTreeMap<AllocId, Arc<Allocation>>,
}

impl Occupants {
    /// From what runs here and what the servers have just said of it.
    pub fn new<'a>(views: impl Iterator<Item = (AllocId, &'a AllocView)>, batch: &AssignmentBatch) -> Self {
        let told: BTreeMap<AllocId, &Arc<Allocation>> =
            batch.assignments.iter().map(|assignment| (assignment.allocation.id, &assignment.allocation)).collect();
        let mut occupants = Self::default();
        for (id, view) in views.filter(|(_, view)| !view.over) {
            let newest = told.get(&id).copied();
            let forgotten = batch.complete && newest.is_none();
            let allocation = newest.unwrap_or(&view.assignment.allocation);
            let side = if forgotten || allocation.is_terminal() { &mut occupants.leaving } else { &mut occupants.staying };
            side.insert(id, Arc::clone(&view.assignment.allocation));
        }
        occupants
    }

    /// Those on their way out whose end must be waited for before `allocation` starts.
    pub fn in_the_way_of(&self, node: &Node, allocation: &Allocation) -> Vec<AllocId> {
        let others = || self.leaving.iter().chain(&self.staying).filter(|(id, _)| **id != allocation.id);
        let mut usage = Usage::default();
        others().for_each(|(_, other)| usage.add(node, other));
        if usage.try_add(node, allocation).is_ok() {
            return Vec::new();
        }
        self.leaving.keys().filter(|id| **id != allocation.id).copied().collect()
    }

    /// One of those in the way has ended.
    pub fn ended(&mut self, id: AllocId) {
        self.leaving.remove(&id);
    }

    /// From now on `allocation` counts among those that stay.
    pub fn add(&mut self, allocation: &Arc<Allocation>) {
        self.staying.insert(allocation.id, Arc::clone(allocation));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AllocDesiredStatus, Ask, MebiBytes};
    use crate::node::testing;
    use crate::rpc::Assignment;

    fn holding(name: &str, memory: u64, desired: AllocDesiredStatus) -> Assignment {
        let mut assignment = testing::assignment(name);
        let allocation = Arc::make_mut(&mut assignment.allocation);
        allocation.ask = Ask { memory: MebiBytes(memory), ..Ask::default() };
        allocation.desired_status = desired;
        assignment
    }

    fn view(assignment: &Assignment, over: bool) -> AllocView {
        let client_status = assignment.allocation.client_status;
        AllocView { assignment: assignment.clone(), client_status, task_states: BTreeMap::new(), over }
    }

    #[test]
    fn only_what_leaves_is_waited_for_and_only_as_long_as_it_is_in_the_way() {
        let mut node = testing::node();
        node.resources.memory = MebiBytes(1000);
        let old = holding("old", 800, AllocDesiredStatus::Run);
        let evicted = holding("old", 800, AllocDesiredStatus::Evict);
        let evicted = Assignment { allocation: Arc::new(Allocation { id: old.allocation.id, ..(*evicted.allocation).clone() }), ..evicted };
        let new = holding("new", 500, AllocDesiredStatus::Run);
        let small = holding("small", 100, AllocDesiredStatus::Run);
        let id = old.allocation.id;
        let batch = |assignments: &[&Assignment], complete| AssignmentBatch {
            index: 1,
            complete,
            assignments: assignments.iter().map(|assignment| (*assignment).clone()).collect(),
        };
        let waits = |view: &AllocView, batch: &AssignmentBatch, wanted: &Assignment| {
            Occupants::new(std::iter::once((id, view)), batch).in_the_way_of(&node, &wanted.allocation)
        };
        for (name, over, told, wanted, expected) in [
            ("evicted and still running", false, batch(&[&evicted, &new], false), &new, vec![id]),
            ("small enough to fit beside it", false, batch(&[&evicted, &small], false), &small, vec![]),
            ("it has ended", true, batch(&[&evicted, &new], false), &new, vec![]),
            ("the servers do not know it any more", false, batch(&[&new], true), &new, vec![id]),
            ("it stays: the servers' word stands", false, batch(&[&old, &new], true), &new, vec![]),
        ] {
            assert_eq!(waits(&view(&old, over), &told, wanted), expected, "{name}");
        }
        let mut occupants = Occupants::new(std::iter::once((id, &view(&old, false))), &batch(&[&evicted], false));
        occupants.add(&new.allocation);
        assert_eq!(occupants.in_the_way_of(&node, &new.allocation), [id], "it is not in its own way");
        occupants.ended(id);
        assert!(occupants.in_the_way_of(&node, &new.allocation).is_empty());
    }
}
