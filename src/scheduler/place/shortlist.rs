//! When a few nodes are enough to look at.

use super::GroupRequest;
use crate::model::Operand;
use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::scheduler::feasibility::Verdict;
use crate::scheduler::placement::{Fleet, NodeOrd};
use crate::scheduler::reconcile::Instance;

/// More instances are as well placed by a look at every node.
const MOST_INSTANCES: usize = 16;
/// The fleet must have so many nodes per instance for the search to pay.
const NODES_PER_INSTANCE: usize = 16;

/// The nodes that hold the best places for so few equal instances, ascending; at least `shown` where there are as many. `None`: something
/// else than the fill of a node has a say in where they go, so every node must be looked at.
pub fn shortlist(fleet: &mut Fleet, request: &GroupRequest<'_>, instances: &[Instance], shown: usize) -> Option<Vec<NodeOrd>> {
    let number = Instance::number(instances) as usize;
    let few = number <= MOST_INSTANCES && number * NODES_PER_INSTANCE <= fleet.len();
    let packs = request.algorithm == SchedulerAlgorithm::Binpack;
    if !few || !packs || !request.is_first || !instances.iter().all(Instance::is_plain) || !asks_for_room_only(request) {
        return None;
    }
    let ask = request.group.ask();
    let devices = request.profile.device_demand();
    // Whole cores stand for a compute that depends on the node.
    if ask.cores > 0 || devices.affinity_weight != 0 {
        return None;
    }
    let allowed = |class: u32| *request.profile.class_verdict(class) == Verdict::Feasible;
    Some(fleet.shortlist(ask, &devices, number.max(shown), &allowed))
}

/// Whether nodes of one class differ for the group by nothing but their room.
fn asks_for_room_only(request: &GroupRequest<'_>) -> bool {
    let GroupRequest { job, group, profile, .. } = request;
    let requirements = &profile.requirements;
    let of_tasks = group.tasks.iter().flat_map(|task| &task.constraints);
    let mut constraints = job.constraints.iter().chain(&group.constraints).chain(of_tasks);
    let is_distinct = |operand| matches!(operand, Operand::DistinctHosts | Operand::DistinctProperty);
    job.spreads.is_empty()
        && group.spreads.is_empty()
        && requirements.affinity_weight() == 0
        && requirements.nearby().is_empty()
        && !requirements.asks_each_node()
        && !constraints.any(|constraint| is_distinct(constraint.operand))
}
