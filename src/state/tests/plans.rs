use std::sync::Arc;

use super::{apply, must};
use crate::model::allocation::DesiredTransition;
use crate::model::plan::Stop;
use crate::model::{
    AllocClientStatus, AllocDesiredStatus, AllocId, AllocationUpdate, EvalId, EvalStatus, Job, JobStatus, JobType, NodeId, Plan, fixtures,
};
use crate::state::command::Collected;
use crate::state::{Command, Rejection, State};
use crate::util::clock::Timestamp;

/// A state with node 1 and the job `a` with `count` instances wished for.
fn cluster(count: u32) -> (State, Arc<Job>) {
    let mut state = State::default();
    must(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at: Timestamp(1) });
    let job = fixtures::job("a", JobType::Service, count);
    must(
        &mut state,
        Command::RegisterJob { job: Arc::new(job.clone()), submission: None, enforce_index: None, evaluation: None, at: Timestamp(1) },
    );
    let job = state.job(&job.key).unwrap().clone();
    (state, job)
}

fn place(state: &mut State, plan: Plan) -> u32 {
    apply(state, Command::ApplyPlan { plan: Box::new(plan) }).0.unwrap().dropped_placements
}

fn report(state: &mut State, id: AllocId, client_status: AllocClientStatus) {
    let update = AllocationUpdate {
        id,
        client_status,
        client_description: "".into(),
        task_states: Default::default(),
        health: None,
        at: Timestamp(5),
    };
    must(state, Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at: Timestamp(5) });
}

#[test]
fn a_run_becomes_rows() {
    let (mut state, job) = cluster(3);
    assert_eq!(place(&mut state, fixtures::placing(&job, NodeId(1), 0, 3, 42)), 0);
    let mut names: Vec<String> = state.allocations_of_job(&job.key).map(|row| row.name()).collect();
    names.sort();
    assert_eq!(names, ["a.web[0]", "a.web[1]", "a.web[2]"]);
    assert_eq!(state.allocations_on_node(NodeId(1)).count(), 3);
    assert_eq!(state.allocations_of_evaluation(EvalId(42)).count(), 3);
    assert_eq!(state.job(&job.key).unwrap().status, JobStatus::Running);
}

#[test]
fn what_no_longer_fits_is_dropped_and_its_evaluation_stays_open() {
    let (mut state, job) = cluster(100);
    // 4,000 MHz hold 40 instances of 100 MHz; memory (300 MiB each of 8,192) only 27.
    let dropped = place(&mut state, fixtures::placing(&job, NodeId(1), 0, 100, 42));
    assert_eq!(dropped, 73);
    assert_eq!(state.allocations_of_job(&job.key).count(), 27);
    assert_eq!(state.evaluation(EvalId(42)).unwrap().status, EvalStatus::Pending, "the scheduler must look again");
    assert_eq!(place(&mut state, fixtures::placing(&job, NodeId(9), 0, 1, 43)), 1, "a node that does not exist takes nothing");
}

#[test]
fn a_plan_for_an_older_specification_is_dropped() {
    let (mut state, old) = cluster(1);
    let newer = Job { priority: 60, ..Job::clone(&old) };
    must(
        &mut state,
        Command::RegisterJob { job: Arc::new(newer), submission: None, enforce_index: None, evaluation: None, at: Timestamp(2) },
    );
    assert_eq!(place(&mut state, fixtures::placing(&old, NodeId(1), 0, 1, 42)), 1);
}

#[test]
fn a_stopped_allocation_holds_its_room_until_its_node_says_it_ended() {
    let (mut state, job) = cluster(27);
    place(&mut state, fixtures::placing(&job, NodeId(1), 0, 27, 42));
    let id = state.allocations_of_job(&job.key).next().unwrap().id;
    let stop = Stop {
        alloc: id,
        desired: AllocDesiredStatus::Stop,
        description: "test".into(),
        client_status: None,
        follow_up_eval: None,
        preempted_by: None,
    };
    place(&mut state, Plan { stops: vec![stop], ..Plan::default() });
    assert_eq!(place(&mut state, fixtures::placing(&job, NodeId(1), 0, 1, 43)), 1, "its process may still run");
    report(&mut state, id, AllocClientStatus::Complete);
    assert_eq!(place(&mut state, fixtures::placing(&job, NodeId(1), 0, 1, 44)), 0);
}

#[test]
fn what_is_over_stays_over() {
    let (mut state, job) = cluster(1);
    place(&mut state, fixtures::placing(&job, NodeId(1), 0, 1, 42));
    let id = state.allocations_of_job(&job.key).next().unwrap().id;
    report(&mut state, id, AllocClientStatus::Failed);
    report(&mut state, id, AllocClientStatus::Running);
    assert_eq!(state.allocation(id).unwrap().client_status, AllocClientStatus::Failed);
}

#[test]
fn garbage_that_lives_is_kept() {
    let (mut state, job) = cluster(1);
    place(&mut state, fixtures::placing(&job, NodeId(1), 0, 1, 42));
    let id = state.allocations_of_job(&job.key).next().unwrap().id;
    let collected = Collected { allocations: vec![id], jobs: vec![job.key.clone()], nodes: vec![NodeId(1)], ..Collected::default() };
    let before = state.index();
    must(&mut state, Command::CollectGarbage { collected: collected.clone() });
    assert!(state.allocation(id).is_some() && state.job(&job.key).is_some() && state.node(NodeId(1)).is_some());
    assert_eq!(state.last_collection(NodeId(1)), 0);
    report(&mut state, id, AllocClientStatus::Complete);
    must(&mut state, Command::CollectGarbage { collected });
    assert!(state.allocation(id).is_none());
    assert!(state.last_collection(NodeId(1)) > before, "the node will be told");
    assert!(state.allocations_by_node.is_empty() && state.allocations_by_job.is_empty());
}

#[test]
fn a_transition_of_an_unknown_allocation_changes_nothing() {
    let (mut state, job) = cluster(1);
    place(&mut state, fixtures::placing(&job, NodeId(1), 0, 1, 42));
    let id = state.allocations_of_job(&job.key).next().unwrap().id;
    let migrate = DesiredTransition { migrate: true, ..DesiredTransition::default() };
    let transitions = vec![(id, migrate), (AllocId(404), migrate)];
    let (outcome, changes) = apply(&mut state, Command::SetDesiredTransitions { transitions, evaluations: Vec::new(), at: Timestamp(1) });
    assert_eq!(outcome, Err(Rejection::AllocationNotFound));
    assert!(changes.changes.is_empty() && !state.allocation(id).unwrap().desired_transition.migrate);
}
