//! The scheduler as its callers see it: states in, plans out, applied and asked again.

mod absurd;
mod cases;
mod devices;
mod events;
mod explained;
mod nearby;
mod placement;
mod preemption;
mod properties;
mod roll_out;

use std::sync::Arc;

use super::testing::{self, FakeState, job};
use super::{Scheduler, Touched};
use crate::model::{EvalStatus, EvalTrigger, Evaluation, Job, Plan};
use crate::util::clock::Timestamp;

const NOW: Timestamp = Timestamp(1_000_000_000_000);

fn everything() -> Touched {
    Touched { everything: true, ..Touched::default() }
}

/// Decides on a fresh evaluation of the job with a scheduler that has just observed the state.
fn plan_for(state: &mut FakeState, job: &Job) -> Plan {
    let evaluation = state.evaluation(job);
    plan_of(state, &[evaluation], NOW)
}

fn plan_of(state: &FakeState, evaluations: &[Arc<Evaluation>], now: Timestamp) -> Plan {
    let mut scheduler = Scheduler::new();
    scheduler.observe(state, &everything());
    scheduler.process(state, evaluations, u128::from(state.index) << 64 | 7, now)
}

/// Plans, applies, and lets clients start and end what they were told.
fn run(state: &mut FakeState, job: &Job) -> Plan {
    let plan = plan_for(state, job);
    state.apply(&plan);
    state.settle_clients();
    plan
}

fn placed(plan: &Plan) -> u32 {
    plan.placements.iter().flat_map(|placement| &placement.runs).map(|run| run.count).sum()
}

fn blocked(state: &FakeState) -> Vec<Arc<Evaluation>> {
    state.evaluations.values().filter(|evaluation| evaluation.status == EvalStatus::Blocked).cloned().collect()
}

#[test]
fn a_new_job_is_placed_and_a_second_look_changes_nothing() {
    let mut state = FakeState::new(3);
    let registered = state.register(job("j", 5));
    let plan = run(&mut state, &registered);
    assert_eq!(placed(&plan), 5);
    assert_eq!(plan.evaluations.len(), 1);
    assert_eq!(plan.evaluations[0].status, EvalStatus::Complete);
    assert_eq!(plan.evaluations[0].queued["web"], 0);
    let mut indexes: Vec<u32> = state.live(&registered.key).iter().map(|allocation| allocation.index).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, [0, 1, 2, 3, 4]);

    let again = plan_for(&mut state, &registered);
    assert!(again.placements.is_empty() && again.stops.is_empty() && again.in_place.is_empty());
}

#[test]
fn a_plan_that_was_never_applied_is_forgotten() {
    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 8));
    let evaluation = state.evaluation(&registered);
    let mut scheduler = Scheduler::new();
    let first = scheduler.process(&state, &[Arc::clone(&evaluation)], 1, NOW);
    let second = scheduler.process(&state, &[evaluation], 1, NOW);
    assert_eq!(placed(&first), 8, "the node is full with them");
    assert_eq!(first, second);
}

#[test]
fn the_change_feed_keeps_the_fleet_up_to_date() {
    let mut state = FakeState::new(1);
    let first = state.register(job("first", 8));
    let evaluation = state.evaluation(&first);
    let mut scheduler = Scheduler::new();
    let plan = scheduler.process(&state, &[evaluation], 1, NOW);
    state.apply(&plan);
    let allocations: Vec<_> = state.allocations.keys().copied().collect();
    scheduler.observe(&state, &Touched { allocations: allocations.clone(), ..Touched::default() });

    let second = state.register(job("second", 2));
    let evaluation = state.evaluation(&second);
    let plan = scheduler.process(&state, &[evaluation], 2, NOW);
    assert_eq!(placed(&plan), 0, "the first job has it all");
    state.apply(&plan);
    let waiting = blocked(&state);
    assert_eq!(waiting.len(), 1);

    // Without news nothing changes, and the blocked evaluation is not written again.
    assert!(scheduler.process(&state, &waiting, 3, NOW).is_empty());

    for id in &allocations[..2] {
        state.edit(*id, |allocation| allocation.client_status = crate::model::AllocClientStatus::Failed);
    }
    scheduler.observe(&state, &Touched { allocations: allocations[..2].to_vec(), ..Touched::default() });
    let plan = scheduler.process(&state, &waiting, 4, NOW);
    assert_eq!(placed(&plan), 2);
    assert_eq!(plan.evaluations[0].id, waiting[0].id);
    assert_eq!(plan.evaluations[0].status, EvalStatus::Complete);
}

#[test]
fn urgent_jobs_go_first_and_all_share_one_picture() {
    let mut state = FakeState::new(1);
    let low = state.register(Job { priority: 10, ..job("low", 8) });
    let high = state.register(Job { priority: 90, ..job("high", 6) });
    let evaluations = [state.evaluation(&low), state.evaluation(&high)];
    let plan = plan_of(&state, &evaluations, NOW);
    let of = |job: &Job| plan.placements.iter().filter(|p| p.job.key == job.key).flat_map(|p| &p.runs).map(|run| run.count).sum::<u32>();
    assert_eq!((of(&high), of(&low)), (6, 2));
}

#[test]
fn evaluations_of_one_job_are_merged() {
    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 1));
    let evaluations = [state.evaluation(&registered), state.evaluation(&registered), state.evaluation(&registered)];
    let plan = plan_of(&state, &evaluations, NOW);
    assert_eq!(placed(&plan), 1);
    let status = |n: usize| plan.evaluations.iter().find(|e| e.id == evaluations[n].id).unwrap().status;
    assert_eq!((status(0), status(1), status(2)), (EvalStatus::Complete, EvalStatus::Canceled, EvalStatus::Canceled));
}

#[test]
fn what_finds_no_place_waits_in_one_blocked_evaluation() {
    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 10));
    let plan = run(&mut state, &registered);
    assert_eq!(placed(&plan), 8);
    let waiting = blocked(&state);
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].trigger, EvalTrigger::QueuedAllocs);
    assert_eq!(waiting[0].queued["web"], 2);
    let done = plan.evaluations.iter().find(|evaluation| evaluation.status == EvalStatus::Complete).unwrap();
    assert_eq!(done.blocked, Some(waiting[0].id));
    let metrics = &done.failed_groups["web"];
    assert_eq!((metrics.nodes_evaluated, metrics.nodes_exhausted, metrics.coalesced_failures), (1, 1, 1));
    assert_eq!(metrics.dimension_exhausted["cpu"], 1);
    assert_eq!(&*metrics.largest_free["cpu"], "largest free 0 MHz, asked 500 MHz");

    // Another look at the same shortage keeps the one that waits.
    run(&mut state, &registered);
    assert_eq!(blocked(&state).len(), 1);

    // Capacity through another evaluation than the waiting one.
    state.set_node(testing::node(2));
    let plan = run(&mut state, &registered);
    assert_eq!(placed(&plan), 2);
    assert!(blocked(&state).is_empty());
}

#[test]
fn all_or_nothing_jobs_give_places_back() {
    let mut state = FakeState::new(1);
    let whole = state.register(Job { all_at_once: true, priority: 90, ..job("whole", 10) });
    let other = state.register(job("other", 8));
    let evaluations = [state.evaluation(&whole), state.evaluation(&other)];
    let plan = plan_of(&state, &evaluations, NOW);
    assert_eq!(placed(&plan), 8);
    assert!(plan.placements.iter().all(|placement| placement.job.key == other.key));
    let waiting = plan.evaluations.iter().find(|evaluation| evaluation.status == EvalStatus::Blocked).unwrap();
    assert_eq!(waiting.queued["web"], 10);
}

#[test]
fn stopped_and_purged_jobs_leave() {
    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 3));
    run(&mut state, &registered);
    let stopped = state.register(Job { stop: true, ..(*registered).clone() });
    let plan = plan_for(&mut state, &stopped);
    assert_eq!(plan.stops.len(), 3);
    state.jobs.clear();
    assert_eq!(plan_for(&mut state, &registered).stops.len(), 3);
    state.apply(&plan);
    assert!(plan_for(&mut state, &registered).stops.is_empty(), "they are on their way out");
}

#[test]
fn of_two_blocked_evaluations_one_is_kept() {
    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 10));
    run(&mut state, &registered);
    let older = blocked(&state)[0].clone();
    let mut newer = (*older).clone();
    newer.id = crate::model::EvalId(77);
    newer.create_index += 1;
    let newer = Arc::new(newer);
    state.evaluations.insert(newer.id, Arc::clone(&newer));

    let plan = plan_of(&state, &[Arc::clone(&newer)], NOW);
    assert_eq!(plan.evaluations.len(), 1, "the one in hand waits on unchanged");
    assert_eq!((plan.evaluations[0].id, plan.evaluations[0].status), (older.id, EvalStatus::Canceled));

    state.set_node(testing::node(2));
    let plan = plan_of(&state, std::slice::from_ref(&newer), NOW);
    let mut outcomes: Vec<_> = plan.evaluations.iter().map(|evaluation| (evaluation.id, evaluation.status)).collect();
    outcomes.sort_unstable();
    let mut expected = [(older.id, EvalStatus::Canceled), (newer.id, EvalStatus::Complete)];
    expected.sort_unstable();
    assert_eq!(outcomes, expected);
}
