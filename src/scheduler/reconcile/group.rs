//! Reconciliation of one group of a service or batch job.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::changes::{GroupChanges, Instance, Mark, PreviousFate, reason};
use super::names::NameIndex;
use super::reschedule::{self, Outlook};
use super::standing::{self, Standing};
use super::{Comparison, Context, Difference, Placeability};
use crate::model::policy::Reconcile;
use crate::model::{AllocClientStatus, Allocation, Job, JobType, TaskGroup};

/// A group's allocations that still count, by where they stand.
#[derive(Default)]
struct Sorted {
    done: Vec<Arc<Allocation>>,
    /// Live ones and failed ones that stay as they are for now.
    kept: Vec<Arc<Allocation>>,
    later: Vec<Mark>,
    now: Vec<Arc<Allocation>>,
    migrating: Vec<Arc<Allocation>>,
    /// On lost or unreachable nodes, wanting a replacement.
    to_replace: Vec<Arc<Allocation>>,
}

pub fn reconcile(
    context: &Context<'_>,
    group: &TaskGroup,
    allocations: &[Arc<Allocation>],
    comparison: &mut Comparison<'_>,
    placeability: &dyn Placeability,
) -> GroupChanges {
    let mut changes = GroupChanges::default();
    let mut sorted = sort(context, group, allocations, comparison, &mut changes);
    stop_duplicates(group, &mut sorted, &mut changes);
    stop_excess(group.count, &mut sorted, &mut changes);

    let mut names = NameIndex::default();
    for allocation in sorted.done.iter().chain(&sorted.kept) {
        names.take(allocation.index);
    }
    changes.tally.ignore += len(&sorted.done);
    let unsettled = dying(allocations) + len(&sorted.now);
    update(context, group, &mut sorted, unsettled, comparison, placeability, &mut changes);
    replace(context, group, sorted, &mut names, &mut changes);
    changes
}

fn sort(
    context: &Context<'_>,
    group: &TaskGroup,
    allocations: &[Arc<Allocation>],
    comparison: &mut Comparison<'_>,
    changes: &mut GroupChanges,
) -> Sorted {
    let mut sorted = Sorted::default();
    for allocation in allocations {
        match standing::of(context, group, allocation, comparison) {
            Standing::Ignored => {}
            // Work under a name that the group no longer has does not stand for that of another.
            Standing::Done if allocation.index >= group.count => {}
            Standing::Done => sorted.done.push(Arc::clone(allocation)),
            Standing::Live | Standing::Failed(Outlook::Never) => sorted.kept.push(Arc::clone(allocation)),
            Standing::Failed(Outlook::Later(at)) => {
                sorted.kept.push(Arc::clone(allocation));
                if !allocation.follow_up_eval.is_some_and(|eval| context.waiting.contains(&eval)) {
                    sorted.later.push(Mark { alloc: Arc::clone(allocation), at, disconnected: false });
                }
            }
            Standing::Failed(Outlook::Now) => sorted.now.push(Arc::clone(allocation)),
            Standing::Migrating => sorted.migrating.push(Arc::clone(allocation)),
            Standing::Lost { wanted, why } => {
                changes.stops.push(standing::lost(allocation, why));
                if wanted {
                    sorted.to_replace.push(Arc::clone(allocation));
                }
            }
            Standing::Away { lost_at, marked, replaced } => {
                if !marked {
                    changes.marks.push(Mark { alloc: Arc::clone(allocation), at: lost_at, disconnected: true });
                }
                if !group.disconnect.replace {
                    sorted.kept.push(Arc::clone(allocation));
                } else if !replaced {
                    sorted.to_replace.push(Arc::clone(allocation));
                }
            }
        }
    }
    sorted
}

/// An instance whose node came back meets its replacement: one of the two goes, as `disconnect.reconcile` says. Without a
/// record of scores over time, `best_score` keeps the original like `longest_running` does.
fn stop_duplicates(group: &TaskGroup, sorted: &mut Sorted, changes: &mut GroupChanges) {
    let present: BTreeSet<_> = sorted.kept.iter().map(|allocation| allocation.id).collect();
    let replaced_by: Vec<_> =
        sorted.kept.iter().filter_map(|original| Some((original.id, original.next.filter(|next| present.contains(next))?))).collect();
    for (original, replacement) in replaced_by {
        let loser = if group.disconnect.reconcile == Reconcile::KeepReplacement { original } else { replacement };
        if let Some(at) = sorted.kept.iter().position(|allocation| allocation.id == loser) {
            let allocation = sorted.kept.swap_remove(at);
            changes.tally.stop += 1;
            changes.stops.push(standing::stop(&allocation, reason::DUPLICATE));
        }
    }
    sorted.kept.sort_by_key(|allocation| (allocation.index, allocation.id));
}

/// Stops what is above the count: those on their way out first, then indexes that are no name of the group any more, then
/// second holders of a name, then what does not run, then the highest indexes.
fn stop_excess(count: u32, sorted: &mut Sorted, changes: &mut GroupChanges) {
    let total = sorted.done.len() + sorted.kept.len() + sorted.now.len() + sorted.migrating.len();
    let mut excess = total.saturating_sub(count as usize);
    if excess == 0 {
        return;
    }
    let mut names = NameIndex::default();
    for allocation in &sorted.done {
        names.take(allocation.index);
    }
    let mut ranked = Vec::with_capacity(total);
    for (leaving, list) in [(false, &sorted.kept), (true, &sorted.now), (true, &sorted.migrating)] {
        for allocation in list {
            let duplicate = !names.take(allocation.index);
            let idle = allocation.client_status != AllocClientStatus::Running;
            ranked.push(((leaving, allocation.index >= count, duplicate, idle, allocation.index), Arc::clone(allocation)));
        }
    }
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
    excess = excess.min(ranked.len());
    let gone: BTreeSet<_> = ranked.iter().take(excess).map(|(_, allocation)| allocation.id).collect();
    for (_, allocation) in ranked.into_iter().take(excess) {
        changes.tally.stop += 1;
        changes.stops.push(standing::stop(&allocation, reason::NOT_NEEDED));
    }
    for list in [&mut sorted.kept, &mut sorted.now, &mut sorted.migrating] {
        list.retain(|allocation| !gone.contains(&allocation.id));
    }
    sorted.later.retain(|mark| !gone.contains(&mark.alloc.id));
}

/// Brings kept instances to the newest specification, as far as the update strategy lets them go at once.
fn update(
    context: &Context<'_>,
    group: &TaskGroup,
    sorted: &mut Sorted,
    mut unsettled: u32,
    comparison: &mut Comparison<'_>,
    placeability: &dyn Placeability,
    changes: &mut GroupChanges,
) {
    let mut destructive = Vec::new();
    for allocation in &sorted.kept {
        match comparison.difference(&allocation.job, group) {
            Difference::Same => {
                unsettled += u32::from(!matches!(allocation.client_status, AllocClientStatus::Running | AllocClientStatus::Unknown));
                changes.tally.ignore += 1;
            }
            Difference::InPlace if allocation.is_client_terminal() => changes.tally.ignore += 1,
            Difference::InPlace if placeability.may_stay(allocation.node_id) => {
                changes.tally.in_place += 1;
                changes.in_place.push(Arc::clone(allocation));
            }
            Difference::InPlace | Difference::Destructive => destructive.push(Arc::clone(allocation)),
        }
    }
    let room = room_to_replace(context.job.job_type, group, unsettled);
    changes.room = room;
    let now = destructive.len().min(room);
    changes.put_off = len(&destructive[now..]);
    changes.tally.ignore += changes.put_off;
    let replaced: BTreeSet<_> = destructive.iter().take(now).map(|allocation| allocation.id).collect();
    // A failed instance that is replaced right away needs no later try.
    sorted.later.retain(|mark| !replaced.contains(&mark.alloc.id));
    for allocation in destructive.into_iter().take(now) {
        changes.tally.destructive += 1;
        let fate = PreviousFate::StopToMakeRoom;
        changes.places.push(Instance { previous: Some(Arc::clone(&allocation)), fate, ..Instance::new(allocation.index) });
    }
}

/// Stopped instances that have not ended yet. Their replacements may wait for the room that they hold, so they count as
/// being replaced: an update must not stop more of them meanwhile.
pub fn dying(allocations: &[Arc<Allocation>]) -> u32 {
    let dying = allocations.iter().filter(|allocation| allocation.is_server_terminal() && !allocation.is_client_terminal());
    u32::try_from(dying.count()).unwrap_or(u32::MAX)
}

/// How many instances may be replaced now: `max_parallel` less those that do not run yet, or any more.
pub fn room_to_replace(job_type: JobType, group: &TaskGroup, unsettled: u32) -> usize {
    match &group.update {
        Some(update) if update.max_parallel > 0 && !job_type.is_batch() => update.max_parallel.saturating_sub(unsettled) as usize,
        _ => usize::MAX,
    }
}

/// Gives every wanted instance that has no allocation a name and asks for its place.
fn replace(context: &Context<'_>, group: &TaskGroup, sorted: Sorted, names: &mut NameIndex, changes: &mut GroupChanges) {
    let mut free = group.count.saturating_sub(len(&sorted.done) + len(&sorted.kept));
    for allocation in sorted.kept {
        if !allocation.is_client_terminal() {
            changes.keep.push(allocation);
        }
    }
    changes.marks.extend(sorted.later);
    for allocation in sorted.now {
        free = free.saturating_sub(1);
        changes.tally.place += 1;
        changes.places.push(rescheduled(context, group, &allocation, names));
    }
    for allocation in sorted.migrating {
        free = free.saturating_sub(1);
        changes.tally.migrate += 1;
        changes.stops.push(standing::stop(&allocation, reason::MIGRATING));
        let index = names.take_or_next(allocation.index, group.count);
        let reschedules = allocation.reschedules.clone();
        changes.places.push(Instance { previous: Some(allocation), reschedules, ..Instance::new(index) });
    }
    for allocation in sorted.to_replace.into_iter().take(free as usize) {
        free -= 1;
        changes.tally.place += 1;
        let index = names.take_or_next(allocation.index, group.count);
        let reschedules = allocation.reschedules.clone();
        changes.places.push(Instance { previous: Some(allocation), reschedules, ..Instance::new(index) });
    }
    changes.tally.place += free;
    changes.places.extend((0..free).map(|_| Instance::new(names.take_next())));
}

fn rescheduled(context: &Context<'_>, group: &TaskGroup, allocation: &Arc<Allocation>, names: &mut NameIndex) -> Instance {
    let reschedules = reschedule::history(allocation, &group.reschedule, context.now);
    let mut penalised: Vec<_> = reschedules.iter().map(|event| event.previous_node).collect();
    penalised.sort_unstable();
    penalised.dedup();
    Instance {
        index: names.take_or_next(allocation.index, group.count),
        previous: Some(Arc::clone(allocation)),
        fate: PreviousFate::StopWhenPlaced,
        reschedules,
        penalised,
        only_on: None,
    }
}

/// Whether an instance of a service still has an older specification that only a replacement can end: one that runs, or one that
/// failed and has no successor yet.
pub fn has_outdated(context: &Context<'_>, job: &Job, allocations: &[Arc<Allocation>]) -> bool {
    let mut comparison = Comparison::new(context);
    allocations.iter().filter(|allocation| is_wanted(allocation)).any(|allocation| {
        job.group(&allocation.group).is_some_and(|group| comparison.difference(&allocation.job, group) == Difference::Destructive)
    })
}

fn is_wanted(allocation: &Allocation) -> bool {
    let awaits_successor = allocation.client_status == AllocClientStatus::Failed && allocation.next.is_none();
    !allocation.is_server_terminal() && (!allocation.is_client_terminal() || awaits_successor)
}

fn len<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
