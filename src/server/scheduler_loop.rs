//! The one scheduling loop: all due evaluations of the moment, one plan, one log entry.
//!
//! Nothing here is a queue that could lose work: what is due is found in the state (open evaluations) when a leader starts, and in the
//! change feed from then on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tracing::{debug, warn};

use super::{Server, View};
use crate::model::{EvalId, EvalStatus, Evaluation};
use crate::scheduler::{Scheduler, Touched};
use crate::state::store::Publication;
use crate::state::{Change, Command, State};
use crate::util::backoff::Backoff;
use crate::util::clock::Timestamp;
use crate::util::random::random_u128;

/// What the feed said since the last plan.
#[derive(Default)]
struct Pending {
    touched: Touched,
    due: BTreeSet<EvalId>,
    waiting: BTreeSet<(Timestamp, EvalId)>,
    blocked: BTreeSet<EvalId>,
    /// Capacity appeared: blocked evaluations are worth another try.
    capacity: bool,
}

/// Schedules until dropped.
pub(super) async fn run(server: &Server) {
    let mut feed = server.store().subscribe();
    let mut scheduler = Scheduler::new();
    let mut pending = Pending::from_state(&server.store().load());
    // A plan that does not go through is decided again, but never in a hot loop.
    let mut backoff = Backoff::new(Duration::from_millis(5), Duration::from_secs(1));
    loop {
        let plan_was_due = schedule(server, &mut scheduler, &mut pending, &mut backoff).await;
        if !plan_was_due {
            let is_paused = server.store().load().scheduler_config().pause_eval_broker;
            let next_wait = pending.waiting.first().filter(|_| !is_paused).map(|(at, _)| at.since(Timestamp::now()));
            tokio::select! {
                received = feed.recv() => match received {
                    Ok(publication) => pending.note(&publication),
                    Err(RecvError::Lagged(_)) => pending = Pending::from_state(&server.store().load()),
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(next_wait.unwrap_or(Duration::from_secs(3600))) => {}
            }
        }
        loop {
            match feed.try_recv() {
                Ok(publication) => pending.note(&publication),
                Err(TryRecvError::Lagged(_)) => pending = Pending::from_state(&server.store().load()),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
    }
}

/// Makes and commits one plan; false when there was nothing to decide.
async fn schedule(server: &Server, scheduler: &mut Scheduler, pending: &mut Pending, backoff: &mut Backoff) -> bool {
    let now = Timestamp::now();
    let state = server.store().load();
    let view = View(&state);
    scheduler.observe(&view, &std::mem::take(&mut pending.touched));
    if state.scheduler_config().pause_eval_broker {
        return false;
    }
    let evaluations = pending.take_due(&state, now);
    if evaluations.is_empty() {
        return false;
    }
    // Placing thousands takes milliseconds of pure computing: let other tasks of this worker move meanwhile.
    let plan = tokio::task::block_in_place(|| scheduler.process(&view, &evaluations, random_u128(), now));
    debug!(
        evaluations = evaluations.len(),
        placements = plan.placements.len(),
        stops = plan.stops.len(),
        elapsed_us = Timestamp::now().since(now).as_micros(),
        "planned"
    );
    if plan.is_empty() {
        return true;
    }
    match server.propose(Command::ApplyPlan { plan: Box::new(plan) }).await {
        Ok(reply) if reply.dropped_placements > 0 => {
            warn!(dropped = reply.dropped_placements, "part of a plan no longer held when it was applied; deciding again");
            tokio::time::sleep(backoff.next_delay()).await;
        }
        Ok(_) => backoff.reset(),
        Err(error) => {
            warn!(%error, "a plan could not be committed; its evaluations are taken up again");
            pending.due.extend(evaluations.iter().map(|evaluation| evaluation.id));
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }
    true
}

impl Pending {
    /// Everything that is open: what a new leader starts with.
    fn from_state(state: &State) -> Self {
        let mut pending = Self { touched: Touched { everything: true, ..Touched::default() }, capacity: true, ..Self::default() };
        for evaluation in state.open_evaluations() {
            pending.sort_in(evaluation);
        }
        pending
    }

    fn note(&mut self, publication: &Publication) {
        if publication.replaced {
            *self = Self::from_state(&publication.state);
            return;
        }
        for change in publication.changes.iter().flat_map(|changes| &changes.changes) {
            self.note_change(change);
        }
    }

    fn note_change(&mut self, change: &Change) {
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
                self.touched.nodes.extend(before.iter().chain(after).map(|node| node.id).take(1));
                self.capacity = true;
            }
            Change::Allocation { before, after, .. } => {
                self.touched.allocations.extend(before.iter().chain(after).map(|row| row.id).take(1));
                self.touched.nodes.extend(before.iter().chain(after).map(|row| row.node_id).take(1));
                let held = before.as_ref().is_some_and(|row| row.holds_room());
                let holds = after.as_ref().is_some_and(|row| row.holds_room());
                self.capacity |= held && !holds;
            }
            Change::SchedulerConfig => self.capacity = true,
            Change::Job { .. } | Change::Deployment { .. } => {}
        }
    }

    fn sort_in(&mut self, evaluation: &Arc<Evaluation>) {
        match (evaluation.status, evaluation.wait_until) {
            (EvalStatus::Pending, Some(at)) => _ = self.waiting.insert((at, evaluation.id)),
            (EvalStatus::Pending, None) => _ = self.due.insert(evaluation.id),
            (EvalStatus::Blocked, _) => _ = self.blocked.insert(evaluation.id),
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

    /// The evaluations to decide now.
    fn take_due(&mut self, state: &State, now: Timestamp) -> Vec<Arc<Evaluation>> {
        while let Some((at, id)) = self.waiting.first().copied()
            && at <= now
        {
            self.waiting.remove(&(at, id));
            self.due.insert(id);
        }
        if std::mem::take(&mut self.capacity) {
            self.due.extend(&self.blocked);
        }
        let due = std::mem::take(&mut self.due);
        due.iter().filter_map(|id| state.evaluation(*id)).filter(|row| !row.is_terminal()).cloned().collect()
    }
}
