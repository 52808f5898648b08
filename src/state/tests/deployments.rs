//! Deployments as the state keeps them: counts, deadlines, verdicts, the way back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{apply, must};
use crate::model::allocation::HealthReport;
use crate::model::plan::DeploymentUpdate;
use crate::model::{
    AllocClientStatus, AllocId, AllocationUpdate, Deployment, DeploymentGroup, DeploymentId, DeploymentStatus, Job, JobType, NodeId, Plan,
    fixtures,
};
use crate::state::{Change, Command, Rejection, State};
use crate::util::clock::Timestamp;

const ID: DeploymentId = DeploymentId(7);
const DEADLINE: Duration = Duration::from_secs(600);

fn register(state: &mut State, job: Job) -> Arc<Job> {
    let key = job.key.clone();
    must(state, Command::RegisterJob { job: Arc::new(job), submission: None, enforce_index: None, evaluation: None, at: Timestamp(1) });
    state.job(&key).unwrap().clone()
}

fn plan(job: &Job, count: u32, canary: bool) -> Plan {
    let group = DeploymentGroup {
        desired_total: count,
        desired_canaries: if canary { count } else { 0 },
        progress_deadline: DEADLINE,
        ..DeploymentGroup::default()
    };
    let deployment = Deployment {
        id: ID,
        job: job.reference(),
        job_create_index: job.create_index,
        groups: BTreeMap::from([("web".into(), group)]),
        status: DeploymentStatus::Running,
        status_description: "Deployment is running".into(),
        create_index: 0,
        modify_index: 0,
        create_time: Timestamp(1),
        modify_time: Timestamp(1),
    };
    let mut plan = fixtures::placing(job, NodeId(1), 0, count, 42);
    plan.placements[0].deployment = Some(ID);
    plan.placements[0].canary = canary;
    Plan { new_deployments: vec![deployment], ..plan }
}

/// One node, one job of two versions, its second deployed with `count` instances.
fn deployed(count: u32, canary: bool) -> (State, Arc<Job>, Vec<AllocId>) {
    let mut state = State::default();
    must(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at: Timestamp(1) });
    register(&mut state, fixtures::job("a", JobType::Service, 9));
    let job = register(&mut state, fixtures::job("a", JobType::Service, count));
    must(&mut state, Command::ApplyPlan { plan: Box::new(plan(&job, count, canary)) });
    let ids = state.allocations().map(|row| row.id).collect();
    (state, job, ids)
}

fn group(state: &State) -> DeploymentGroup {
    state.deployment(ID).unwrap().groups["web"].clone()
}

fn judge(state: &mut State, id: AllocId, deployment: DeploymentId, healthy: bool, at: Timestamp) {
    let update = AllocationUpdate {
        id,
        client_status: AllocClientStatus::Running,
        client_description: "".into(),
        task_states: Default::default(),
        health: Some(HealthReport { deployment, healthy }),
        at,
    };
    must(state, Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at });
}

fn update(status: DeploymentStatus) -> DeploymentUpdate {
    DeploymentUpdate { id: ID, status, description: "so".into(), promote: Vec::new(), revert_to: None }
}

fn change(update: DeploymentUpdate, at: Timestamp) -> Command {
    Command::UpdateDeployment { update, evaluation: None, at }
}

#[test]
fn a_plan_of_many_instances_writes_its_deployment_once() {
    let mut state = State::default();
    must(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at: Timestamp(1) });
    let job = register(&mut state, fixtures::job("a", JobType::Service, 20));
    let (_, changes) = apply(&mut state, Command::ApplyPlan { plan: Box::new(plan(&job, 20, false)) });
    assert_eq!(changes.changes.iter().filter(|change| matches!(change, Change::Deployment { .. })).count(), 1);
    assert_eq!((group(&state).placed, group(&state).require_progress_by), (20, Some(Timestamp(1) + DEADLINE)));
}

#[test]
fn verdicts_are_counted_once_and_move_the_deadline() {
    let (mut state, _, ids) = deployed(3, false);
    judge(&mut state, ids[0], ID, true, Timestamp(50));
    judge(&mut state, ids[0], ID, true, Timestamp(60));
    judge(&mut state, ids[1], ID, false, Timestamp(70));
    let counted = group(&state);
    assert_eq!((counted.healthy, counted.unhealthy, counted.require_progress_by), (1, 1, Some(Timestamp(50) + DEADLINE)));
    // An operator knows better.
    let command =
        Command::SetAllocationHealth { deployment: ID, healthy: vec![ids[1]], unhealthy: vec![], evaluation: None, at: Timestamp(80) };
    must(&mut state, command);
    assert_eq!((group(&state).healthy, group(&state).unhealthy), (2, 0));
    judge(&mut state, ids[2], DeploymentId(6), true, Timestamp(90));
    assert_eq!(state.allocation(ids[2]).unwrap().health(), None, "the verdict was for another deployment");
    let stranger =
        Command::SetAllocationHealth { deployment: ID, healthy: vec![AllocId(404)], unhealthy: vec![], evaluation: None, at: Timestamp(1) };
    assert_eq!(apply(&mut state, stranger).0, Err(Rejection::AllocationNotFound));
}

#[test]
fn promotion_ends_the_canaries_and_starts_the_deadline_anew() {
    let (mut state, _, ids) = deployed(2, true);
    assert!(state.allocations().all(|row| row.is_canary() && row.health().is_none()));
    assert_eq!(group(&state).placed_canaries, ids);
    must(&mut state, change(DeploymentUpdate { promote: vec!["web".into()], ..update(DeploymentStatus::Running) }, Timestamp(99)));
    assert!(state.allocations().all(|row| !row.is_canary()));
    assert_eq!((group(&state).promoted, group(&state).require_progress_by), (true, Some(Timestamp(99) + DEADLINE)));
    must(&mut state, change(update(DeploymentStatus::Paused), Timestamp(100)));
    must(&mut state, change(update(DeploymentStatus::Running), Timestamp(200)));
    assert_eq!(group(&state).require_progress_by, Some(Timestamp(200) + DEADLINE), "a pause is no lack of progress");
}

#[test]
fn success_makes_a_version_stable_and_the_deployment_final() {
    let (mut state, job, _) = deployed(1, false);
    must(&mut state, change(update(DeploymentStatus::Successful), Timestamp(9)));
    assert!(state.job(&job.key).unwrap().stable);
    assert_eq!(apply(&mut state, change(update(DeploymentStatus::Failed), Timestamp(10))).0, Err(Rejection::DeploymentOver));
    let unknown = DeploymentUpdate { id: DeploymentId(404), ..update(DeploymentStatus::Failed) };
    assert_eq!(apply(&mut state, change(unknown, Timestamp(10))).0, Err(Rejection::DeploymentNotFound));
}

#[test]
fn failure_brings_an_older_version_back_unless_the_job_went_on() {
    for goes_on in [false, true] {
        let (mut state, job, _) = deployed(1, false);
        let first = state.job_versions(&job.key).last().unwrap().clone();
        if goes_on {
            register(&mut state, fixtures::job("a", JobType::Service, 5));
        }
        must(
            &mut state,
            change(DeploymentUpdate { revert_to: Some(first.job_modify_index), ..update(DeploymentStatus::Failed) }, Timestamp(9)),
        );
        let newest = state.job(&job.key).unwrap();
        assert_eq!((newest.version, newest.groups[0].count), (2, if goes_on { 5 } else { 9 }));
        assert_eq!(state.deployment(ID).unwrap().status, DeploymentStatus::Failed);
    }
}

#[test]
fn an_update_in_place_is_judged_anew() {
    let (mut state, job, ids) = deployed(1, false);
    judge(&mut state, ids[0], ID, true, Timestamp(50));
    let next = register(&mut state, fixtures::job("a", JobType::Service, 2));
    let mut later = plan(&next, 1, false);
    later.placements.clear();
    later.new_deployments[0].id = DeploymentId(8);
    let in_place = crate::model::plan::InPlaceUpdate {
        alloc: ids[0],
        job: next.reference(),
        deployment: Some(DeploymentId(8)),
        follow_up_eval: None,
        client_status: None,
    };
    later.in_place.push(in_place);
    must(&mut state, Command::ApplyPlan { plan: Box::new(later) });
    let row = state.allocation(ids[0]).unwrap();
    assert_eq!((row.deployment, row.health()), (Some(DeploymentId(8)), None));
    assert_eq!(row.alloc_modify_index, state.index(), "its node is told");
    assert_eq!(state.deployment(DeploymentId(8)).unwrap().groups["web"].placed, 1);
    assert_ne!(row.job, job.reference());
}
