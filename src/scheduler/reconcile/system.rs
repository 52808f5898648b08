//! Reconciliation of one group of a system or sysbatch job: one instance on every node that may have it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::changes::{GroupChanges, Instance, Mark, PreviousFate, reason};
use super::group::dying;
use super::replace::is_unfinished;
use super::reschedule::Outlook;
use super::rollout::Rollout;
use super::standing::{self, Standing};
use super::{Comparison, Context, Difference, Placeability, len};
use crate::model::{Allocation, NodeId, TaskGroup};

/// Instances of system jobs are told apart by their node; all have the same name.
const INDEX: u32 = 0;

pub fn reconcile(
    context: &Context<'_>,
    group: &TaskGroup,
    allocations: &[Arc<Allocation>],
    comparison: &mut Comparison<'_>,
    placeability: &dyn Placeability,
) -> GroupChanges {
    if group.count == 0 {
        let mut changes = GroupChanges { stops: super::stop_all(context.view, allocations), ..GroupChanges::default() };
        changes.tally.stop = len(&changes.stops);
        return changes;
    }
    let rollout = Rollout::of(context, group);
    let mut nodes = Nodes { unsettled: dying(allocations), ..Nodes::default() };
    for allocation in allocations {
        let standing = standing::of(context, group, allocation, comparison);
        nodes.sort_in(allocation, standing, group, &rollout, comparison, placeability);
    }
    let Nodes { mut changes, mut served, outdated, unsettled, is_unhealthy } = nodes;

    let canaries = rollout.canaries(outdated.len());
    // Canaries take the places of those that they replace: a node holds one instance.
    let running_canaries = allocations.iter().filter(|row| rollout.is_canary(row) && rollout.wants_canary(row) && !row.is_terminal());
    let missing_canaries = if rollout.is_paused() { 0 } else { (canaries as usize).saturating_sub(running_canaries.count()) };
    let mut room = rollout.room(outdated.len(), unsettled, is_unhealthy);
    let next_set = rollout.next_set(allocations, context).filter(|_| room > 0 && canaries == 0 && !outdated.is_empty());
    if next_set.is_some() {
        room = 0;
    }
    let now = outdated.len().min(if canaries > 0 { missing_canaries } else { room });
    changes.room = if canaries > 0 { missing_canaries } else { room };
    changes.next_set = next_set;
    changes.put_off = len(&outdated[now..]);
    changes.tally.ignore += changes.put_off;
    for (position, allocation) in outdated.iter().enumerate() {
        if position < now {
            changes.tally.destructive += 1;
            changes.tally.canary += u32::from(canaries > 0);
            changes.places.push(Instance {
                previous: Some(Arc::clone(allocation)),
                fate: PreviousFate::StopToMakeRoom,
                only_on: Some(allocation.node_id),
                canary: canaries > 0,
                ..Instance::new(INDEX)
            });
        }
        if !allocation.is_client_terminal() {
            changes.keep.push(Arc::clone(allocation));
        }
    }
    for node in placeability.eligible_nodes() {
        if served.insert(node) {
            changes.tally.place += 1;
            changes.places.push(Instance { only_on: Some(node), ..Instance::new(INDEX) });
        }
    }
    let is_new = || !allocations.iter().any(|allocation| allocation.job == context.reference);
    let updates = || !outdated.is_empty() || !changes.in_place.is_empty();
    changes.starts_deployment = !served.is_empty() && !rollout.is_deployed() && (updates() || is_new());
    changes.initial_state = rollout.initial_state(u32::try_from(served.len()).unwrap_or(u32::MAX), canaries);
    changes.unfinished = is_unfinished(&rollout, canaries, &changes);
    changes
}

#[derive(Default)]
struct Nodes {
    changes: GroupChanges,
    /// Nodes that have their instance, or shall get none now.
    served: BTreeSet<NodeId>,
    outdated: Vec<Arc<Allocation>>,
    unsettled: u32,
    is_unhealthy: bool,
}

impl Nodes {
    fn sort_in(
        &mut self,
        allocation: &Arc<Allocation>,
        standing: Standing,
        group: &TaskGroup,
        rollout: &Rollout<'_>,
        comparison: &mut Comparison<'_>,
        placeability: &dyn Placeability,
    ) {
        let changes = &mut self.changes;
        match standing {
            Standing::Ignored => {}
            Standing::Done => {
                changes.tally.ignore += 1;
                self.served.insert(allocation.node_id);
            }
            Standing::Lost { why, .. } => changes.stops.push(standing::lost(allocation, why)),
            Standing::Away { lost_at, marked, .. } => {
                if !marked {
                    changes.tally.disconnect += 1;
                    changes.marks.push(Mark { alloc: Arc::clone(allocation), at: lost_at, disconnected: true });
                }
                self.served.insert(allocation.node_id);
            }
            Standing::Migrating => {
                changes.tally.migrate += 1;
                changes.stops.push(standing::stop(allocation, reason::MIGRATING));
            }
            Standing::Live | Standing::Returning | Standing::Failed(_) if !self.served.insert(allocation.node_id) => {
                changes.tally.stop += 1;
                changes.stops.push(standing::stop(allocation, reason::DUPLICATE));
            }
            Standing::Live | Standing::Returning if !placeability.may_stay(allocation.node_id) => {
                changes.tally.stop += 1;
                changes.stops.push(standing::stop(allocation, reason::NODE_UNFIT));
            }
            // Asked for by a person. By itself a failed instance is not tried again: its node would only fail it again.
            Standing::Failed(Outlook::Now) if allocation.desired_transition.force_reschedule => {
                changes.tally.place += 1;
                changes.tally.reschedule_now += 1;
                changes.places.push(Instance {
                    previous: Some(Arc::clone(allocation)),
                    fate: PreviousFate::StopWhenPlaced,
                    only_on: Some(allocation.node_id),
                    ..Instance::new(INDEX)
                });
            }
            Standing::Live | Standing::Returning | Standing::Failed(_) => match comparison.difference(&allocation.job, group) {
                Difference::Destructive => self.outdated.push(Arc::clone(allocation)),
                Difference::InPlace if !allocation.is_client_terminal() => {
                    changes.tally.in_place += 1;
                    changes.in_place.push(Arc::clone(allocation));
                    changes.keep.push(Arc::clone(allocation));
                }
                Difference::Same | Difference::InPlace => {
                    self.unsettled += u32::from(!allocation.is_client_terminal() && !rollout.is_settled(allocation));
                    self.is_unhealthy |= rollout.is_unhealthy(allocation);
                    changes.tally.ignore += 1;
                    if !allocation.is_client_terminal() {
                        changes.keep.push(Arc::clone(allocation));
                    }
                }
            },
        }
    }
}
