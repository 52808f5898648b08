//! Which blocked evaluations a change may help: only those with a group that could use a changed node now.
//!
//! When an evaluation blocked, no node could take another instance of its failing groups. A node that has not changed since still cannot; one
//! that has can only if it is of a class that the group may run on, and has room in every dimension. So that is asked, node by node: a job that
//! waits for memory is not tried again because of a node of a class it must not run on, or because a port was given back. Two things
//! can help elsewhere than on the changed node, and wake always: the job's own instances moved (conditions on all of them together,
//! such as `distinct_property`), and the settings of the scheduler changed. Those are for the caller to notice.

use crate::model::{Evaluation, NodeId, neighbours};

use super::Scheduler;
use super::view::StateView;

impl Scheduler {
    /// Whether one of the `changed` nodes could take an instance of a group that the evaluation waits for. Errs on the side of yes: what only
    /// the placement itself can judge (ports, core ids, spread of the whole job) does not count against.
    pub fn may_help(&mut self, view: &dyn StateView, evaluation: &Evaluation, changed: &[NodeId]) -> bool {
        let Some(job) = view.job(&evaluation.job) else { return true };
        // While a deployment goes on, what waits may be an instance of an older specification.
        let is_deploying = view.latest_deployment(&evaluation.job).is_some_and(|deployment| deployment.status.is_active());
        // Whose neighbours came or went is not looked at here.
        if evaluation.failed_groups.is_empty() || is_deploying || neighbours::has_any(&job) {
            return true;
        }
        let may_preempt = view.config().preempts(job.job_type);
        for name in evaluation.failed_groups.keys() {
            let Some(group) = job.group(name) else { return true };
            let profile = self.profile(&job, group);
            let fleet = &self.fleet;
            // Where others may be pushed aside, what leaves may have been in the way of that.
            let helps = |ord| {
                fleet.node(ord).is_placeable()
                    && profile.allows(fleet, ord)
                    && (may_preempt || fleet.has_room(ord, fleet.effective_ask(ord, group.ask())))
            };
            if changed.iter().filter_map(|node| fleet.ord(*node)).any(helps) {
                return true;
            }
        }
        false
    }
}
