//! Gives every wanted instance that has no allocation a name and asks for its place.

use std::sync::Arc;

use super::changes::{GroupChanges, Instance, PreviousFate, reason};
use super::names::NameIndex;
use super::reschedule;
use super::rollout::Rollout;
use super::sorted::Sorted;
use super::{Comparison, Context, Difference, len, standing};
use crate::model::{Allocation, JobRef, TaskGroup};

pub struct Replacements<'r, 'c> {
    pub context: &'r Context<'r>,
    pub group: &'r TaskGroup,
    pub rollout: &'r Rollout<'r>,
    pub comparison: &'r mut Comparison<'c>,
    /// Instances of an older specification are replaced by their like.
    pub holds_back: bool,
    pub canary: bool,
}

impl Replacements<'_, '_> {
    pub fn replace(&mut self, sorted: Sorted, names: &mut NameIndex, changes: &mut GroupChanges) {
        let count = self.count(&sorted);
        let mut free = count.saturating_sub(len(&sorted.done) + len(&sorted.kept));
        let older = self.older_of(&sorted.kept);
        free = free.saturating_sub(self.take_over(sorted, free, names, changes));
        if self.holds_back && older.is_none() {
            // Neither more of a version that waits or failed, nor an older one to fill up with.
            free = 0;
        }
        changes.tally.place += free;
        let fresh = names.take_runs(free).into_iter();
        changes.places.extend(fresh.map(|(first, count)| Instance { spec: older.clone(), count, ..Instance::new(first) }));
    }

    /// `wanted` canaries beside the others, under names of those that they shall replace.
    pub fn replace_canaries(
        &mut self,
        sorted: Sorted,
        wanted: u32,
        preferred: impl Iterator<Item = u32>,
        names: &mut NameIndex,
        changes: &mut GroupChanges,
    ) {
        let mut own = NameIndex::default();
        for allocation in &sorted.kept {
            own.take(allocation.index);
            names.take(allocation.index);
        }
        changes.tally.ignore += len(&sorted.kept);
        let mut free = wanted.saturating_sub(len(&sorted.kept));
        let before = changes.places.len();
        free = free.saturating_sub(self.take_over(sorted, free, &mut own, changes));
        if self.rollout.is_paused() {
            free = 0;
        }
        let mut preferred = preferred.filter(|index| own.take(*index)).collect::<Vec<_>>().into_iter();
        for _ in 0..free {
            let index = preferred.next().unwrap_or_else(|| names.take_next());
            changes.places.push(Instance::new(index));
        }
        changes.tally.canary += len(&changes.places[before..]);
        changes.places[before..].iter_mut().for_each(|place| place.canary = true);
    }

    /// Keeps what stays; replaces what failed, must move or is lost. Answers how many of the `free` names that took.
    fn take_over(&mut self, sorted: Sorted, free: u32, names: &mut NameIndex, changes: &mut GroupChanges) -> u32 {
        let mut left = free;
        for allocation in sorted.kept {
            if !allocation.is_client_terminal() {
                changes.keep.push(allocation);
            }
        }
        changes.marks.extend(sorted.later);
        for allocation in sorted.now {
            left = left.saturating_sub(1);
            changes.tally.place += u32::from(!self.canary);
            changes.tally.reschedule_now += 1;
            let spec = self.spec_for(&allocation);
            changes.places.push(Instance { spec, ..self.rescheduled(&allocation, names) });
        }
        for allocation in sorted.migrating {
            left = left.saturating_sub(1);
            changes.tally.migrate += 1;
            changes.stops.push(standing::stop(&allocation, reason::MIGRATING));
            changes.places.push(self.successor(allocation, names));
        }
        for allocation in sorted.to_replace.into_iter().take(left as usize) {
            left -= 1;
            changes.tally.place += u32::from(!self.canary);
            changes.places.push(self.successor(allocation, names));
        }
        free - left
    }

    fn successor(&mut self, allocation: Arc<Allocation>, names: &mut NameIndex) -> Instance {
        let index = names.take_or_next(allocation.index, self.group.count);
        let spec = self.spec_for(&allocation);
        let reschedules = allocation.history.reschedules.clone();
        Instance { previous: Some(allocation), reschedules, spec, ..Instance::new(index) }
    }

    fn rescheduled(&self, allocation: &Arc<Allocation>, names: &mut NameIndex) -> Instance {
        let reschedules = reschedule::history(allocation, &self.group.reschedule, self.context.now);
        let mut penalised: Vec<_> = reschedules.iter().map(|event| event.previous_node).collect();
        penalised.sort_unstable();
        penalised.dedup();
        let index = names.take_or_next(allocation.index, self.group.count);
        let fate = PreviousFate::StopWhenPlaced;
        Instance { previous: Some(Arc::clone(allocation)), fate, reschedules, penalised, ..Instance::new(index) }
    }

    /// The older specification that `allocation` is replaced under, when the newest must wait.
    fn spec_for(&mut self, allocation: &Allocation) -> Option<JobRef> {
        if !self.holds_back || self.comparison.difference(&allocation.job, self.group) != Difference::Destructive {
            return None;
        }
        self.older_group(&allocation.job).map(|_| allocation.job.clone())
    }

    /// The newest of the older specifications that still run.
    fn older_of(&mut self, kept: &[Arc<Allocation>]) -> Option<JobRef> {
        if !self.holds_back {
            return None;
        }
        let newest = kept.iter().max_by_key(|allocation| {
            let outdated = self.comparison.difference(&allocation.job, self.group) == Difference::Destructive;
            (outdated, allocation.job.version)
        })?;
        self.spec_for(newest)
    }

    /// How many there shall be: while an older specification is kept up, no more than it asked for.
    fn count(&mut self, sorted: &Sorted) -> u32 {
        let older = self.older_of(&sorted.kept).and_then(|older| self.older_group(&older));
        older.map_or(self.group.count, |count| count.min(self.group.count))
    }

    fn older_group(&self, reference: &JobRef) -> Option<u32> {
        let known = reference.modify_index >= self.context.job.create_index;
        let job = self.context.view.job_spec(reference).filter(|_| known)?;
        job.group(&self.group.name).map(|group| group.count)
    }
}

/// Whether the group's part of a deployment has anything left to do or to wait for.
pub fn is_unfinished(rollout: &Rollout<'_>, canaries: u32, changes: &GroupChanges) -> bool {
    let has_work = !changes.places.is_empty() || !changes.in_place.is_empty() || changes.put_off > 0 || canaries > 0;
    let waits = changes.marks.iter().any(|mark| !mark.disconnected);
    has_work || waits || changes.keep.iter().any(|allocation| !rollout.is_settled(allocation))
}
