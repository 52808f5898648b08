//! Who leaves a draining node when.

use super::*;
use crate::model::allocation::DeploymentHealth;
use crate::model::node::DrainStrategy;
use crate::model::policy::MigrateStrategy;
use crate::model::{AllocationUpdate, Plan, TaskState, fixtures};
use crate::state::command::Request;

/// Seconds since the epoch.
const fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000_000)
}

fn apply(state: &mut State, command: Command) {
    let index = state.index() + 1;
    state.apply(index, &Request { id: 0, command }).0.unwrap();
}

/// A node 1 that drains, with `count` running instances of a job of this type.
fn draining(job_type: JobType, count: u32, max_parallel: u32, force_at: Option<Timestamp>) -> State {
    let mut state = State::default();
    apply(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at: at(1) });
    let mut job = fixtures::job("a", job_type, count);
    job.groups[0].migrate = Some(MigrateStrategy { max_parallel, ..MigrateStrategy::default() });
    let register = Command::RegisterJob { job: Arc::new(job.clone()), submission: None, enforce_index: None, evaluation: None, at: at(1) };
    apply(&mut state, register);
    let job = state.job(&job.key).unwrap().clone();
    apply(&mut state, Command::ApplyPlan { plan: Box::new(fixtures::placing(&job, NodeId(1), 0, count, 7)) });
    let ids: Vec<AllocId> = state.allocations().map(|row| row.id).collect();
    for id in ids {
        report(&mut state, id, AllocClientStatus::Running);
    }
    let drain = Some(DrainStrategy { started_at: at(2), force_at, ignore_system_jobs: false });
    let command =
        Command::SetNodeDrain { node: NodeId(1), drain, eligibility: Eligibility::Ineligible, evaluations: Vec::new(), at: at(2) };
    apply(&mut state, command);
    state
}

fn report(state: &mut State, id: AllocId, client_status: AllocClientStatus) {
    report_tasks(state, id, client_status, at(3), at(3));
}

/// What its node reports at `now`: its task was started at `started`.
fn report_tasks(state: &mut State, id: AllocId, client_status: AllocClientStatus, started: Timestamp, now: Timestamp) {
    let run_state = if client_status == AllocClientStatus::Running { TaskRunState::Running } else { TaskRunState::Dead };
    let task = TaskState { state: run_state, started_at: Some(started), ..TaskState::default() };
    let task_states = [("main".into(), task)].into_iter().collect();
    let update = AllocationUpdate { id, client_status, client_description: "".into(), task_states, health: None, at: now };
    apply(state, Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at: now });
}

#[test]
fn services_leave_at_the_pace_of_their_migrate_stanza() {
    let state = draining(JobType::Service, 5, 2, None);
    assert_eq!(step(&state, at(24)).leave.len(), 2);
}

#[test]
fn batch_work_stays_until_the_deadline() {
    let deadline = at(1_000);
    let state = draining(JobType::Batch, 3, 1, Some(deadline));
    assert_eq!(step(&state, at(999)), Step { next: Some(deadline), ..Step::default() });
    assert_eq!(step(&state, deadline).leave.len(), 3);
}

#[test]
fn a_node_is_done_when_the_last_one_has_ended() {
    let mut state = draining(JobType::Service, 1, 1, None);
    let id = step(&state, at(24)).leave[0];
    report(&mut state, id, AllocClientStatus::Complete);
    assert_eq!(step(&state, at(25)), Step { done: vec![NodeId(1)], ..Step::default() });
}

#[test]
fn who_leaves_when() {
    use JobType::{Batch, Service, SysBatch, System};
    let (before, deadline, after) = (at(999), Some(at(1_000)), at(1_000));
    // Type, count, max_parallel, deadline, ignore_system_jobs, time; how many leave, whether the node is done.
    for (job_type, count, max_parallel, force_at, ignore_system, now, leave, done) in [
        (Service, 3, 1, deadline, false, before, 1, false),
        (Service, 3, 3, deadline, false, before, 3, false),
        (Service, 3, 9, deadline, false, before, 3, false),
        (Service, 3, 0, deadline, false, before, 1, false),
        (Service, 1, 1, None, false, before, 1, false),
        (Service, 3, 1, deadline, false, after, 3, false),
        (Service, 3, 1, None, false, after, 1, false),
        (Batch, 3, 1, deadline, false, before, 0, false),
        (Batch, 3, 1, deadline, false, after, 3, false),
        (Batch, 3, 1, None, false, after, 0, false),
        (System, 1, 1, deadline, false, before, 1, false),
        (SysBatch, 1, 1, deadline, false, before, 1, false),
        (System, 1, 1, deadline, true, before, 0, true),
        (SysBatch, 1, 1, deadline, true, before, 0, true),
        (System, 1, 1, deadline, true, after, 0, true),
        (Service, 3, 1, deadline, true, before, 1, false),
    ] {
        let mut state = draining(job_type, count, max_parallel, force_at);
        drain(&mut state, NodeId(1), force_at, ignore_system);
        let step = step(&state, now);
        let case = format!("{job_type:?} {count} {max_parallel} {force_at:?} ignore {ignore_system} at {now:?}");
        assert_eq!((step.leave.len(), !step.done.is_empty()), (leave, done), "{case}");
    }
}

fn drain(state: &mut State, node: NodeId, force_at: Option<Timestamp>, ignore_system_jobs: bool) {
    let drain = Some(DrainStrategy { started_at: at(2), force_at, ignore_system_jobs });
    let eligibility = Eligibility::Ineligible;
    apply(state, Command::SetNodeDrain { node, drain, eligibility, evaluations: Vec::new(), at: at(2) });
}

/// Adds a node with `count` running instances of a job of its own, or of the one that is there already, from index `first`.
fn place(state: &mut State, node: u128, id: &str, job_type: JobType, first: u32, count: u32, created: Timestamp) {
    apply(state, Command::RegisterNode { node: Box::new(fixtures::node(node)), evaluations: Vec::new(), at: at(1) });
    let job = fixtures::job(id, job_type, count);
    if state.job(&job.key).is_none() {
        let job = Arc::new(job.clone());
        apply(state, Command::RegisterJob { job, submission: None, enforce_index: None, evaluation: None, at: at(1) });
    }
    let job = state.job(&job.key).unwrap().clone();
    let seed = 100 + node * 10 + u128::from(first);
    let plan = Plan { created_at: created, ..fixtures::placing(&job, NodeId(node), first, count, seed) };
    apply(state, Command::ApplyPlan { plan: Box::new(plan) });
    let rows: Vec<AllocId> = state.allocations_on_node(NodeId(node)).map(|row| row.id).collect();
    rows.into_iter().for_each(|id| report(state, id, AllocClientStatus::Running));
}

#[test]
fn the_pace_is_that_of_the_group_over_all_nodes_that_drain() {
    let mut state = draining(JobType::Service, 4, 1, None);
    place(&mut state, 2, "a", JobType::Service, 4, 2, at(1));
    drain(&mut state, NodeId(2), None, false);
    // Six run where four are wanted: three may go without falling below three.
    assert_eq!(step(&state, at(24)).leave.len(), 3);
    let leaving = step(&state, at(24)).leave;
    let transition = DesiredTransition { migrate: true, ..DesiredTransition::default() };
    let transitions = leaving.iter().map(|id| (*id, transition)).collect();
    apply(&mut state, Command::SetDesiredTransitions { transitions, evaluations: Vec::new(), at: at(24) });
    assert_eq!(step(&state, at(25)), Step::default(), "nobody is told twice, and the rest waits for replacements");
    place(&mut state, 3, "a", JobType::Service, 6, 1, at(1));
    assert_eq!(step(&state, at(26)).leave.len(), 1, "one runs elsewhere: one more may go");
}

#[test]
fn system_jobs_leave_when_all_others_have() {
    let mut state = draining(JobType::Service, 1, 1, None);
    let (node, eligibility) = (NodeId(1), Eligibility::Eligible);
    apply(&mut state, Command::SetNodeDrain { node, drain: None, eligibility, evaluations: Vec::new(), at: at(2) });
    place(&mut state, 1, "logs", JobType::System, 0, 1, at(1));
    drain(&mut state, NodeId(1), None, false);
    let service = step(&state, at(24)).leave;
    assert_eq!(service.len(), 1);
    assert!(!is_system(&state, state.allocation(service[0]).unwrap()));
    report(&mut state, service[0], AllocClientStatus::Complete);
    let system = step(&state, at(25)).leave;
    assert!(system.len() == 1 && is_system(&state, state.allocation(system[0]).unwrap()));
    report(&mut state, system[0], AllocClientStatus::Complete);
    assert_eq!(step(&state, at(26)).done, [NodeId(1)]);
}

/// Three of a group where two must stay healthy: one has left, and its replacement on node 2 started at second 30.
fn replaced() -> (State, AllocId) {
    let mut state = draining(JobType::Service, 3, 1, None);
    let leaving = step(&state, at(24)).leave[0];
    let migrate = DesiredTransition { migrate: true, ..DesiredTransition::default() };
    apply(&mut state, Command::SetDesiredTransitions { transitions: vec![(leaving, migrate)], evaluations: Vec::new(), at: at(24) });
    place(&mut state, 2, "a", JobType::Service, 3, 1, at(27));
    let replacement = state.allocations_on_node(NodeId(2)).next().unwrap().id;
    report_tasks(&mut state, replacement, AllocClientStatus::Running, at(30), at(31));
    (state, replacement)
}

#[test]
fn a_replacement_counts_once_it_was_healthy_for_a_while() {
    use AllocClientStatus::{Failed, Pending, Running};
    // Status, when its task started, when that was heard; at which time the next one may leave, if without further news.
    for (status, started, heard, leaves_at) in [
        (Running, 30, 31, Some(40)),
        (Running, 28, 45, Some(38)),
        // Its clock is an hour ahead, or behind.
        (Running, 3_630, 31, Some(41)),
        (Running, -3_570, 31, Some(37)),
        (Pending, 30, 31, None),
        (Failed, 30, 31, None),
    ] {
        let (mut state, replacement) = replaced();
        report_tasks(&mut state, replacement, status, at(started), at(heard));
        let case = format!("{status:?} started {started} heard {heard}");
        let Some(leaves_at) = leaves_at else {
            assert_eq!(step(&state, at(1_000)), Step::default(), "{case}");
            continue;
        };
        let waiting = Step { next: Some(at(leaves_at)), ..Step::default() };
        assert_eq!(step(&state, Timestamp(at(leaves_at).0 - 1)), waiting, "{case}");
        assert_eq!(step(&state, at(leaves_at)).leave.len(), 1, "{case}");
    }
}

#[test]
fn all_of_its_lasting_tasks_have_to_run() {
    let (mut state, replacement) = replaced();
    for (name, task) in [
        ("restarts", TaskState { state: TaskRunState::Pending, started_at: Some(at(30)), ..TaskState::default() }),
        ("has failed", TaskState { state: TaskRunState::Running, failed: true, started_at: Some(at(30)), ..TaskState::default() }),
        ("is over", TaskState { state: TaskRunState::Dead, started_at: Some(at(30)), ..TaskState::default() }),
    ] {
        let task_states = [("main".into(), task)].into_iter().collect();
        let client_status = AllocClientStatus::Running;
        let update =
            AllocationUpdate { id: replacement, client_status, client_description: "".into(), task_states, health: None, at: at(31) };
        apply(&mut state, Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at: at(31) });
        assert_eq!(step(&state, at(1_000)), Step::default(), "{name}");
    }
}

#[test]
fn instances_that_were_never_healthy_leave_one_after_the_other() {
    let mut state = draining(JobType::Service, 3, 1, None);
    let first = step(&state, at(4)).leave;
    assert_eq!(first.len(), 1, "none has run for long enough, and none runs elsewhere");
    let migrate = DesiredTransition { migrate: true, ..DesiredTransition::default() };
    apply(&mut state, Command::SetDesiredTransitions { transitions: vec![(first[0], migrate)], evaluations: Vec::new(), at: at(4) });
    assert_eq!(step(&state, at(5)).leave, vec![], "the first one is on its way");
}

#[test]
fn the_verdict_of_a_deployment_counts() {
    for healthy in [true, false] {
        let (state, replacement) = replaced();
        let mut row = Allocation::clone(state.allocation(replacement).unwrap());
        row.deployment_health = Some(DeploymentHealth { healthy: Some(healthy), canary: false, timestamp: at(31), modify_index: 1 });
        assert_eq!(healthy_from(&state, &row, Duration::from_secs(10)).is_some_and(|from| from <= at(31)), healthy);
    }
}
