//! The state machine of one task.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::{self, FailureKind};
use super::policy::TaskPolicy;
use super::restart::{Ending, RestartTracker, Verdict};
use crate::model::{TaskRunState, TaskState};
use crate::runtime::driver::ExitRecord;
use crate::util::clock::Timestamp;

/// A stop that could not be carried out is tried again after this long.
const STOP_RETRY: Duration = Duration::from_secs(5);

/// What the journal keeps of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    pub state: TaskState,
    pub restarts: RestartTracker,
    /// Of the current start: written before the start, gone once its end was dealt with.
    pub run_dir: Option<PathBuf>,
}

/// Something that happened to the task, or is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskInput {
    /// Its turn in the allocation's life has come.
    Start,
    /// The launch asked for by [`TaskEffect::Launch`] worked.
    Started,
    /// It did not. `permanent`: another try cannot help.
    StartFailed {
        kind: FailureKind,
        permanent: bool,
        problem: String,
    },
    /// A launch was given up because of [`TaskEffect::CancelLaunch`]; nothing runs.
    LaunchCancelled,
    /// After an agent restart: its process was found running.
    Adopted,
    /// After an agent restart: nothing of it was found.
    Lost,
    Exited(ExitRecord),
    /// The stop asked for by [`TaskEffect::Stop`] could not be carried out.
    StopFailed(String),
    /// End for good.
    Kill {
        reason: KillReason,
        skip_shutdown_delay: bool,
    },
    /// A user wants it to start anew; does not count as an attempt.
    Restart,
    /// A user sends a signal (by name).
    Signal(String),
    /// A newer specification that does not need a restart.
    Update(TaskPolicy),
    /// Its [`TaskMachine::deadline`] has passed.
    Tick,
}

/// Why a task is ended for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KillReason {
    /// The servers (or the agent's shutdown) want the allocation gone; the text says why.
    AllocationStopped(String),
    SiblingFailed(String),
    LeaderDead,
    MainTasksDead,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEffect {
    /// Journal a fresh run directory, prepare and launch.
    Launch,
    /// Give up a launch in progress if that is still possible.
    CancelLaunch,
    /// Send `signal`, and kill after `grace`.
    Stop {
        signal: String,
        grace: Duration,
    },
    Signal(String),
    /// The end is dealt with: once that is journalled, let the runtime remove the traces.
    Release,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Not its turn yet. `lost`: it ran before the agent went away and nothing of it is left.
    Waiting {
        lost: bool,
    },
    Launching,
    Running,
    /// Ended, to be started again.
    Delayed {
        until: Timestamp,
    },
    ShutdownDelay {
        until: Timestamp,
    },
    /// A stop is under way; `retry_at` is set when it has to be asked for again.
    Stopping {
        retry_at: Option<Timestamp>,
    },
    Dead,
}

/// Decides for one task. Fed with [`TaskInput`]s, answers with [`TaskEffect`]s; [`TaskMachine::state`] is what the
/// servers are told.
#[derive(Clone, Debug)]
pub struct TaskMachine {
    policy: TaskPolicy,
    phase: Phase,
    state: TaskState,
    restarts: RestartTracker,
    kill: Option<KillReason>,
    restart_requested: bool,
}

impl TaskMachine {
    /// A task that was never seen before.
    pub fn new(policy: TaskPolicy, now: Timestamp) -> Self {
        let mut state = TaskState::default();
        state.push(event::received(now));
        Self::restored(policy, state, RestartTracker::default())
    }

    /// A task as the journal knew it. Unless it is dead, it awaits [`TaskInput::Adopted`], [`TaskInput::Lost`] or
    /// [`TaskInput::Start`].
    pub fn restored(policy: TaskPolicy, state: TaskState, restarts: RestartTracker) -> Self {
        let phase = if state.state == TaskRunState::Dead { Phase::Dead } else { Phase::Waiting { lost: false } };
        Self { policy, phase, state, restarts, kill: None, restart_requested: false }
    }

    pub fn state(&self) -> &TaskState {
        &self.state
    }

    pub fn restarts(&self) -> &RestartTracker {
        &self.restarts
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    pub fn is_dead(&self) -> bool {
        self.phase == Phase::Dead
    }

    /// Whether it was told to end for good.
    pub fn is_being_killed(&self) -> bool {
        self.kill.is_some()
    }

    /// When it wants a [`TaskInput::Tick`].
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Delayed { until } | Phase::ShutdownDelay { until } => Some(until),
            Phase::Stopping { retry_at } => retry_at,
            _ => None,
        }
    }

    /// The one entrance. `random` serves the jitter of restarts.
    pub fn step(&mut self, input: TaskInput, now: Timestamp, random: u64) -> Vec<TaskEffect> {
        match input {
            TaskInput::Start => self.on_start(now, random),
            TaskInput::Started => self.on_started(now),
            TaskInput::StartFailed { kind, permanent, problem } => self.on_start_failed(kind, permanent, &problem, now, random),
            TaskInput::LaunchCancelled => self.on_launch_cancelled(now),
            TaskInput::Adopted => self.on_adopted(now),
            TaskInput::Lost => {
                if self.is_waiting() {
                    self.phase = Phase::Waiting { lost: self.state.state == TaskRunState::Running };
                }
                Vec::new()
            }
            TaskInput::Exited(exit) => self.on_exited(&exit, now, random),
            TaskInput::StopFailed(problem) => self.on_stop_failed(&problem, now),
            TaskInput::Kill { reason, skip_shutdown_delay } => self.on_kill(reason, skip_shutdown_delay, now),
            TaskInput::Restart => self.on_restart(now),
            TaskInput::Signal(signal) => self.on_signal(signal, now),
            TaskInput::Update(policy) => {
                self.policy = policy;
                Vec::new()
            }
            TaskInput::Tick => self.on_tick(now),
        }
    }

    fn on_start(&mut self, now: Timestamp, random: u64) -> Vec<TaskEffect> {
        match self.phase {
            Phase::Waiting { lost: true } => {
                let exit = ExitRecord { unknown: true, finished_at: now, ..ExitRecord::default() };
                self.state.push(event::terminated(now, &exit));
                self.after_end(Ending::Failure, now, random)
            }
            Phase::Waiting { lost: false } => self.launch(now),
            _ => Vec::new(),
        }
    }

    fn on_started(&mut self, now: Timestamp) -> Vec<TaskEffect> {
        if self.phase != Phase::Launching {
            return Vec::new();
        }
        self.mark_running(now);
        self.state.push(event::started(now));
        if self.kill.is_some() { self.stop() } else { Vec::new() }
    }

    fn on_adopted(&mut self, now: Timestamp) -> Vec<TaskEffect> {
        if !self.is_waiting() {
            return Vec::new();
        }
        if self.state.state == TaskRunState::Running {
            self.phase = Phase::Running;
        } else {
            // The agent went away between the launch and the note that it worked.
            self.mark_running(now);
            self.state.push(event::started(now));
        }
        Vec::new()
    }

    fn mark_running(&mut self, now: Timestamp) {
        self.phase = Phase::Running;
        self.state.state = TaskRunState::Running;
        self.state.started_at = Some(now);
        self.state.finished_at = None;
    }

    fn on_start_failed(&mut self, kind: FailureKind, permanent: bool, problem: &str, now: Timestamp, random: u64) -> Vec<TaskEffect> {
        if self.phase != Phase::Launching {
            return Vec::new();
        }
        self.state.push(event::start_failed(now, kind, problem));
        if self.kill.is_some() {
            return self.end_killed(now);
        }
        let ending = if permanent { Ending::PermanentStartFailure } else { Ending::Failure };
        self.after_end(ending, now, random)
    }

    fn on_launch_cancelled(&mut self, now: Timestamp) -> Vec<TaskEffect> {
        if self.phase == Phase::Launching && self.kill.is_some() { self.end_killed(now) } else { Vec::new() }
    }

    fn on_exited(&mut self, exit: &ExitRecord, now: Timestamp, random: u64) -> Vec<TaskEffect> {
        if !matches!(self.phase, Phase::Running | Phase::ShutdownDelay { .. } | Phase::Stopping { .. }) {
            return Vec::new();
        }
        self.state.push(event::terminated(now, exit));
        let mut effects = vec![TaskEffect::Release];
        if self.kill.is_some() {
            effects.extend(self.end_killed(now));
        } else if std::mem::take(&mut self.restart_requested) {
            effects.extend(self.restart_after(Duration::ZERO, "Restart requested by user", now));
        } else {
            let ending = if exit.is_success() { Ending::Success } else { Ending::Failure };
            effects.extend(self.after_end(ending, now, random));
        }
        effects
    }

    fn on_stop_failed(&mut self, problem: &str, now: Timestamp) -> Vec<TaskEffect> {
        if let Phase::Stopping { retry_at } = &mut self.phase {
            *retry_at = Some(now + STOP_RETRY);
            self.state.push(event::kill_failed(now, problem));
        }
        Vec::new()
    }

    fn on_kill(&mut self, reason: KillReason, skip_shutdown_delay: bool, now: Timestamp) -> Vec<TaskEffect> {
        if self.is_dead() || self.kill.is_some() {
            return Vec::new();
        }
        let why = match &reason {
            KillReason::AllocationStopped(why) => why.clone(),
            KillReason::SiblingFailed(sibling) => {
                self.state.push(event::sibling_failed(now, sibling));
                "a sibling failed".to_owned()
            }
            KillReason::LeaderDead => {
                self.state.push(event::leader_dead(now));
                "the leader ended".to_owned()
            }
            KillReason::MainTasksDead => {
                self.state.push(event::main_tasks_dead(now));
                "the main tasks ended".to_owned()
            }
        };
        self.kill = Some(reason);
        match self.phase {
            Phase::Waiting { .. } => {
                self.end(now);
                Vec::new()
            }
            Phase::Delayed { .. } => self.end_killed(now),
            Phase::Launching => vec![TaskEffect::CancelLaunch],
            Phase::Running => {
                self.state.push(event::killing(now, &self.policy.kill_signal, self.policy.kill_timeout, &why));
                let delay = self.policy.shutdown_delay;
                if delay.is_zero() || skip_shutdown_delay {
                    return self.stop();
                }
                self.state.push(event::waiting_for_shutdown_delay(now, delay));
                self.phase = Phase::ShutdownDelay { until: now + delay };
                Vec::new()
            }
            Phase::ShutdownDelay { .. } | Phase::Stopping { .. } | Phase::Dead => Vec::new(),
        }
    }

    fn on_restart(&mut self, now: Timestamp) -> Vec<TaskEffect> {
        match self.phase {
            Phase::Running => {
                self.restart_requested = true;
                self.state.push(event::restart_signaled(now, "User requested task to restart"));
                self.stop()
            }
            Phase::Delayed { .. } => {
                self.state.push(event::restart_signaled(now, "User requested task to restart"));
                self.launch(now)
            }
            _ => Vec::new(),
        }
    }

    fn on_signal(&mut self, signal: String, now: Timestamp) -> Vec<TaskEffect> {
        if !self.is_running() {
            return Vec::new();
        }
        self.state.push(event::signaling(now, &signal));
        vec![TaskEffect::Signal(signal)]
    }

    fn on_tick(&mut self, now: Timestamp) -> Vec<TaskEffect> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        match self.phase {
            Phase::Delayed { .. } => self.launch(now),
            _ => self.stop(),
        }
    }

    fn launch(&mut self, now: Timestamp) -> Vec<TaskEffect> {
        self.phase = Phase::Launching;
        self.state.push(event::task_setup(now));
        vec![TaskEffect::Launch]
    }

    fn stop(&mut self) -> Vec<TaskEffect> {
        self.phase = Phase::Stopping { retry_at: None };
        vec![TaskEffect::Stop { signal: self.policy.kill_signal.clone(), grace: self.policy.kill_timeout }]
    }

    /// A try is over, and nobody wanted it to be: what now?
    fn after_end(&mut self, ending: Ending, now: Timestamp, random: u64) -> Vec<TaskEffect> {
        match self.restarts.decide(&self.policy.restart, self.policy.restart_on_success, ending, now, random) {
            Verdict::Restart { after, reason } => self.restart_after(after, &reason, now),
            Verdict::Done => {
                self.end(now);
                Vec::new()
            }
            Verdict::GiveUp { reason } => {
                self.state.push(event::not_restarting(now, &reason));
                self.state.failed = true;
                self.end(now);
                Vec::new()
            }
        }
    }

    fn restart_after(&mut self, delay: Duration, reason: &str, now: Timestamp) -> Vec<TaskEffect> {
        self.state.push(event::restarting(now, delay, reason));
        self.state.state = TaskRunState::Pending;
        self.state.restarts += 1;
        self.state.last_restart = Some(now);
        if delay.is_zero() {
            return self.launch(now);
        }
        self.phase = Phase::Delayed { until: now + delay };
        Vec::new()
    }

    fn end_killed(&mut self, now: Timestamp) -> Vec<TaskEffect> {
        self.state.push(event::killed(now));
        self.end(now);
        Vec::new()
    }

    fn end(&mut self, now: Timestamp) {
        self.phase = Phase::Dead;
        self.state.state = TaskRunState::Dead;
        self.state.finished_at = Some(now);
    }
}
