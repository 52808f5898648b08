//! What there is to decide, found in the state when a leader starts, and in the change feed from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{EvalId, EvalStatus, Evaluation, JobKey, NodeId, neighbours};
use crate::scheduler::{Scheduler, Touched};
use crate::server::View;
use crate::state::changes::AllocationChange;
use crate::state::store::Publication;
use crate::state::{Change, State};
use crate::util::clock::Timestamp;

/// Due, waiting and blocked evaluations, and what changed that may help the blocked ones.
#[derive(Default)]
pub struct Pending {
    touched: Touched,
    due: BTreeSet<EvalId>,
    waiting: BTreeSet<(Timestamp, EvalId)>,
    blocked: BTreeMap<EvalId, Seen>,
    news: News,
}

/// Up to which index changes were looked at on behalf of a blocked evaluation.
#[derive(Clone, Copy)]
struct Seen {
    changes: u64,
    /// Apart, since the index of [`Pending::wake_all`] may be that of a change to come, which must not count as seen.
    everything: u64,
}

/// Changes that may let a blocked evaluation place more, by the index at which they happened last. Kept until every decision that was made
/// without them is known.
#[derive(Default)]
struct News {
    nodes: BTreeMap<NodeId, u64>,
    /// Jobs of which an instance went.
    jobs: BTreeMap<JobKey, u64>,
    /// Jobs of which an instance came, which others may have wanted near them.
    placed: BTreeMap<JobKey, u64>,
    everything: u64,
    newest: u64,
}

impl Pending {
    /// Everything that is open: what a new leader starts with.
    pub fn from_state(state: &State) -> Self {
        let mut pending = Self { touched: Touched { everything: true, ..Touched::default() }, ..Self::default() };
        for evaluation in state.open_evaluations() {
            pending.sort_in(evaluation);
        }
        pending.wake_all(state.index() + 1);
        pending
    }

    pub fn note(&mut self, publication: &Publication) {
        if publication.replaced {
            *self = Self::from_state(&publication.state);
            return;
        }
        for changes in publication.changes.iter() {
            for change in &changes.changes {
                self.note_change(change, changes.index);
            }
        }
    }

    fn note_change(&mut self, change: &Change, index: u64) {
        match change {
            Change::Evaluation { before, after } => {
                if let Some(row) = before {
                    self.forget(row);
                }
                if let Some(row) = after {
                    self.sort_in(row);
                }
            }
            Change::Node { before, after } => {
                let node = before.iter().chain(after).map(|node| node.id).next();
                self.touched.nodes.extend(node);
                self.news.note_node(node, index);
            }
            // A report of one that goes on moves nothing that is decided from: it holds the room that it held.
            Change::Allocation { before: Some(before), after: Some(after), source: AllocationChange::Client }
                if !before.is_terminal() && !after.is_terminal() => {}
            Change::Allocation { before, after, .. } => {
                if let (None, Some(row)) = (before, after) {
                    self.news.note_placed(&row.job.key, index);
                }
                self.touched.allocations.extend(before.iter().chain(after).map(|row| row.id).take(1));
                self.touched.nodes.extend(before.iter().chain(after).map(|row| row.node_id).take(1));
                if let Some(row) = before.as_ref().filter(|row| row.holds_room())
                    && !after.as_ref().is_some_and(|row| row.holds_room())
                {
                    self.news.note_node(Some(row.node_id), index);
                }
                let was_wanted = before.as_ref().is_some_and(|row| !row.is_terminal());
                if let Some(row) = before
                    && was_wanted
                    && after.as_ref().is_none_or(|row| row.is_terminal())
                {
                    self.news.note_job(&row.job.key, index);
                }
            }
            Change::SchedulerConfig => self.wake_all(index),
            Change::Job { .. } | Change::Deployment { .. } | Change::NodePool { .. } => {}
        }
    }

    fn sort_in(&mut self, evaluation: &Arc<Evaluation>) {
        match (evaluation.status, evaluation.wait_until) {
            (EvalStatus::Pending, Some(at)) => _ = self.waiting.insert((at, evaluation.id)),
            (EvalStatus::Pending, None) => _ = self.due.insert(evaluation.id),
            (EvalStatus::Blocked, _) => {
                let index = evaluation.snapshot_index;
                self.blocked.insert(evaluation.id, Seen { changes: index, everything: index });
            }
            (EvalStatus::Complete | EvalStatus::Failed | EvalStatus::Canceled, _) => {}
        }
    }

    fn forget(&mut self, evaluation: &Arc<Evaluation>) {
        self.due.remove(&evaluation.id);
        self.blocked.remove(&evaluation.id);
        if let Some(at) = evaluation.wait_until {
            self.waiting.remove(&(at, evaluation.id));
        }
    }

    /// Every evaluation that blocked before `index` is worth another try.
    pub fn wake_all(&mut self, index: u64) {
        self.news.everything = self.news.everything.max(index);
    }

    /// A decision on the job was thrown away: what was open of it is due again.
    pub fn take_up_again(&mut self, state: &State, job: &JobKey) {
        for evaluation in state.evaluations_of_job(job).filter(|row| !row.is_terminal()) {
            self.sort_in(evaluation);
            if evaluation.status == EvalStatus::Blocked {
                self.due.insert(evaluation.id);
            }
        }
    }

    pub fn take_touched(&mut self) -> Touched {
        std::mem::take(&mut self.touched)
    }

    /// When the first waiting evaluation falls due.
    pub fn next_wait(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// No decision is on its way that was made without the latest changes: they need not be kept.
    pub fn forget_old_news(&mut self) {
        let is_seen = self.blocked.values().all(|seen| seen.changes >= self.news.newest);
        if is_seen {
            self.news = News { newest: self.news.newest, everything: self.news.everything, ..News::default() };
        }
    }

    /// The evaluations to decide now. Those of held jobs stay due until a later call.
    pub fn take_due(
        &mut self,
        state: &State,
        scheduler: &mut Scheduler,
        is_held: impl Fn(&JobKey) -> bool,
        now: Timestamp,
    ) -> Vec<Arc<Evaluation>> {
        while let Some((at, id)) = self.waiting.first().copied()
            && at <= now
        {
            self.waiting.remove(&(at, id));
            self.due.insert(id);
        }
        self.wake(state, scheduler);
        let open = std::mem::take(&mut self.due).into_iter().filter_map(|id| state.evaluation(id)).filter(|row| !row.is_terminal());
        let (held, free): (Vec<_>, Vec<_>) = open.partition(|evaluation| is_held(&evaluation.job));
        self.due = held.into_iter().map(|evaluation| evaluation.id).collect();
        free.into_iter().map(Arc::clone).collect()
    }

    /// Makes blocked evaluations due that a change since their decision may help.
    fn wake(&mut self, state: &State, scheduler: &mut Scheduler) {
        for (id, last) in &mut self.blocked {
            let Seen { changes: seen, everything } = *last;
            if seen >= self.news.newest && everything >= self.news.everything {
                continue;
            }
            let Some(evaluation) = state.evaluation(*id) else { continue };
            let changed: Vec<NodeId> = self.news.nodes.iter().filter(|(_, index)| **index > seen).map(|(node, _)| *node).collect();
            let is_worth_it = self.news.everything > everything
                || self.news.jobs.get(&evaluation.job).is_some_and(|index| *index > seen)
                || self.news.wants_placed(state, &evaluation.job, seen)
                || scheduler.may_help(&View(state), evaluation, &changed);
            let changes = state.index().max(self.news.newest);
            *last = Seen { changes, everything: changes.max(self.news.everything) };
            if is_worth_it {
                self.due.insert(*id);
            }
        }
    }
}

impl News {
    fn note_node(&mut self, node: Option<NodeId>, index: u64) {
        self.nodes.extend(node.map(|node| (node, index)));
        self.newest = self.newest.max(index);
    }

    fn note_placed(&mut self, job: &JobKey, index: u64) {
        match self.placed.get_mut(job) {
            Some(newest) => *newest = index,
            None => _ = self.placed.insert(job.clone(), index),
        }
        self.newest = self.newest.max(index);
    }

    /// Whether an instance came, after `seen`, of a job that this one must be near to.
    fn wants_placed(&self, state: &State, job: &JobKey, seen: u64) -> bool {
        let near = state.job(job).map(|job| neighbours::required_by(job)).unwrap_or_default();
        near.iter().any(|near| self.placed.get(near).is_some_and(|index| *index > seen))
    }

    fn note_job(&mut self, job: &JobKey, index: u64) {
        self.jobs.insert(job.clone(), index);
        self.newest = self.newest.max(index);
    }
}
