//! Reconciliation of one group of a system or sysbatch job: one instance on every node that may have it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::changes::{GroupChanges, Instance, Mark, PreviousFate, reason};
use super::group::{dying, room_to_replace};
use super::standing::{self, Standing};
use super::{Comparison, Context, Difference, Placeability};
use crate::model::{AllocClientStatus, Allocation, TaskGroup};

/// Instances of system jobs are told apart by their node; all have the same name.
const INDEX: u32 = 0;

pub fn reconcile(
    context: &Context<'_>,
    group: &TaskGroup,
    allocations: &[Arc<Allocation>],
    comparison: &mut Comparison<'_>,
    placeability: &dyn Placeability,
) -> GroupChanges {
    let mut changes = GroupChanges::default();
    // Nodes that have their instance, or shall get none now.
    let mut served = BTreeSet::new();
    let mut outdated = Vec::new();
    let mut unsettled = dying(allocations);
    if group.count == 0 {
        changes.stops = super::stop_all(context.view, allocations);
        changes.tally.stop = u32::try_from(changes.stops.len()).unwrap_or(u32::MAX);
        return changes;
    }
    for allocation in allocations {
        match standing::of(context, group, allocation, comparison) {
            Standing::Ignored => {}
            Standing::Done => {
                changes.tally.ignore += 1;
                served.insert(allocation.node_id);
            }
            Standing::Lost { why, .. } => changes.stops.push(standing::lost(allocation, why)),
            Standing::Away { lost_at, marked, .. } => {
                if !marked {
                    changes.marks.push(Mark { alloc: Arc::clone(allocation), at: lost_at, disconnected: true });
                }
                served.insert(allocation.node_id);
            }
            Standing::Migrating => {
                changes.tally.migrate += 1;
                changes.stops.push(standing::stop(allocation, reason::MIGRATING));
            }
            Standing::Live | Standing::Failed(_) if !served.insert(allocation.node_id) => {
                changes.tally.stop += 1;
                changes.stops.push(standing::stop(allocation, reason::DUPLICATE));
            }
            Standing::Live if !placeability.may_stay(allocation.node_id) => {
                changes.tally.stop += 1;
                changes.stops.push(standing::stop(allocation, reason::NODE_UNFIT));
            }
            // A failed instance is not tried again by itself: its node would only fail it again.
            Standing::Live | Standing::Failed(_) => match comparison.difference(&allocation.job, group) {
                Difference::Destructive => outdated.push(Arc::clone(allocation)),
                Difference::InPlace if !allocation.is_client_terminal() => {
                    changes.tally.in_place += 1;
                    changes.in_place.push(Arc::clone(allocation));
                    changes.keep.push(Arc::clone(allocation));
                }
                Difference::Same | Difference::InPlace => {
                    unsettled += u32::from(allocation.client_status == AllocClientStatus::Pending);
                    changes.tally.ignore += 1;
                    if !allocation.is_client_terminal() {
                        changes.keep.push(Arc::clone(allocation));
                    }
                }
            },
        }
    }
    let room = room_to_replace(context.job.job_type, group, unsettled);
    changes.room = room;
    let now = outdated.len().min(room);
    changes.put_off = u32::try_from(outdated.len() - now).unwrap_or(u32::MAX);
    changes.tally.ignore += changes.put_off;
    for (position, allocation) in outdated.into_iter().enumerate() {
        if position < now {
            changes.tally.destructive += 1;
            changes.places.push(Instance {
                previous: Some(Arc::clone(&allocation)),
                fate: PreviousFate::StopToMakeRoom,
                only_on: Some(allocation.node_id),
                ..Instance::new(INDEX)
            });
        }
        if !allocation.is_client_terminal() {
            changes.keep.push(allocation);
        }
    }
    for node in placeability.eligible_nodes() {
        if served.insert(node) {
            changes.tally.place += 1;
            changes.places.push(Instance { only_on: Some(node), ..Instance::new(INDEX) });
        }
    }
    changes
}
