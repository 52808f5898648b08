//! Why a job's instances are where they are, and why others are nowhere (`job explain`). The same decision as `job plan` and the scheduler
//! loop make, asked of the job as it is registered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::StateView;
use super::dry_run::simulate;
use crate::model::plan::PlacementMetrics;
use crate::model::{Allocation, Job, JobKey, Text};
use crate::util::clock::Timestamp;

#[derive(Clone, Debug)]
pub struct Explanation {
    pub job: Arc<Job>,
    pub groups: Vec<GroupExplanation>,
    /// When the next failed instance is placed again, if one waits.
    pub next_attempt: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct GroupExplanation {
    pub name: Text,
    /// As many as the job asks for; system jobs have as many as there are nodes for them.
    pub count: u32,
    /// Those that shall run and are not over, each with the reasons it was placed for.
    pub allocations: Vec<Arc<Allocation>>,
    /// Instances that have no place now.
    pub queued: u32,
    /// Why they have none.
    pub failed: Option<Arc<PlacementMetrics>>,
}

/// `None`: there is no such job.
pub fn explain(view: &dyn StateView, key: &JobKey, now: Timestamp) -> Option<Explanation> {
    let job = view.job(key)?;
    let decision = simulate(view, (*job).clone(), now);
    let mut by_group: BTreeMap<Text, Vec<Arc<Allocation>>> = BTreeMap::new();
    for allocation in view.allocations_of_job(key).into_iter().filter(|allocation| !allocation.is_terminal()) {
        by_group.entry(allocation.group.clone()).or_default().push(allocation);
    }
    let explain_group = |group: &crate::model::TaskGroup| {
        let mut allocations = by_group.remove(&group.name).unwrap_or_default();
        allocations.sort_by_key(|allocation| (allocation.index, allocation.id));
        GroupExplanation {
            name: group.name.clone(),
            count: group.count,
            allocations,
            queued: decision.queued.get(&group.name).copied().unwrap_or_default(),
            failed: decision.failed.get(&group.name).cloned(),
        }
    };
    let groups = job.groups.iter().map(explain_group).collect();
    let next_attempt = decision.marks.iter().filter(|mark| !mark.disconnected).filter_map(|mark| mark.at).min();
    Some(Explanation { job, groups, next_attempt })
}
