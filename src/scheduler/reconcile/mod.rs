//! The difference between what a job asks for and what runs, as changes per group. Nothing here knows about capacity: where
//! new instances go is decided afterwards ([`super::place`]).

mod changes;
mod diff;
mod group;
mod names;
mod replace;
mod reschedule;
mod rollout;
mod sorted;
mod standing;
mod system;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Allocation, Deployment, EvalId, Job, JobRef, JobType, Node, NodeId, TaskGroup};
use crate::scheduler::view::StateView;
use crate::util::clock::Timestamp;

pub use changes::{GroupChanges, Instance, Mark, PreviousFate, StopOrder, Tally, reason};
pub use diff::{Comparison, Difference};
pub use reschedule::{Outlook, outlook};

/// What a reconciliation may look at.
pub struct Context<'a> {
    pub view: &'a dyn StateView,
    pub job: &'a Arc<Job>,
    /// Of `job`.
    pub reference: JobRef,
    pub now: Timestamp,
    /// The evaluations being processed; a follow-up among them means that its time has come.
    pub due: &'a BTreeSet<EvalId>,
    /// Follow-up evaluations of the job that still wait for their time.
    pub waiting: &'a BTreeSet<EvalId>,
    /// Of the newest specification: in progress, paused or failed.
    pub deployment: Option<&'a Deployment>,
}

impl Context<'_> {
    fn node(&self, id: NodeId) -> Option<Arc<Node>> {
        self.view.node(id)
    }
}

/// What reconciliation asks about nodes, capacity aside.
pub trait Placeability {
    /// Whether the group may stay on this node under the newest specification.
    fn may_stay(&self, node: NodeId) -> bool;
    /// Every node that may take the group now (system jobs).
    fn eligible_nodes(&self) -> Vec<NodeId>;
}

/// The changes that one group of a running job needs.
pub fn reconcile_group(
    context: &Context<'_>,
    group: &TaskGroup,
    allocations: &[Arc<Allocation>],
    comparison: &mut Comparison<'_>,
    placeability: &dyn Placeability,
) -> GroupChanges {
    match context.job.job_type {
        JobType::Service | JobType::Batch => group::reconcile(context, group, allocations, comparison, placeability),
        JobType::System | JobType::SysBatch => system::reconcile(context, group, allocations, comparison, placeability),
    }
}

/// Stops for everything of a job that shall not run at all, or of a group that is gone.
pub fn stop_all(view: &dyn StateView, allocations: &[Arc<Allocation>]) -> Vec<StopOrder> {
    allocations.iter().filter_map(|allocation| standing::retire(view, allocation)).collect()
}

fn len<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
