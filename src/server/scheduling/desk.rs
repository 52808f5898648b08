//! The scheduling loop's decisions, without its waiting: what to propose next, and what the outcome of a proposal changes.
//!
//! Decisions are made ahead of their commits. While the entries of one decision are on their way, the next one is made on top of them: their
//! places count as taken ([`Scheduler::expect`]), and their jobs are left alone until the state shows what became of them. Once an entry fails or
//! loses placements, everything that was decided and not proposed yet is thrown away, and the state is the truth again.
//!
//! What is on its way is seen as places taken, not as instances to be near to or away from. So a job is left alone, too, while one that its
//! conditions are about is on its way, or one whose conditions are about it: whichever is decided second sees where the first went.

use std::collections::{BTreeSet, VecDeque};

use super::entries::{self, Entry, Limits};
use super::pending::Pending;
use crate::model::{EvalStatus, Evaluation, JobKey, Plan, neighbours};
use crate::scheduler::Scheduler;
use crate::server::View;
use crate::state::State;
use crate::state::store::Publication;
use crate::util::clock::Timestamp;
use crate::util::random::derive_u128;

/// So many entries may be on their way at once: one that is written, one that is applied, and one to follow.
const DEPTH: usize = 3;

/// Sets tickets apart from the ids of allocations and evaluations of the same seed.
const TICKET_STREAM: u128 = 0x7469_636b_6574_7300_0001;

/// A plan to be committed, under a request id that the state remembers once it is applied.
#[derive(Debug)]
pub struct Proposal {
    pub ticket: u128,
    pub plan: Plan,
}

/// What a look at the state led to.
#[derive(Debug, Default)]
pub struct Step {
    /// How many evaluations were decided.
    pub decided: usize,
    pub proposals: Vec<Proposal>,
}

/// The scheduler with what it has decided and what came of it.
pub struct Desk {
    scheduler: Scheduler,
    pending: Pending,
    /// Decided and not proposed: a decision each, the newest first, so that an urgent one does not wait for all of a large one.
    ready: VecDeque<VecDeque<Ready>>,
    /// Proposed and not answered, in the order of the log.
    under_way: Vec<UnderWay>,
    limits: Limits,
}

struct Ready {
    ticket: u128,
    entry: Entry,
    /// Those that its jobs have conditions about.
    regarded: BTreeSet<JobKey>,
}

struct UnderWay {
    ticket: u128,
    jobs: BTreeSet<JobKey>,
    /// Those that `jobs` have conditions about.
    regarded: BTreeSet<JobKey>,
    /// The state shows it; only the answer is missing.
    is_applied: bool,
}

impl Desk {
    pub fn new(state: &State, limits: Limits) -> Self {
        let pending = Pending::from_state(state);
        Self { scheduler: Scheduler::new(), pending, ready: VecDeque::new(), under_way: Vec::new(), limits }
    }

    pub fn note(&mut self, publication: &Publication) {
        self.pending.note(publication);
    }

    /// The feed was interrupted: starts over from the state.
    pub fn start_over(&mut self, state: &State) {
        self.throw_away(state, |_| true);
        self.pending = Pending::from_state(state);
    }

    /// When to look again, if nothing is heard before.
    pub fn next_wait(&self) -> Option<Timestamp> {
        self.pending.next_wait()
    }

    /// What to propose now. `state` must be that of the publication that was noted last.
    pub fn step(&mut self, state: &State, seed: u128, now: Timestamp) -> Step {
        let view = View(state);
        for entry in self.under_way.iter_mut().filter(|entry| !entry.is_applied && state.has_applied(entry.ticket)) {
            entry.is_applied = true;
            self.scheduler.settled(&view, entry.ticket);
        }
        self.scheduler.observe(&view, &self.pending.take_touched());
        // While a decision waits behind another one, what comes is gathered: deciding it together is cheaper, and loses no time.
        let may_decide = !state.scheduler_config().pause_eval_broker && self.ready.len() < 2;
        let decided = if may_decide { self.decide(state, seed, now) } else { 0 };
        if self.under_way.is_empty() && self.ready.is_empty() {
            self.pending.forget_old_news();
        }
        Step { decided, proposals: self.propose() }
    }

    fn decide(&mut self, state: &State, seed: u128, now: Timestamp) -> usize {
        let Self { scheduler, pending, ready, under_way, limits } = self;
        let held: BTreeSet<&JobKey> =
            under_way.iter().map(|entry| &entry.jobs).chain(ready.iter().flatten().map(|ready| &ready.entry.jobs)).flatten().collect();
        let regarded: BTreeSet<&JobKey> =
            under_way.iter().map(|entry| &entry.regarded).chain(ready.iter().flatten().map(|ready| &ready.regarded)).flatten().collect();
        let is_held = |key: &JobKey| {
            let is_near_held = || state.job(key).is_some_and(|job| neighbours::regarded_by(job).iter().any(|near| held.contains(near)));
            held.contains(key) || regarded.contains(key) || (!held.is_empty() && is_near_held())
        };
        let evaluations = pending.take_due(state, scheduler, is_held, now);
        if evaluations.is_empty() {
            return 0;
        }
        let view = View(state);
        let plans = scheduler.process_each(&view, &evaluations, seed, now);
        let decision: VecDeque<Ready> = (0..)
            .zip(entries::cut(plans, *limits))
            .map(|(ordinal, entry)| {
                let regarded = entry.jobs.iter().filter_map(|key| state.job(key)).flat_map(|job| neighbours::regarded_by(job)).collect();
                Ready { ticket: derive_u128(seed ^ TICKET_STREAM, ordinal).max(1), entry, regarded }
            })
            .collect();
        for part in &decision {
            scheduler.expect(&view, part.ticket, &part.entry.plan);
        }
        if !decision.is_empty() {
            ready.push_front(decision);
        }
        evaluations.len()
    }

    /// Takes from each decision in turn.
    fn propose(&mut self) -> Vec<Proposal> {
        let mut proposals = Vec::new();
        let mut passed_over = 0;
        while self.under_way.len() < DEPTH && passed_over < self.ready.len() {
            let Some(mut decision) = self.ready.pop_front() else { break };
            match decision.pop_front() {
                Some(next) if self.is_premature(&next) => {
                    decision.push_front(next);
                    passed_over += 1;
                }
                Some(Ready { ticket, entry: Entry { plan, jobs, .. }, regarded }) => {
                    self.under_way.push(UnderWay { ticket, jobs, regarded, is_applied: false });
                    proposals.push(Proposal { ticket, plan });
                    passed_over = 0;
                }
                None => {}
            }
            if !decision.is_empty() {
                self.ready.push_back(decision);
            }
        }
        proposals
    }

    /// What became of an evaluation is only said when all of its plan is known to be applied as it was decided.
    fn is_premature(&self, ready: &Ready) -> bool {
        ready.entry.is_last_of_several && self.under_way.iter().any(|entry| !entry.jobs.is_disjoint(&ready.entry.jobs))
    }

    /// An entry was applied, less `dropped` placements that did not hold any more.
    pub fn applied(&mut self, state: &State, ticket: u128, index: u64, dropped: u32) {
        let Some(entry) = self.take_under_way(state, ticket) else { return };
        if dropped > 0 {
            // What it did not take is free, though others were turned away for its sake.
            self.pending.wake_all(index);
            for job in &entry.jobs {
                self.pending.take_up_again(state, job);
            }
            self.throw_away(state, |_| true);
        }
    }

    /// An entry will never be applied.
    pub fn failed(&mut self, state: &State, ticket: u128) {
        let Some(entry) = self.take_under_way(state, ticket) else { return };
        self.pending.wake_all(state.index() + 1);
        for job in &entry.jobs {
            self.pending.take_up_again(state, job);
        }
        self.throw_away(state, |_| true);
    }

    /// The open evaluations of an entry that can never be committed, as failed.
    pub fn hopeless(&mut self, state: &State, ticket: u128, why: &str, now: Timestamp) -> Vec<Evaluation> {
        let Some(entry) = self.take_under_way(state, ticket) else { return Vec::new() };
        self.throw_away(state, |ready| !ready.entry.jobs.is_disjoint(&entry.jobs));
        self.pending.wake_all(state.index() + 1);
        let open = entry.jobs.iter().flat_map(|job| state.evaluations_of_job(job)).filter(|row| !row.is_terminal());
        open.map(|row| Evaluation {
            status: EvalStatus::Failed,
            status_description: why.into(),
            modify_time: now,
            ..Evaluation::clone(row)
        })
        .collect()
    }

    fn take_under_way(&mut self, state: &State, ticket: u128) -> Option<UnderWay> {
        let at = self.under_way.iter().position(|entry| entry.ticket == ticket)?;
        let entry = self.under_way.remove(at);
        if !entry.is_applied {
            self.scheduler.settled(&View(state), ticket);
        }
        Some(entry)
    }

    fn throw_away(&mut self, state: &State, which: impl Fn(&Ready) -> bool) {
        for decision in std::mem::take(&mut self.ready) {
            let (gone, kept): (VecDeque<_>, VecDeque<_>) = decision.into_iter().partition(|ready| which(ready));
            for Ready { ticket, entry, .. } in gone {
                self.scheduler.settled(&View(state), ticket);
                for job in &entry.jobs {
                    self.pending.take_up_again(state, job);
                }
            }
            if !kept.is_empty() {
                self.ready.push_back(kept);
            }
        }
    }
}
