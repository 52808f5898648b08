//! A group's allocations that still count, by where they stand, with surplus ones taken out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::changes::{GroupChanges, Mark, reason};
use super::names::NameIndex;
use super::reschedule::Outlook;
use super::rollout::Rollout;
use super::standing::{self, Standing};
use super::{Comparison, Context, Difference, len};
use crate::model::policy::Reconcile;
use crate::model::{AllocClientStatus, AllocId, Allocation, TaskGroup};
use crate::util::clock::Timestamp;

#[derive(Default)]
pub struct Sorted {
    pub done: Vec<Arc<Allocation>>,
    /// Live ones and failed ones that stay as they are for now.
    pub kept: Vec<Arc<Allocation>>,
    pub later: Vec<Mark>,
    pub now: Vec<Arc<Allocation>>,
    pub migrating: Vec<Arc<Allocation>>,
    /// On lost or unreachable nodes, wanting a replacement.
    pub to_replace: Vec<Arc<Allocation>>,
    /// In touch again but not heard of yet; a replacement holds the name meanwhile.
    pub returning: Vec<Arc<Allocation>>,
}

/// Sorts `allocations`; what is lost gets its stop, and what is out of touch its mark, in `changes`.
pub fn sort<'a>(
    context: &Context<'_>,
    group: &TaskGroup,
    allocations: impl Iterator<Item = &'a Arc<Allocation>> + Clone,
    rollout: &Rollout<'_>,
    comparison: &mut Comparison<'_>,
    changes: &mut GroupChanges,
) -> Sorted {
    let mut sorted = Sorted::default();
    for allocation in allocations.clone() {
        match standing::of(context, group, allocation, comparison) {
            Standing::Ignored => {}
            // Work under a name that the group no longer has does not stand for that of another.
            Standing::Done if allocation.index >= group.count => {}
            Standing::Done => sorted.done.push(Arc::clone(allocation)),
            Standing::Live | Standing::Failed(Outlook::Never) => sorted.kept.push(Arc::clone(allocation)),
            Standing::Failed(_) if rollout.has_given_up(allocation) => sorted.kept.push(Arc::clone(allocation)),
            Standing::Failed(Outlook::Later(at)) => {
                sorted.kept.push(Arc::clone(allocation));
                if !allocation.history.follow_up_eval.is_some_and(|eval| context.waiting.contains(&eval)) {
                    sorted.later.push(Mark { alloc: Arc::clone(allocation), at: Some(at), disconnected: false });
                }
            }
            Standing::Failed(Outlook::Now) => sorted.now.push(Arc::clone(allocation)),
            Standing::Migrating => sorted.migrating.push(Arc::clone(allocation)),
            Standing::Returning => sorted.returning.push(Arc::clone(allocation)),
            Standing::Lost { wanted, why } => {
                changes.stops.push(standing::lost(allocation, why));
                if wanted {
                    sorted.to_replace.push(Arc::clone(allocation));
                }
            }
            Standing::Away { lost_at, marked, replaced, holds } => {
                if !marked {
                    changes.tally.disconnect += 1;
                    changes.marks.push(Mark { alloc: Arc::clone(allocation), at: lost_at, disconnected: true });
                }
                if holds {
                    sorted.kept.push(Arc::clone(allocation));
                } else if !replaced {
                    sorted.to_replace.push(Arc::clone(allocation));
                }
            }
        }
    }
    changes.tally.reschedule_later += len(&sorted.later);
    sorted.forget_done_again(allocations);
    sorted
}

impl Sorted {
    /// Only the newest holder of a name says what became of its work: what ended before the job was restarted or changed, and runs again since,
    /// is history, also once the specification is the old one again.
    fn forget_done_again<'a>(&mut self, allocations: impl Iterator<Item = &'a Arc<Allocation>>) {
        if self.done.is_empty() {
            return;
        }
        let mut newest = BTreeMap::new();
        for allocation in allocations {
            let age = newest.entry(allocation.index).or_insert((0, AllocId(0)));
            *age = (allocation.create_index, allocation.id).max(*age);
        }
        self.done.retain(|allocation| newest.get(&allocation.index).is_some_and(|(_, id)| *id == allocation.id));
    }

    /// An instance whose node came back meets its replacement: one of the two goes, as `disconnect.reconcile` says.
    pub fn stop_one_of_each_pair(&mut self, group: &TaskGroup, comparison: &mut Comparison<'_>, changes: &mut GroupChanges) {
        let has_pairs = self.kept.iter().any(|allocation| allocation.history.next.is_some());
        let present: BTreeSet<_> = self.kept.iter().filter(|_| has_pairs).map(|allocation| allocation.id).collect();
        let pairs: Vec<_> = self
            .kept
            .iter()
            .filter_map(|original| {
                let next = original.history.next.filter(|next| present.contains(next))?;
                Some((Arc::clone(original), Arc::clone(self.kept.iter().find(|other| other.id == next)?)))
            })
            .collect();
        for (original, replacement) in pairs {
            changes.tally.reconnect += 1;
            let outdated = |allocation: &Allocation, comparison: &mut Comparison<'_>| {
                comparison.difference(&allocation.job, group) == Difference::Destructive
            };
            let keeps_replacement = outdated(&original, comparison) && !outdated(&replacement, comparison)
                || !prefers_original(group.disconnect.reconcile, &original, &replacement);
            let loser = if keeps_replacement { original.id } else { replacement.id };
            if let Some(at) = self.kept.iter().position(|allocation| allocation.id == loser) {
                let allocation = self.kept.swap_remove(at);
                changes.tally.stop += 1;
                changes.stops.push(standing::stop(&allocation, reason::DUPLICATE));
            }
        }
        self.kept.sort_by_key(|allocation| (allocation.index, allocation.id));
    }

    /// Stops work that nobody asks for any more, whatever else runs: once done it would not stand for that of another name.
    pub fn stop_unnamed(&mut self, count: u32, changes: &mut GroupChanges) {
        let all = self.kept.iter().chain(&self.now).chain(&self.migrating);
        let unnamed: Vec<_> = all.filter(|allocation| allocation.index >= count).map(Arc::clone).collect();
        self.stop_all(unnamed, reason::NOT_NEEDED, changes);
    }

    /// Stops what is above `count`: those on their way out first, then indexes outside of `names`, then second holders of a name (of two
    /// versions the older), then what does not run, then the highest indexes.
    pub fn stop_excess(
        &mut self,
        group: &TaskGroup,
        count: u32,
        names: Range<u32>,
        comparison: &mut Comparison<'_>,
        changes: &mut GroupChanges,
    ) {
        let total = self.done.len() + self.kept.len() + self.now.len() + self.migrating.len();
        let excess = total.saturating_sub(count as usize);
        if excess == 0 {
            return;
        }
        let mut taken = NameIndex::default();
        for allocation in &self.done {
            taken.take(allocation.index);
        }
        let mut candidates: Vec<_> = [(false, &self.kept), (true, &self.now), (true, &self.migrating)]
            .into_iter()
            .flat_map(|(leaving, list)| list.iter().map(move |allocation| (leaving, allocation)))
            .map(|(leaving, allocation)| {
                let outdated = comparison.difference(&allocation.job, group) == Difference::Destructive;
                (leaving, outdated, allocation.client_status != AllocClientStatus::Running, Arc::clone(allocation))
            })
            .collect();
        // The best holder of a name takes it.
        candidates.sort_by_key(|(leaving, outdated, idle, allocation)| (*leaving, *outdated, *idle, allocation.index, allocation.id));
        let mut ranked: Vec<_> = candidates
            .into_iter()
            .map(|(leaving, _, idle, allocation)| {
                let duplicate = !taken.take(allocation.index);
                ((leaving, !names.contains(&allocation.index), duplicate, idle, allocation.index), allocation)
            })
            .collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
        let gone = ranked.into_iter().take(excess).map(|(_, allocation)| allocation).collect();
        self.stop_all(gone, reason::NOT_NEEDED, changes);
    }

    /// No name is held twice: the better holder keeps it, another instance is placed under a free one.
    pub fn mend_names(&mut self, group: &TaskGroup, comparison: &mut Comparison<'_>, changes: &mut GroupChanges) {
        let mut names = NameIndex::default();
        if self.done.iter().chain(&self.kept).all(|allocation| names.take(allocation.index)) {
            return;
        }
        let mut names = NameIndex::default();
        for allocation in &self.done {
            names.take(allocation.index);
        }
        let mut holders = self.kept.clone();
        holders.sort_by_cached_key(|allocation| {
            let outdated = comparison.difference(&allocation.job, group) == Difference::Destructive;
            (outdated, allocation.client_status != AllocClientStatus::Running, allocation.id)
        });
        holders.retain(|allocation| !names.take(allocation.index));
        self.stop_all(holders, reason::DUPLICATE, changes);
    }

    fn stop_all(&mut self, gone: Vec<Arc<Allocation>>, why: &'static str, changes: &mut GroupChanges) {
        let ids: BTreeSet<_> = gone.iter().map(|allocation| allocation.id).collect();
        changes.tally.stop += len(&gone);
        // What is over already needs no stop to end, but to be settled: its name goes to another.
        changes.stops.extend(gone.iter().map(|allocation| standing::stop(allocation, why)));
        for list in [&mut self.kept, &mut self.now, &mut self.migrating] {
            list.retain(|allocation| !ids.contains(&allocation.id));
        }
        self.later.retain(|mark| !ids.contains(&mark.alloc.id));
    }
}

/// Ties go to the original: it kept its work all the while.
fn prefers_original(policy: Reconcile, original: &Allocation, replacement: &Allocation) -> bool {
    match policy {
        Reconcile::KeepOriginal => true,
        Reconcile::KeepReplacement => false,
        Reconcile::LongestRunning => running_since(original) <= running_since(replacement),
        Reconcile::BestScore => match (score(original), score(replacement)) {
            (Some(original), Some(replacement)) => original >= replacement,
            _ => true,
        },
    }
}

/// When the last of its tasks came up, the latest possible time if none did.
fn running_since(allocation: &Allocation) -> Timestamp {
    let started = allocation.task_states.values().filter_map(|state| state.started_at);
    started.max().unwrap_or(Timestamp(i64::MAX))
}

/// What its node scored when it was placed there.
fn score(allocation: &Allocation) -> Option<f64> {
    let scores = &allocation.metrics.scores;
    scores.iter().find(|score| score.node == allocation.node_id).map(|score| score.total)
}
