//! Decides what runs where. Pure: state comes through [`StateView`], time and randomness are handed in, and the answer is a
//! [`Plan`] that somebody else commits.
//!
//! The way of an evaluation:
//!
//! 1. [`Scheduler::process`] takes all due evaluations, merges those of one job, and goes through the jobs by priority.
//! 2. `deployment` says what the roll-out of its newest version has come to: it goes on, is promoted, or has failed.
//! 3. `reconcile` compares what a job asks for with its allocations: what to stop, keep, update, move, start.
//! 4. `place` turns "start" into numbers, lets the packing core (`placement`) pick nodes, and writes runs.
//! 5. `settle` says what became of the evaluation: complete, or blocked until there is capacity.
//!
//! Jobs see the places that earlier jobs of the same plan took. Nothing of a plan is remembered once it is made: the next one
//! starts from what [`Scheduler::observe`] read, so a plan that was never applied is simply forgotten. Who proposes a plan and goes on before
//! it is applied says so with [`Scheduler::expect`]: its places then count as taken.

mod decision;
mod deployment;
mod dry_run;
mod explain;
mod feasibility;
mod in_flight;
mod neighbours;
mod place;
pub mod placement;
mod preempt;
mod reconcile;
mod settle;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod view;
mod wake;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{AllocId, EvalStatus, Evaluation, JobKey, Node, NodeId, Plan};
use crate::util::clock::Timestamp;

pub use deployment::{failure, next_deadline, promotable, promotion, resumption};
pub use dry_run::{DryRun, dry_run};
pub use explain::{Explanation, GroupExplanation, explain};
pub use reconcile::Tally;
pub use view::StateView;

use feasibility::Profiles;
use in_flight::InFlight;
use neighbours::Neighbours;
use placement::Fleet;
use preempt::Residents;

/// What changed in the state since the last observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub nodes: Vec<NodeId>,
    pub allocations: Vec<AllocId>,
    /// Start over: after a snapshot was installed, or when the feed was interrupted.
    pub everything: bool,
}

/// The decision maker. It keeps the fleet's columns and the verdicts on node classes between calls.
#[derive(Debug, Default)]
pub struct Scheduler {
    fleet: Fleet,
    in_flight: InFlight,
    residents: Residents,
    neighbours: Neighbours,
    profiles: Profiles,
    observed: bool,
}

impl Scheduler {
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings the fleet's columns up to date from the change feed. The first call reads everything.
    ///
    /// Allocations that are gone from the state are passed over: the state collects only those that occupied nothing any more.
    pub fn observe(&mut self, view: &dyn StateView, touched: &Touched) {
        if touched.everything || !self.observed {
            self.fleet.clear();
            self.residents.clear();
            self.neighbours.clear();
            self.profiles.clear();
            for node in view.nodes() {
                self.set_node(view, &node);
            }
            self.observed = true;
            return;
        }
        let mut nodes: BTreeSet<NodeId> = touched.nodes.iter().copied().collect();
        for allocation in touched.allocations.iter().filter_map(|id| view.allocation(*id)) {
            nodes.insert(allocation.node_id);
            self.neighbours.forget(&allocation.job.key);
        }
        self.refresh(view, nodes);
    }

    /// Counts the places of a plan that was proposed and is not applied yet as taken, until [`Self::settled`]. The same `ticket` names it there.
    pub fn expect(&mut self, view: &dyn StateView, ticket: u128, plan: &Plan) {
        let nodes = self.in_flight.add(ticket, plan);
        self.refresh(view, nodes);
    }

    /// What became of a plan is in `view` now, or it will never be applied: only the state counts again.
    pub fn settled(&mut self, view: &dyn StateView, ticket: u128) {
        let nodes = self.in_flight.remove(ticket);
        self.refresh(view, nodes);
    }

    fn refresh(&mut self, view: &dyn StateView, nodes: impl IntoIterator<Item = NodeId>) {
        for id in nodes {
            match view.node(id) {
                Some(node) => self.set_node(view, &node),
                None => self.fleet.remove(id),
            }
        }
    }

    fn set_node(&mut self, view: &dyn StateView, node: &Arc<Node>) {
        let allocations = || {
            let mut allocations = view.allocations_on_node(node.id);
            allocations.retain(|allocation| !self.in_flight.evicts(allocation.id));
            allocations.extend(self.in_flight.on(node.id));
            allocations
        };
        // The sum is at hand, unless some of it does not count.
        if self.in_flight.evicts_any() {
            self.fleet.set(node, &allocations());
        } else {
            let mut usage = view.usage_on_node(node);
            self.in_flight.on(node.id).for_each(|allocation| usage.add(node, &allocation));
            self.fleet.set_usage(node, usage, allocations);
        }
        if let Some(ord) = self.fleet.ord(node.id) {
            self.residents.forget(ord, node.id);
        }
    }

    /// Decides for all these due evaluations in one plan: jobs by priority, then by age of their evaluation.
    ///
    /// `seed` must be fresh for each call: the ids of new allocations and evaluations are derived from it. The view should be the
    /// one that was observed last.
    pub fn process(&mut self, view: &dyn StateView, evaluations: &[Arc<Evaluation>], seed: u128, now: Timestamp) -> Plan {
        let mut whole = Plan { created_at: now, id_seed: seed, ..Plan::default() };
        for plan in self.process_each(view, evaluations, seed, now) {
            whole.append(plan);
        }
        whole
    }

    /// As [`Self::process`], with a plan for each job, in order.
    pub fn process_each(&mut self, view: &dyn StateView, evaluations: &[Arc<Evaluation>], seed: u128, now: Timestamp) -> Vec<Plan> {
        if !self.observed {
            self.observe(view, &Touched::default());
        }
        let start = self.fleet.checkpoint();
        let evictions = self.residents.checkpoint();
        let mut ids = settle::EvalIds::new(seed);
        let mut plans = Vec::new();
        let mut first_ordinal = 0;
        for due in by_job(evaluations) {
            let decision = self.decide(view, &due, seed, now);
            let mut plan = Plan { created_at: now, id_seed: seed, first_ordinal, ..Plan::default() };
            self.neighbours.place(&due.key, &decision.placements);
            settle::settle(view, &due, decision, &mut ids, now, &mut plan);
            first_ordinal += plan.instances();
            plans.push(plan);
        }
        self.fleet.roll_back(start);
        self.residents.roll_back(evictions);
        self.neighbours.end_plan();
        plans
    }
}

/// The due evaluations of one job.
#[derive(Debug)]
struct DueJob {
    key: JobKey,
    /// The one that the plan's rows are written under: the oldest that is not merely waiting for capacity, else the oldest.
    primary: Arc<Evaluation>,
    others: Vec<Arc<Evaluation>>,
}

impl DueJob {
    fn ids(&self) -> BTreeSet<crate::model::EvalId> {
        self.others.iter().map(|evaluation| evaluation.id).chain([self.primary.id]).collect()
    }
}

/// Merges evaluations of one job and orders the jobs.
fn by_job(evaluations: &[Arc<Evaluation>]) -> Vec<DueJob> {
    let mut jobs: BTreeMap<&JobKey, Vec<&Arc<Evaluation>>> = BTreeMap::new();
    for evaluation in evaluations.iter().filter(|evaluation| !evaluation.is_terminal()) {
        jobs.entry(&evaluation.job).or_default().push(evaluation);
    }
    let mut merged: Vec<DueJob> = jobs
        .into_iter()
        .filter_map(|(key, mut evaluations)| {
            evaluations.sort_by_key(|evaluation| (evaluation.status == EvalStatus::Blocked, evaluation.create_index, evaluation.id));
            evaluations.dedup_by_key(|evaluation| evaluation.id);
            let (primary, others) = evaluations.split_first()?;
            Some(DueJob { key: key.clone(), primary: Arc::clone(primary), others: others.iter().copied().cloned().collect() })
        })
        .collect();
    let urgency = |due: &DueJob| {
        let all = || due.others.iter().chain([&due.primary]);
        let priority = all().map(|evaluation| evaluation.priority).max().unwrap_or_default();
        let age = all().map(|evaluation| evaluation.create_index).min().unwrap_or_default();
        (std::cmp::Reverse(priority), age)
    };
    merged.sort_by_key(urgency);
    merged
}
