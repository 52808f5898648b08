//! Reconciliation of one group of a service or batch job.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::changes::{GroupChanges, Instance, PreviousFate, reason};
use super::names::NameIndex;
use super::replace::{self, Replacements};
use super::rollout::Rollout;
use super::sorted::{Sorted, sort};
use super::{Comparison, Context, Difference, Placeability, len, standing};
use crate::model::{AllocClientStatus, Allocation, TaskGroup};

pub fn reconcile(
    context: &Context<'_>,
    group: &TaskGroup,
    allocations: &[Arc<Allocation>],
    comparison: &mut Comparison<'_>,
    placeability: &dyn Placeability,
) -> GroupChanges {
    let rollout = Rollout::of(context, group);
    let mut changes = GroupChanges::default();
    let (beside, canaries) = sort_canaries(context, group, allocations, &rollout, comparison, &mut changes);
    let ordinary = allocations.iter().filter(|allocation| !beside || !rollout.is_canary(allocation));
    let mut sorted = sort(context, group, ordinary, &rollout, comparison, &mut changes);
    sorted.stop_one_of_each_pair(group, comparison, &mut changes);
    if context.job.job_type.is_batch() {
        sorted.stop_unnamed(group.count, &mut changes);
    }
    sorted.stop_excess(group, group.count, 0..group.count, comparison, &mut changes);
    sorted.mend_names(group, comparison, &mut changes);

    let mut names = NameIndex::default();
    for allocation in sorted.done.iter().chain(&sorted.kept) {
        names.take(allocation.index);
    }
    changes.tally.ignore += len(&sorted.done);
    let unsettled = dying(allocations) + len(&sorted.now);
    let outdated = update(&rollout, group, &mut sorted, &mut names, unsettled, comparison, placeability, &mut changes);
    changes.keep.append(&mut sorted.returning);

    let holds_back = rollout.holds_back(outdated.len());
    let mut replacements = Replacements { context, group, rollout: &rollout, comparison, holds_back, canary: false };
    replacements.replace(sorted, &mut names, &mut changes);
    let wanted = rollout.canaries(outdated.len());
    if beside || wanted > 0 {
        replacements.canary = true;
        let preferred = outdated.iter().map(|allocation| allocation.index);
        replacements.replace_canaries(canaries, wanted, preferred, &mut names, &mut changes);
    }
    conclude(context, group, &rollout, allocations, wanted, &mut changes);
    changes
}

/// Takes out the canaries that wait for promotion; those of a roll-out that is over are stopped. False when there are none, which is
/// the common case and costs no more than a look.
fn sort_canaries(
    context: &Context<'_>,
    group: &TaskGroup,
    allocations: &[Arc<Allocation>],
    rollout: &Rollout<'_>,
    comparison: &mut Comparison<'_>,
    changes: &mut GroupChanges,
) -> (bool, Sorted) {
    if !allocations.iter().any(|allocation| rollout.is_canary(allocation)) {
        return (false, Sorted::default());
    }
    let canaries = || allocations.iter().filter(|allocation| rollout.is_canary(allocation));
    for stale in canaries().filter(|canary| !rollout.wants_canary(canary)) {
        if let Some(stop) = standing::retire_because(context.view, stale, reason::CANARY) {
            changes.tally.stop += 1;
            changes.stops.push(stop);
        }
    }
    let wanted = canaries().filter(|canary| rollout.wants_canary(canary));
    let mut canaries = sort(context, group, wanted, rollout, comparison, changes);
    canaries.stop_one_of_each_pair(group, comparison, changes);
    // Those that come back after their replacement was replaced in turn. Canaries may have names beyond the group's own.
    canaries.stop_excess(group, rollout.canaries(1), 0..u32::MAX, comparison, changes);
    canaries.mend_names(group, comparison, changes);
    changes.keep.append(&mut canaries.returning);
    (true, canaries)
}

/// Brings kept instances to the newest specification, as far as the update strategy lets them go at once. Answers those that only a
/// replacement brings there.
#[allow(clippy::too_many_arguments, reason = "one call, in one place")]
fn update(
    rollout: &Rollout<'_>,
    group: &TaskGroup,
    sorted: &mut Sorted,
    names: &mut NameIndex,
    mut unsettled: u32,
    comparison: &mut Comparison<'_>,
    placeability: &dyn Placeability,
    changes: &mut GroupChanges,
) -> Vec<Arc<Allocation>> {
    let mut outdated = Vec::new();
    let mut is_unhealthy = false;
    for allocation in &sorted.kept {
        match comparison.difference(&allocation.job, group) {
            Difference::Same => {
                unsettled += u32::from(!rollout.is_settled(allocation));
                is_unhealthy |= rollout.is_unhealthy(allocation);
                changes.tally.ignore += 1;
            }
            Difference::InPlace if allocation.is_client_terminal() => changes.tally.ignore += 1,
            Difference::InPlace if placeability.may_stay(allocation.node_id) => {
                unsettled += u32::from(!has_proved_itself(allocation));
                changes.tally.in_place += 1;
                changes.in_place.push(Arc::clone(allocation));
            }
            Difference::InPlace | Difference::Destructive => outdated.push(Arc::clone(allocation)),
        }
    }
    // What does not work is replaced first: that costs nobody anything.
    outdated.sort_by_key(|allocation| has_proved_itself(allocation));
    let room = rollout.room(outdated.len(), unsettled, is_unhealthy);
    changes.room = room;
    let now = outdated.len().min(room);
    changes.put_off = len(&outdated[now..]);
    changes.tally.ignore += changes.put_off;
    let replaced: BTreeSet<_> = outdated.iter().take(now).map(|allocation| allocation.id).collect();
    // A failed instance that is replaced right away needs no later try.
    sorted.later.retain(|mark| !replaced.contains(&mark.alloc.id));
    for allocation in outdated.iter().take(now) {
        changes.tally.destructive += 1;
        let fate = PreviousFate::StopToMakeRoom;
        // A name that the group dropped ends with its holder: work done under it would not count.
        let index = if allocation.index < group.count { allocation.index } else { names.take_next() };
        changes.places.push(Instance { previous: Some(Arc::clone(allocation)), fate, ..Instance::new(index) });
    }
    outdated
}

/// Whether an instance of whatever version serves, as far as is known.
fn has_proved_itself(allocation: &Allocation) -> bool {
    allocation.client_status == AllocClientStatus::Running && (allocation.deployment.is_none() || allocation.health() == Some(true))
}

/// Says what all this means for the group's deployment.
fn conclude(
    context: &Context<'_>,
    group: &TaskGroup,
    rollout: &Rollout<'_>,
    allocations: &[Arc<Allocation>],
    canaries: u32,
    changes: &mut GroupChanges,
) {
    let is_new = || !allocations.iter().any(|allocation| allocation.job == context.reference);
    let updates = || !changes.in_place.is_empty() || changes.tally.destructive + changes.put_off + changes.tally.canary > 0;
    changes.starts_deployment = group.count > 0 && !rollout.is_deployed() && (updates() || is_new());
    changes.initial_state = rollout.initial_state(group.count, canaries);
    changes.unfinished = replace::is_unfinished(rollout, canaries, changes);
}

/// Stopped instances without a successor that have not ended yet. Their replacements may wait for the room that they hold, so they count
/// as being replaced: an update must not stop more of them meanwhile.
pub fn dying(allocations: &[Arc<Allocation>]) -> u32 {
    let dying = allocations.iter().filter(|row| row.is_server_terminal() && !row.is_client_terminal() && row.history.next.is_none());
    u32::try_from(dying.count()).unwrap_or(u32::MAX)
}
