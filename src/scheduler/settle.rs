//! Writes a decision into the plan and says what became of its evaluations.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::DueJob;
use super::decision::Decision;
use super::reconcile::{Mark, StopOrder};
use super::view::StateView;
use crate::model::plan::{InPlaceUpdate, Plan, Stop};
use crate::model::{AllocClientStatus, AllocDesiredStatus, AllocId, EvalId, EvalStatus, EvalTrigger, Evaluation};
use crate::util::clock::Timestamp;

/// Follow-ups due within this of each other share one evaluation, at the earliest of their times.
const BATCH_WINDOW: Duration = Duration::from_secs(5);

/// Sets the stream of evaluation ids apart from that of allocation ids of the same seed.
const EVALUATION_STREAM: u128 = 0x6576_616c_7561_7469_6f6e_5f69_6473_0001;

/// Ids for the new evaluations of one plan.
#[derive(Debug)]
pub struct EvalIds {
    seed: u128,
    next: u64,
}

impl EvalIds {
    pub fn new(seed: u128) -> Self {
        Self { seed: seed ^ EVALUATION_STREAM, next: 0 }
    }

    fn next(&mut self) -> EvalId {
        self.next += 1;
        EvalId::derive(self.seed, self.next - 1)
    }
}

pub fn settle(view: &dyn StateView, due: &DueJob, mut decision: Decision, ids: &mut EvalIds, now: Timestamp, plan: &mut Plan) {
    let mut settlement = Settlement { view, due, now, ids, next: None };
    let follow_ups = settlement.follow_ups(&decision.marks, plan);
    plan.placements.append(&mut decision.placements);
    plan.stops.extend(decision.stops.iter().map(stop_record));
    plan.in_place.extend(in_place_records(&decision));
    plan.new_deployments.extend(decision.new_deployment.take());
    plan.deployment_updates.append(&mut decision.deployment_updates);
    plan.evaluations.extend(follow_ups);
    if let Some(at) = decision.next_set {
        settlement.next_set(at, plan);
    }
    settlement.evaluate_evicted(&decision, plan);
    if decision.again {
        plan.evaluations.push(settlement.look_again());
    }
    settlement.evaluations(&decision, plan);
}

struct Settlement<'a> {
    view: &'a dyn StateView,
    due: &'a DueJob,
    now: Timestamp,
    ids: &'a mut EvalIds,
    /// The first follow-up.
    next: Option<EvalId>,
}

impl Settlement<'_> {
    /// Creates the evaluations that marked allocations wait for, and the marks themselves.
    fn follow_ups(&mut self, marks: &[Mark], plan: &mut Plan) -> Vec<Evaluation> {
        let mut created: Vec<Evaluation> = Vec::new();
        for disconnected in [false, true] {
            let mut ordered: Vec<&Mark> = marks.iter().filter(|mark| mark.disconnected == disconnected).collect();
            ordered.sort_by_key(|mark| (mark.at, mark.alloc.id));
            let mut batch: Option<(EvalId, Timestamp)> = None;
            for mark in ordered {
                let id = match (mark.at, batch) {
                    (None, _) => None,
                    (Some(at), Some((id, start))) if at <= start + BATCH_WINDOW => Some(id),
                    (Some(at), _) => {
                        let id = self.ids.next();
                        let trigger = if disconnected { EvalTrigger::MaxDisconnectTimeout } else { EvalTrigger::AllocFailure };
                        created.push(self.follow_up(id, trigger, at));
                        batch = Some((id, at));
                        Some(id)
                    }
                };
                plan.in_place.push(InPlaceUpdate {
                    alloc: mark.alloc.id,
                    job: mark.alloc.job.clone(),
                    deployment: mark.alloc.deployment,
                    follow_up_eval: id,
                    client_status: disconnected.then_some(AllocClientStatus::Unknown),
                });
            }
        }
        self.next = created.first().map(|evaluation| evaluation.id);
        created
    }

    /// One evaluation of the job waits for the time at which its next set of updates may go.
    fn next_set(&mut self, at: Timestamp, plan: &mut Plan) {
        let is_such = |row: &Arc<Evaluation>| row.trigger == EvalTrigger::RollingUpdate && row.status == EvalStatus::Pending;
        let in_hand = self.due.ids();
        let waits = |row: &Arc<Evaluation>| is_such(row) && row.wait_until.is_some_and(|until| until >= at) && !in_hand.contains(&row.id);
        if !self.view.evaluations_of_job(&self.due.key).iter().any(waits) {
            let id = self.ids.next();
            plan.evaluations.push(self.follow_up(id, EvalTrigger::RollingUpdate, at));
            self.next = self.next.or(Some(id));
        }
    }

    /// The jobs of the evicted look for other places.
    fn evaluate_evicted(&mut self, decision: &Decision, plan: &mut Plan) {
        let jobs: BTreeSet<_> = decision.evicted.iter().map(|allocation| &allocation.job.key).collect();
        for job in jobs.into_iter().filter_map(|key| self.view.job(key)) {
            let (id, trigger) = (self.ids.next(), EvalTrigger::Preemption);
            let mut evaluation = Evaluation::pending(id, job.key.clone(), job.job_type, job.priority, trigger, self.now);
            evaluation.job_modify_index = job.job_modify_index;
            evaluation.previous = Some(self.due.primary.id);
            evaluation.status_description = "allocations were preempted".into();
            plan.evaluations.push(evaluation);
        }
    }

    fn follow_up(&self, id: EvalId, trigger: EvalTrigger, at: Timestamp) -> Evaluation {
        let primary = &self.due.primary;
        let mut evaluation = Evaluation::pending(id, self.due.key.clone(), primary.job_type, primary.priority, trigger, self.now);
        evaluation.job_modify_index = primary.job_modify_index;
        evaluation.previous = Some(primary.id);
        evaluation.wait_until = Some(at);
        evaluation.status_description = "waits for the time to place failed or lost allocations again".into();
        evaluation
    }

    /// The next evaluation of a job that goes back to an older version with this plan.
    fn look_again(&mut self) -> Evaluation {
        let primary = &self.due.primary;
        let (id, trigger) = (self.ids.next(), EvalTrigger::DeploymentWatcher);
        let mut evaluation = Evaluation::pending(id, self.due.key.clone(), primary.job_type, primary.priority, trigger, self.now);
        evaluation.previous = Some(primary.id);
        self.next = Some(id);
        evaluation
    }

    fn evaluations(&mut self, decision: &Decision, plan: &mut Plan) {
        let known = self.view.evaluations_of_job(&self.due.key);
        let mut blocked: Vec<&Arc<Evaluation>> = known.iter().chain(&self.due.others).filter(|evaluation| is_blocked(evaluation)).collect();
        blocked.extend(is_blocked(&self.due.primary).then_some(&self.due.primary));
        // One of them goes on waiting: the one in hand, else the oldest.
        let in_hand = self.due.primary.id;
        blocked.sort_by_key(|evaluation| (evaluation.id != in_hand, evaluation.create_index, evaluation.id));
        blocked.dedup_by_key(|evaluation| evaluation.id);
        let (kept, surplus) = match blocked.split_first() {
            Some((kept, surplus)) => (Some(*kept), surplus),
            None => (None, &[][..]),
        };
        for evaluation in surplus {
            plan.evaluations.push(self.ended(evaluation, EvalStatus::Canceled, "another evaluation of the job waits already"));
        }
        let waits_for_time = |evaluation: &&Arc<Evaluation>| !is_blocked(evaluation);
        for evaluation in self.due.others.iter().filter(waits_for_time) {
            plan.evaluations.push(self.ended(evaluation, EvalStatus::Canceled, "handled with another evaluation of the job"));
        }
        let has_failed = !decision.failed.is_empty();
        let blocked_id = match (has_failed, kept) {
            (false, Some(kept)) if kept.id == self.due.primary.id => None,
            (false, Some(kept)) => {
                plan.evaluations.push(self.ended(kept, EvalStatus::Canceled, "the job has all its places"));
                None
            }
            (false, None) => None,
            (true, Some(kept)) => {
                plan.evaluations.extend(self.still_blocked(kept, decision));
                Some(kept.id)
            }
            (true, None) => {
                let created = self.newly_blocked(decision);
                let id = created.id;
                plan.evaluations.push(created);
                Some(id)
            }
        };
        if is_blocked(&self.due.primary) && has_failed {
            return;
        }
        let description = if decision.put_off > 0 {
            format!("{} allocations wait for the newest ones to be healthy before they are updated", decision.put_off)
        } else {
            String::new()
        };
        let mut primary = self.ended(&self.due.primary, EvalStatus::Complete, &description);
        primary.deployment_id = decision.deployment.or(primary.deployment_id);
        primary.queued = decision.queued.clone();
        primary.failed_groups = decision.failed.clone();
        primary.blocked = blocked_id;
        primary.next = self.next.or(primary.next);
        plan.evaluations.push(primary);
    }

    fn ended(&self, evaluation: &Evaluation, status: EvalStatus, description: &str) -> Evaluation {
        Evaluation {
            status,
            status_description: description.into(),
            snapshot_index: self.view.index(),
            modify_time: self.now,
            ..evaluation.clone()
        }
    }

    /// The waiting evaluation with the newest numbers; `None` when they are the old ones.
    fn still_blocked(&self, kept: &Evaluation, decision: &Decision) -> Option<Evaluation> {
        if kept.queued == decision.queued && kept.failed_groups == decision.failed {
            return None;
        }
        Some(Evaluation {
            queued: decision.queued.clone(),
            failed_groups: decision.failed.clone(),
            snapshot_index: self.view.index(),
            modify_time: self.now,
            ..kept.clone()
        })
    }

    fn newly_blocked(&mut self, decision: &Decision) -> Evaluation {
        let primary = &self.due.primary;
        let id = self.ids.next();
        let trigger = EvalTrigger::QueuedAllocs;
        let mut evaluation = Evaluation::pending(id, self.due.key.clone(), primary.job_type, primary.priority, trigger, self.now);
        evaluation.status = EvalStatus::Blocked;
        evaluation.status_description = "waits for capacity to place the remaining allocations".into();
        evaluation.job_modify_index = primary.job_modify_index;
        evaluation.previous = Some(primary.id);
        evaluation.queued = decision.queued.clone();
        evaluation.failed_groups = decision.failed.clone();
        evaluation.snapshot_index = self.view.index();
        evaluation
    }
}

fn is_blocked(evaluation: &Evaluation) -> bool {
    evaluation.status == EvalStatus::Blocked
}

fn stop_record(order: &StopOrder) -> Stop {
    Stop {
        alloc: order.alloc,
        desired: AllocDesiredStatus::Stop,
        description: order.description.into(),
        client_status: order.client_status,
        follow_up_eval: None,
        preempted_by: None,
    }
}

fn in_place_records(decision: &Decision) -> impl Iterator<Item = InPlaceUpdate> {
    let reference = decision.reference.clone();
    // One record per allocation: a mark goes first, the next evaluation brings the specification.
    let marked: BTreeSet<AllocId> = decision.marks.iter().map(|mark| mark.alloc.id).collect();
    decision.in_place.iter().filter(move |(allocation, _)| !marked.contains(&allocation.id)).filter_map(move |(allocation, deployment)| {
        Some(InPlaceUpdate {
            alloc: allocation.id,
            job: reference.clone()?,
            deployment: *deployment,
            follow_up_eval: allocation.history.follow_up_eval,
            client_status: None,
        })
    })
}
