use std::sync::Arc;

use super::{apply, must};
use crate::model::{EvalId, EvalTrigger, Evaluation, Job, JobStatus, JobType, fixtures};
use crate::state::command::IndexFound;
use crate::state::{Change, Command, Rejection, State, Table};
use crate::util::clock::Timestamp;

fn register(job: &Job, enforce_index: Option<u64>) -> Command {
    let evaluation = Evaluation::pending(EvalId(7), job.key.clone(), job.job_type, 50, EvalTrigger::JobRegister, Timestamp(1));
    Command::RegisterJob {
        job: Arc::new(job.clone()),
        submission: None,
        enforce_index,
        evaluation: Some(Box::new(evaluation)),
        at: Timestamp(1),
    }
}

#[test]
fn versions_count_only_real_changes() {
    let mut state = State::default();
    let mut job = fixtures::job("a", JobType::Service, 1);
    must(&mut state, register(&job, None));
    must(&mut state, register(&job, None));
    assert_eq!(state.job(&job.key).unwrap().version, 0, "registering the same again makes no version");
    job.groups[0].count = 2;
    must(&mut state, register(&job, None));
    let row = state.job(&job.key).unwrap();
    assert_eq!((row.version, row.create_index, row.job_modify_index), (1, 1, 3));
    assert_eq!(state.job_versions(&job.key).iter().map(|job| job.version).collect::<Vec<_>>(), [1, 0]);
    for count in 3..20 {
        job.groups[0].count = count;
        must(&mut state, register(&job, None));
    }
    assert_eq!(state.job_versions(&job.key).len(), 6, "six versions are tracked");
}

#[test]
fn enforced_indexes_reject_without_a_trace() {
    let mut state = State::default();
    let job = fixtures::job("a", JobType::Service, 1);
    let (outcome, changes) = apply(&mut state, register(&job, Some(5)));
    assert_eq!(outcome, Err(Rejection::JobIndexConflict { expected: 5, found: IndexFound::Missing }));
    assert!(changes.changes.is_empty());
    assert_eq!(state.evaluations().count(), 0, "the evaluation of a rejected registration is not kept");
    must(&mut state, register(&job, Some(0)));
    let (outcome, _) = apply(&mut state, register(&job, Some(0)));
    assert_eq!(outcome.unwrap_err().to_string(), "Enforcing job modify index 0: job already exists");
    let (outcome, _) = apply(&mut state, register(&job, Some(9)));
    assert_eq!(outcome.unwrap_err().to_string(), "Enforcing job modify index 9: job exists with conflicting job modify index: 2");
}

#[test]
fn a_retried_request_is_applied_once() {
    let mut state = State::default();
    let mut job = fixtures::job("a", JobType::Service, 1);
    let request = |job: &Job| crate::state::command::Request { id: 99, command: register(job, None) };
    let (first, _) = state.apply(1, &request(&job));
    job.groups[0].count = 4;
    let (second, changes) = state.apply(2, &request(&job));
    assert_eq!(first.unwrap().index, second.unwrap().index);
    assert!(changes.changes.is_empty());
    assert_eq!(state.job(&job.key).unwrap().groups[0].count, 1);
}

#[test]
fn stopping_and_purging() {
    let mut state = State::default();
    let job = fixtures::job("a", JobType::Service, 1);
    must(&mut state, register(&job, None));
    assert_eq!(state.job(&job.key).unwrap().status, JobStatus::Pending);
    let deregister =
        |purge| Command::DeregisterJob { key: job.key.clone(), purge, evaluation: None, no_shutdown_delay: false, at: Timestamp(2) };
    must(&mut state, deregister(false));
    let stopped = state.job(&job.key).unwrap();
    assert!(stopped.stop && stopped.status == JobStatus::Dead && stopped.version == 1);
    let changes = must(&mut state, deregister(true));
    assert!(matches!(&changes.changes[0], Change::Job { after: None, .. }));
    assert!(state.job(&job.key).is_none() && state.specifications.is_empty());
    assert_eq!(apply(&mut state, deregister(true)).0, Err(Rejection::JobNotFound));
    assert_eq!(state.table_index(Table::Jobs), changes.index);
    must(&mut state, register(&job, None));
    assert_eq!(state.job_versions(&job.key).len(), 1, "a job registered anew starts without the old one's versions");
}

fn scale(job: &Job, count: Option<u32>, enforce_index: Option<u64>) -> Command {
    let mut scaled = job.clone();
    scaled.groups[0].count = count.unwrap_or(scaled.groups[0].count);
    Command::ScaleJob {
        key: job.key.clone(),
        group: job.groups[0].name.clone(),
        event: Box::new(fixtures::scaling_event(count, job.groups[0].count)),
        job: count.map(|_| Arc::new(scaled)),
        submission: None,
        enforce_index,
        evaluation: None,
        at: Timestamp(1),
    }
}

#[test]
fn the_newest_twenty_scaling_events_of_a_group_are_kept() {
    let mut state = State::default();
    let job = fixtures::job("a", JobType::Service, 1);
    let (outcome, _) = apply(&mut state, scale(&job, None, None));
    assert_eq!(outcome, Err(Rejection::JobNotFound), "a message needs a job");
    must(&mut state, register(&job, None));
    for count in 2..24 {
        must(&mut state, scale(&job, Some(count), None));
    }
    let watched = state.table_index(Table::Jobs);
    must(&mut state, scale(&job, None, None));
    assert!(state.table_index(Table::Jobs) > watched, "who watches the job hears of a message, too");
    let (outcome, _) = apply(&mut state, scale(&job, Some(9), Some(1)));
    assert!(outcome.is_err(), "another index stands");
    let row = state.job(&job.key).unwrap();
    assert_eq!(row.groups[0].count, 23);
    let events = &state.scaling_events(&job.key).unwrap()[&job.groups[0].name];
    assert_eq!(events.len(), 20);
    assert_eq!((events[0].count, events[1].count, events[19].count), (None, Some(23), Some(5)));
    assert_eq!(events[0].create_index, row.modify_index);
    must(
        &mut state,
        Command::DeregisterJob { key: job.key.clone(), purge: true, evaluation: None, no_shutdown_delay: false, at: Timestamp(1) },
    );
    assert!(state.scaling_events(&job.key).is_none(), "a purged job leaves none");
}
