//! Walks through the lives a task can have.

use std::time::Duration;

use super::event::FailureKind;
use super::machine::{KillReason, TaskEffect, TaskInput, TaskMachine};
use super::policy::TaskPolicy;
use crate::model::TaskRunState;
use crate::model::policy::{RestartMode, RestartPolicy};
use crate::runtime::driver::ExitRecord;
use crate::util::clock::Timestamp;

fn policy() -> TaskPolicy {
    TaskPolicy {
        restart: RestartPolicy {
            attempts: 1,
            interval: Duration::from_secs(600),
            delay: Duration::from_secs(8),
            mode: RestartMode::Fail,
            render_templates: false,
        },
        restart_on_success: true,
        kill_signal: "SIGTERM".to_owned(),
        kill_timeout: Duration::from_secs(5),
        shutdown_delay: Duration::ZERO,
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::default() + Duration::from_secs(seconds)
}

fn exit(code: i32) -> TaskInput {
    TaskInput::Exited(ExitRecord { exit_code: code, ..ExitRecord::default() })
}

fn kill() -> TaskInput {
    TaskInput::Kill { reason: KillReason::AllocationStopped("alloc not needed".to_owned()), skip_shutdown_delay: false }
}

fn running(policy: TaskPolicy) -> TaskMachine {
    let mut task = TaskMachine::new(policy, at(0));
    assert_eq!(task.step(TaskInput::Start, at(0), 0), [TaskEffect::Launch]);
    assert_eq!(task.step(TaskInput::Started, at(1), 0), []);
    assert!(task.is_running());
    task
}

fn kinds(task: &TaskMachine) -> Vec<&str> {
    task.state().events.iter().map(|event| &*event.kind).collect()
}

#[test]
fn a_service_restarts_within_its_policy_and_then_fails() {
    let mut task = running(policy());
    assert_eq!(task.step(exit(1), at(10), 0), [TaskEffect::Release]);
    assert_eq!(task.state().state, TaskRunState::Pending);
    assert_eq!(task.deadline(), Some(at(18)));
    assert_eq!(task.step(TaskInput::Tick, at(17), 0), [], "too early");
    assert_eq!(task.step(TaskInput::Tick, at(18), 0), [TaskEffect::Launch]);
    task.step(TaskInput::Started, at(19), 0);
    assert_eq!(task.step(exit(3), at(20), 0), [TaskEffect::Release]);
    assert!(task.is_dead() && task.state().failed);
    assert_eq!(task.state().restarts, 1);
    assert_eq!(
        kinds(&task),
        ["Received", "Task Setup", "Started", "Terminated", "Restarting", "Task Setup", "Started", "Terminated", "Not Restarting"]
    );
    let terminated = &task.state().events[7];
    assert_eq!(&*terminated.message, "Exit Code: 3");
    assert_eq!(terminated.details.get("exit_code").map(|code| &**code), Some("3"));
}

#[test]
fn a_batch_task_is_done_after_success_and_not_failed() {
    let mut task = running(TaskPolicy { restart_on_success: false, ..policy() });
    task.step(exit(0), at(5), 0);
    assert!(task.is_dead() && !task.state().failed);
    assert_eq!(task.state().finished_at, Some(at(5)));
}

#[test]
fn a_kill_signals_waits_and_is_no_failure() {
    let mut task = running(policy());
    let stop = TaskEffect::Stop { signal: "SIGTERM".to_owned(), grace: Duration::from_secs(5) };
    assert_eq!(task.step(kill(), at(2), 0), [stop]);
    assert_eq!(task.step(kill(), at(3), 0), [], "a second kill changes nothing");
    assert_eq!(task.step(exit(143), at(4), 0), [TaskEffect::Release]);
    assert!(task.is_dead() && !task.state().failed);
    assert_eq!(kinds(&task)[3..], ["Killing", "Terminated", "Killed"]);
}

#[test]
fn the_shutdown_delay_comes_before_the_signal() {
    let mut task = running(TaskPolicy { shutdown_delay: Duration::from_secs(7), ..policy() });
    assert_eq!(task.step(kill(), at(10), 0), []);
    assert_eq!(task.deadline(), Some(at(17)));
    assert!(matches!(task.step(TaskInput::Tick, at(17), 0)[..], [TaskEffect::Stop { .. }]));

    let mut hurried = running(TaskPolicy { shutdown_delay: Duration::from_secs(7), ..policy() });
    let reason = KillReason::AllocationStopped(String::new());
    let effects = hurried.step(TaskInput::Kill { reason, skip_shutdown_delay: true }, at(10), 0);
    assert!(matches!(effects[..], [TaskEffect::Stop { .. }]));
}

#[test]
fn a_kill_while_launching_is_not_forgotten() {
    let mut cancelled = TaskMachine::new(policy(), at(0));
    cancelled.step(TaskInput::Start, at(0), 0);
    assert_eq!(cancelled.step(kill(), at(1), 0), [TaskEffect::CancelLaunch]);
    assert_eq!(cancelled.step(TaskInput::LaunchCancelled, at(2), 0), []);
    assert!(cancelled.is_dead());

    let mut too_late = TaskMachine::new(policy(), at(0));
    too_late.step(TaskInput::Start, at(0), 0);
    too_late.step(kill(), at(1), 0);
    assert!(matches!(too_late.step(TaskInput::Started, at(2), 0)[..], [TaskEffect::Stop { .. }]));
    too_late.step(exit(143), at(3), 0);
    assert!(too_late.is_dead() && !too_late.state().failed);
}

#[test]
fn a_kill_while_delayed_or_waiting_ends_at_once() {
    let mut delayed = running(policy());
    delayed.step(exit(1), at(10), 0);
    assert_eq!(delayed.step(kill(), at(11), 0), []);
    assert!(delayed.is_dead());

    let mut waiting = TaskMachine::new(policy(), at(0));
    assert_eq!(waiting.step(kill(), at(1), 0), []);
    assert!(waiting.is_dead());
    assert_eq!(waiting.step(TaskInput::Start, at(2), 0), [], "the dead do not start");
}

#[test]
fn permanent_start_errors_fail_and_transient_ones_are_tried_again() {
    let failure = |permanent| TaskInput::StartFailed { kind: FailureKind::Driver, permanent, problem: "no such command".to_owned() };
    let mut task = TaskMachine::new(policy(), at(0));
    task.step(TaskInput::Start, at(0), 0);
    task.step(failure(false), at(1), 0);
    assert_eq!(task.deadline(), Some(at(9)));
    task.step(TaskInput::Tick, at(9), 0);
    task.step(failure(true), at(10), 0);
    assert!(task.is_dead() && task.state().failed);
    assert_eq!(kinds(&task)[2..], ["Driver Failure", "Restarting", "Task Setup", "Driver Failure", "Not Restarting"]);
}

#[test]
fn a_user_restart_uses_no_attempt() {
    let mut task = running(policy());
    for round in 0..3 {
        assert!(matches!(task.step(TaskInput::Restart, at(10 + round), 0)[..], [TaskEffect::Stop { .. }]));
        assert_eq!(task.step(exit(143), at(10 + round), 0), [TaskEffect::Release, TaskEffect::Launch]);
        task.step(TaskInput::Started, at(10 + round), 0);
    }
    assert!(task.is_running());
    assert_eq!(task.state().restarts, 3);
}

#[test]
fn a_kill_during_a_user_restart_wins() {
    let mut task = running(policy());
    task.step(TaskInput::Restart, at(2), 0);
    task.step(kill(), at(3), 0);
    assert_eq!(task.step(exit(143), at(4), 0), [TaskEffect::Release]);
    assert!(task.is_dead());
}

#[test]
fn a_failed_stop_is_tried_again() {
    let mut task = running(policy());
    task.step(kill(), at(2), 0);
    task.step(TaskInput::StopFailed("socket gone".to_owned()), at(3), 0);
    assert_eq!(task.deadline(), Some(at(8)));
    assert!(matches!(task.step(TaskInput::Tick, at(8), 0)[..], [TaskEffect::Stop { .. }]));
    assert_eq!(task.deadline(), None);
}

#[test]
fn an_adopted_task_runs_on_without_a_new_event() {
    let before = running(policy());
    let mut after = TaskMachine::restored(policy(), before.state().clone(), before.restarts().clone());
    assert_eq!(after.step(TaskInput::Adopted, at(50), 0), []);
    assert!(after.is_running());
    assert_eq!(after.state(), before.state());
}

#[test]
fn a_lost_task_counts_as_ended_and_one_never_started_just_starts() {
    let before = running(policy());
    let mut lost = TaskMachine::restored(policy(), before.state().clone(), before.restarts().clone());
    lost.step(TaskInput::Lost, at(50), 0);
    assert!(lost.is_waiting(), "waits for the servers before it starts again");
    assert_eq!(lost.step(TaskInput::Start, at(60), 0), []);
    assert_eq!(lost.deadline(), Some(at(68)));

    let mut fresh = TaskMachine::restored(policy(), TaskMachine::new(policy(), at(0)).state().clone(), Default::default());
    fresh.step(TaskInput::Lost, at(50), 0);
    assert_eq!(fresh.step(TaskInput::Start, at(60), 0), [TaskEffect::Launch]);
}

#[test]
fn an_in_place_update_changes_how_it_ends_only() {
    let mut task = running(policy());
    assert_eq!(task.step(TaskInput::Update(TaskPolicy { kill_signal: "SIGQUIT".to_owned(), ..policy() }), at(5), 0), []);
    assert!(task.is_running());
    assert!(matches!(&task.step(kill(), at(6), 0)[..], [TaskEffect::Stop { signal, .. }] if signal == "SIGQUIT"));
}

#[test]
fn signals_reach_only_running_tasks() {
    let mut task = running(policy());
    assert_eq!(task.step(TaskInput::Signal("SIGHUP".to_owned()), at(2), 0), [TaskEffect::Signal("SIGHUP".to_owned())]);
    task.step(exit(1), at(3), 0);
    assert_eq!(task.step(TaskInput::Signal("SIGHUP".to_owned()), at(4), 0), []);
}
