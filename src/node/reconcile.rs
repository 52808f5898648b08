//! From what the servers want and what runs here to what is to be done.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{AllocId, Allocation};
use crate::rpc::{Assignment, AssignmentBatch};

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Start(Assignment),
    Update(Assignment),
    /// Stop it if need be, and remove every trace.
    Forget(AllocId),
    /// The servers wait for the end of something that this node never ran (or forgot).
    ReportEnd(Arc<Allocation>),
}

/// Idempotent: what is right already leads to an update that changes nothing.
pub fn reconcile(known: &BTreeSet<AllocId>, batch: &AssignmentBatch) -> Vec<Action> {
    let mut actions = Vec::new();
    let assigned: BTreeSet<AllocId> = batch.assignments.iter().map(|assignment| assignment.allocation.id).collect();
    let unwanted = |id: &&AllocId| batch.complete && !assigned.contains(id);
    // Ends come first: what starts may need their ports and cores.
    actions.extend(known.iter().filter(unwanted).map(|id| Action::Forget(*id)));
    for assignment in &batch.assignments {
        let allocation = &assignment.allocation;
        if known.contains(&allocation.id) {
            actions.push(Action::Update(assignment.clone()));
        } else if !allocation.is_terminal() {
            actions.push(Action::Start(assignment.clone()));
        } else if !allocation.is_client_terminal() {
            actions.push(Action::ReportEnd(Arc::clone(allocation)));
        }
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AllocClientStatus, AllocDesiredStatus};
    use crate::node::testing;

    fn batch(complete: bool, assignments: &[&Assignment]) -> AssignmentBatch {
        AssignmentBatch { index: 1, complete, assignments: assignments.iter().map(|assignment| (*assignment).clone()).collect() }
    }

    fn with(assignment: &Assignment, desired: AllocDesiredStatus, client: AllocClientStatus) -> Assignment {
        let mut changed = assignment.clone();
        let allocation = Arc::make_mut(&mut changed.allocation);
        allocation.desired_status = desired;
        allocation.client_status = client;
        changed
    }

    #[test]
    fn starts_the_new_and_updates_the_known() {
        let (old, new) = (testing::assignment("old"), testing::assignment("new"));
        let known = BTreeSet::from([old.allocation.id]);
        assert_eq!(reconcile(&known, &batch(false, &[&old, &new])), [Action::Update(old), Action::Start(new)]);
    }

    #[test]
    fn a_complete_batch_ends_what_it_does_not_name() {
        let (kept, gone) = (testing::assignment("kept"), testing::assignment("gone"));
        let known = BTreeSet::from([kept.allocation.id, gone.allocation.id]);
        assert_eq!(reconcile(&known, &batch(false, &[])), []);
        let actions = reconcile(&known, &batch(true, &[&kept]));
        assert_eq!(actions, [Action::Forget(gone.allocation.id), Action::Update(kept)]);
    }

    #[test]
    fn the_terminal_never_start() {
        let fresh = testing::assignment("a");
        let none = BTreeSet::new();
        let done = with(&fresh, AllocDesiredStatus::Run, AllocClientStatus::Complete);
        assert_eq!(reconcile(&none, &batch(true, &[&done])), []);
        let stopped = with(&fresh, AllocDesiredStatus::Stop, AllocClientStatus::Pending);
        assert_eq!(reconcile(&none, &batch(true, &[&stopped])), [Action::ReportEnd(stopped.allocation)]);
    }
}
