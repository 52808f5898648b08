//! What goes at which age, row by row.

use std::sync::Arc;

use super::*;
use crate::model::plan::Stop;
use crate::model::{
    AllocClientStatus, AllocDesiredStatus, AllocId, AllocationUpdate, EvalId, EvalStatus, EvalTrigger, Evaluation, JobKey, JobType, NodeId,
    Plan, fixtures,
};
use crate::state::Command;
use crate::state::command::Request;

const NOW: Timestamp = hours(1_000);

const fn hours(n: i64) -> Timestamp {
    Timestamp(n * 3_600_000_000_000)
}

/// So many hours ago.
fn ago(n: i64) -> Timestamp {
    Timestamp(NOW.0 - hours(n).0)
}

fn apply(state: &mut State, command: Command) {
    let index = state.index() + 1;
    state.apply(index, &Request { id: 0, command }).0.unwrap();
}

/// A job with one instance of it on node 1, whose evaluation is complete; everything `age` hours old.
fn cluster(job_type: JobType, age: i64) -> (State, JobKey, AllocId) {
    let mut state = State::default();
    let at = ago(age);
    apply(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at });
    let job = Arc::new(fixtures::job("a", job_type, 1));
    apply(&mut state, Command::RegisterJob { job: Arc::clone(&job), submission: None, enforce_index: None, evaluation: None, at });
    let row = state.job(&job.key).unwrap().clone();
    let mut plan = fixtures::placing(&row, NodeId(1), 0, 1, 7);
    plan.created_at = at;
    plan.evaluations[0].modify_time = at;
    apply(&mut state, Command::ApplyPlan { plan: Box::new(plan) });
    let id = state.allocations().next().unwrap().id;
    (state, job.key.clone(), id)
}

fn report(state: &mut State, id: AllocId, client_status: AllocClientStatus, at: Timestamp) {
    let update = AllocationUpdate { id, client_status, client_description: "".into(), task_states: Default::default(), health: None, at };
    apply(state, Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at });
}

fn stop(state: &mut State, key: &JobKey, alloc: AllocId, at: Timestamp) {
    apply(state, Command::DeregisterJob { key: key.clone(), purge: false, evaluation: None, no_shutdown_delay: false, at });
    stop_instance(state, alloc, at);
}

fn stop_instance(state: &mut State, alloc: AllocId, at: Timestamp) {
    let desired = AllocDesiredStatus::Stop;
    let stop = Stop { alloc, desired, description: "".into(), client_status: None, follow_up_eval: None, preempted_by: None };
    apply(state, Command::ApplyPlan { plan: Box::new(Plan { created_at: at, stops: vec![stop], ..Plan::default() }) });
}

fn collected(state: &State) -> Collected {
    collect(state, &GarbageConfig::default(), NOW)
}

#[test]
fn evaluations_go_by_their_age_and_type() {
    use EvalStatus::{Blocked, Canceled, Complete, Failed, Pending};
    use JobType::{Batch, Service, SysBatch, System};
    for (job_type, status, age, goes) in [
        (Service, Complete, 1, true),
        (Service, Complete, 0, false),
        (Service, Failed, 2, true),
        (Service, Canceled, 2, true),
        (Service, Pending, 500, false),
        (Service, Blocked, 500, false),
        (System, Complete, 1, true),
        (Batch, Complete, 2, false),
        (Batch, Complete, 23, false),
        (Batch, Complete, 24, true),
        (SysBatch, Complete, 23, false),
        (SysBatch, Complete, 24, true),
    ] {
        let mut state = State::default();
        let key = JobKey::new("default", "gone");
        let row = Evaluation { status, ..Evaluation::pending(EvalId(1), key, job_type, 50, EvalTrigger::JobRegister, ago(age)) };
        apply(&mut state, Command::UpsertEvaluations { evaluations: vec![row] });
        assert_eq!(collected(&state).evaluations.len(), usize::from(goes), "{job_type:?} {status:?} {age} h");
    }
}

#[test]
fn allocations_go_once_nobody_wants_to_know_of_them() {
    use AllocClientStatus::{Complete, Failed, Lost, Pending, Running};
    use JobType::{Batch, Service};
    // Type, whether the instance was told to stop, whether the whole job was, what its node says, the age of it all, whether it goes.
    for (job_type, stopped, job_stopped, status, age, goes) in [
        (Service, true, false, Complete, 1, true),
        (Service, true, false, Complete, 0, false),
        (Service, true, false, Failed, 1, true),
        (Service, true, false, Lost, 1, true),
        (Service, true, false, Running, 500, false),
        (Service, true, false, Pending, 500, false),
        (Service, false, false, Running, 500, false),
        // It waits for its next try, or for a person.
        (Service, false, false, Failed, 500, false),
        (Service, true, true, Complete, 1, true),
        // With its job: nothing of that is asked for any more.
        (Batch, true, true, Complete, 3, false),
        (Batch, true, true, Complete, 4, true),
        (Batch, false, false, Complete, 3, false),
        (Batch, false, false, Complete, 4, true),
    ] {
        let (mut state, key, id) = cluster(job_type, age);
        if job_stopped {
            stop(&mut state, &key, id, ago(age));
        } else if stopped {
            stop_instance(&mut state, id, ago(age));
        }
        if status != Pending {
            report(&mut state, id, status, ago(age));
        }
        let case = format!("{job_type:?} stopped {stopped} {job_stopped} {status:?} {age} h");
        assert_eq!(collected(&state).allocations, if goes { vec![id] } else { vec![] }, "{case}");
        // An evaluation stays as long as an allocation of it.
        assert_eq!(collected(&state).evaluations.len(), usize::from(goes), "{case}: its evaluation");
        // What is proposed is what is applied.
        let command = Command::CollectGarbage { collected: collected(&state) };
        apply(&mut state, command);
        assert_eq!(state.allocation(id).is_none(), goes, "{case}");
        assert_eq!(collected(&state).allocations, vec![], "{case}: once");
    }
}

#[test]
fn work_that_is_done_is_remembered_while_its_job_lives() {
    let (mut state, key, id) = cluster(JobType::Batch, 500);
    report(&mut state, id, AllocClientStatus::Complete, ago(400));
    // Another instance of it still runs.
    let row = state.job(&key).unwrap().clone();
    apply(&mut state, Command::ApplyPlan { plan: Box::new(fixtures::placing(&row, NodeId(1), 1, 1, 8)) });
    assert_eq!(collected(&state).allocations, vec![], "else it would be done again");
    let other = state.allocations().find(|row| row.id != id).unwrap().id;
    report(&mut state, other, AllocClientStatus::Complete, ago(300));
    assert_eq!(collected(&state).allocations.len(), 2, "all is done");
}

#[test]
fn jobs_go_when_they_are_dead_and_quiet() {
    use JobType::{Batch, Service};
    for (job_type, stopped, ended, age, goes) in [
        (Service, true, true, 4, true),
        (Service, true, true, 3, false),
        (Service, true, false, 500, false),
        (Service, false, false, 500, false),
        (Batch, true, true, 4, true),
        (Batch, false, true, 4, true),
        (Batch, false, true, 3, false),
        (Batch, false, false, 500, false),
    ] {
        let (mut state, key, id) = cluster(job_type, age);
        if stopped {
            stop(&mut state, &key, id, ago(age));
        }
        if ended {
            report(&mut state, id, AllocClientStatus::Complete, ago(age));
        }
        let case = format!("{job_type:?} stopped {stopped} ended {ended} {age} h");
        assert_eq!(collected(&state).jobs.len(), usize::from(goes), "{case}");
        let command = Command::CollectGarbage { collected: collected(&state) };
        apply(&mut state, command);
        assert_eq!(state.job(&key).is_none(), goes, "{case}");
    }
    // An evaluation that is open, or was closed just now, keeps it.
    for (status, at) in [(EvalStatus::Pending, ago(500)), (EvalStatus::Complete, ago(1))] {
        let (mut state, key, id) = cluster(JobType::Service, 500);
        stop(&mut state, &key, id, ago(500));
        report(&mut state, id, AllocClientStatus::Complete, ago(500));
        let row = Evaluation::pending(EvalId(9), key, JobType::Service, 50, EvalTrigger::JobRegister, at);
        apply(&mut state, Command::UpsertEvaluations { evaluations: vec![Evaluation { status, ..row }] });
        assert!(collected(&state).jobs.is_empty(), "{status:?}");
    }
}

#[test]
fn nodes_go_when_they_are_down_for_a_day_and_hold_nothing() {
    for (status, age, goes) in [
        (NodeStatus::Down, 24, true),
        (NodeStatus::Down, 23, false),
        (NodeStatus::Disconnected, 500, false),
        (NodeStatus::Ready, 500, false),
        (NodeStatus::Initializing, 500, false),
    ] {
        let mut state = State::default();
        let (node, at) = (NodeId(1), ago(age));
        apply(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at });
        apply(&mut state, Command::SetNodeStatus { node, status, description: "".into(), evaluations: Vec::new(), at });
        assert_eq!(collected(&state).nodes.len(), usize::from(goes), "{status:?} {age} h");
    }
    // What it ran is still waited for, or still known of.
    let (mut state, _, id) = cluster(JobType::Service, 500);
    let (status, at) = (NodeStatus::Down, ago(500));
    apply(&mut state, Command::SetNodeStatus { node: NodeId(1), status, description: "".into(), evaluations: Vec::new(), at });
    assert!(collected(&state).nodes.is_empty());
    stop_instance(&mut state, id, ago(400));
    report(&mut state, id, AllocClientStatus::Lost, ago(400));
    assert_eq!((collected(&state).nodes.len(), collected(&state).allocations.len()), (1, 1));
    let command = Command::CollectGarbage { collected: collected(&state) };
    apply(&mut state, command);
    assert!(state.node(NodeId(1)).is_none());
}

#[test]
fn everything_that_is_over_goes_when_asked() {
    let (mut state, key, id) = cluster(JobType::Service, 0);
    stop(&mut state, &key, id, NOW);
    report(&mut state, id, AllocClientStatus::Complete, NOW);
    let found = collect(&state, &GarbageConfig::default().everything(), NOW);
    assert_eq!((found.jobs.len(), found.allocations.len(), found.evaluations.len()), (1, 1, 1));
}
