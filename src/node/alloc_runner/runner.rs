//! The async loop around one allocation's decisions.
//!
//! Whatever happens arrives as an [`AllocMessage`]; it is fed to the machines until nothing more follows; then, in this order: what
//! needs no journal is done (stops, signals), changed records are journalled, and only after that are tasks launched, handles
//! released and the servers told. A crash between any two of these steps finds the journal at least as far as the world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, pending};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::coordinator::{Coordinator, Decision};
use super::handle::{AllocMessage, AllocRunnerHandle, AllocView, TaskReport};
use super::health::HealthWatcher;
use super::status;
use super::tasks::{TaskSlot, Tasks};
use crate::model::{AllocClientStatus, AllocId, AllocationUpdate, Job, JobType, TaskGroup, TaskState, Text};
use crate::node::alloc_dir::AllocDir;
use crate::node::error::NodeError;
use crate::node::journal::{JournalError, JournalledAllocation};
use crate::node::shared::Shared;
use crate::node::task_runner::launch::LaunchOutcome;
use crate::node::task_runner::{KillReason, TaskInput, TaskMachine, TaskPolicy, TaskRecord};
use crate::rpc::Assignment;
use crate::runtime::driver::TaskHandle;
use crate::util::clock::Timestamp;
use crate::util::random::random_u128;

/// A journal write that failed is tried again after this long; until then nothing new starts.
const JOURNAL_RETRY: Duration = Duration::from_secs(1);

/// Owns one allocation on this node.
pub struct AllocRunner {
    pub(super) shared: Arc<Shared>,
    pub(super) assignment: Assignment,
    /// As journalled; differs from `assignment` until the journal has the newest.
    journalled_assignment: Option<Assignment>,
    pub(super) dirs: AllocDir,
    coordinator: Coordinator,
    pub(super) tasks: Tasks,
    health: Option<HealthWatcher>,
    stop: Option<String>,
    /// It was stopped here because the servers were out of reach for too long; they gave it up, and it must not count as ended well.
    cut_off: bool,
    may_start: bool,
    forget: bool,
    journal_retry: Option<Timestamp>,
    pub(super) releases: Vec<Arc<dyn TaskHandle>>,
    pub(super) work: JoinSet<()>,
    /// Launches in progress; apart, because an agent that goes away lets them come to an end.
    pub(super) launches: JoinSet<()>,
    last_report: Option<AllocationUpdate>,
    messages: mpsc::UnboundedReceiver<AllocMessage>,
    pub(super) sender: mpsc::UnboundedSender<AllocMessage>,
    view: watch::Sender<AllocView>,
}

impl AllocRunner {
    /// A runner for an allocation that this node never saw. Starts nothing before it hears [`AllocMessage::MayStart`].
    pub fn new(shared: Arc<Shared>, assignment: Assignment) -> (Self, AllocRunnerHandle) {
        let entry = JournalledAllocation { assignment, tasks: BTreeMap::new() };
        let (mut runner, handle) = Self::build(shared, entry);
        runner.journalled_assignment = None;
        runner.publish();
        (runner, handle)
    }

    /// A runner for a journalled allocation; finds out what became of its tasks.
    pub async fn restore(shared: Arc<Shared>, entry: JournalledAllocation) -> (Self, AllocRunnerHandle) {
        let (mut runner, handle) = Self::build(shared, entry);
        runner.may_start = matches!(runner.assignment.job.job_type, JobType::System | JobType::SysBatch);
        let found = {
            let runtime = &runner.shared.runtime;
            let slots = runner.tasks.slots.iter();
            let lookups =
                slots.filter_map(|(name, slot)| Some((name.clone(), slot.run_dir()?.to_owned()))).map(|(name, run_dir)| async move {
                    let recovered = runtime.recover(&run_dir).await;
                    (name, recovered)
                });
            join_all(lookups).await
        };
        let now = runner.shared.now();
        for (name, recovered) in found {
            if let Some(slot) = runner.tasks.slots.get_mut(&name) {
                let effects = slot.recover(recovered, now, random());
                if slot.machine.is_running() {
                    runner.watch(&name);
                }
                runner.carry_out(&name, effects);
            }
        }
        runner.publish();
        (runner, handle)
    }

    fn build(shared: Arc<Shared>, entry: JournalledAllocation) -> (Self, AllocRunnerHandle) {
        let JournalledAllocation { assignment, mut tasks } = entry;
        let now = shared.now();
        let (sender, messages) = mpsc::unbounded_channel();
        let dirs = AllocDir::new(&shared.config.alloc_root(), assignment.allocation.id);
        let empty = Coordinator::default();
        let initial = AllocView {
            assignment: assignment.clone(),
            client_status: AllocClientStatus::Pending,
            task_states: Default::default(),
            over: false,
        };
        let (view, view_receiver) = watch::channel(initial);
        let mut runner = Self {
            journalled_assignment: Some(assignment.clone()),
            dirs,
            coordinator: empty,
            tasks: Tasks::default(),
            health: None,
            stop: None,
            cut_off: false,
            may_start: false,
            forget: false,
            journal_retry: None,
            releases: Vec::new(),
            work: JoinSet::new(),
            launches: JoinSet::new(),
            last_report: None,
            messages,
            sender: sender.clone(),
            view,
            shared,
            assignment,
        };
        if let Some(group) = runner.group().cloned() {
            runner.coordinator = Coordinator::new(&group);
            runner.health = HealthWatcher::new(&runner.assignment.allocation, &group, now);
            for task in &group.tasks {
                let policy = runner.policy(&runner.assignment.job, &group, task);
                let slot = match tasks.remove(&task.name) {
                    Some(record) => {
                        let TaskRecord { state, restarts, .. } = record.clone();
                        TaskSlot::restored(TaskMachine::restored(policy, state, restarts), record)
                    }
                    None => TaskSlot::new(TaskMachine::new(policy, now)),
                };
                runner.tasks.slots.insert(task.name.clone(), slot);
            }
        }
        runner.note_desired();
        (runner, AllocRunnerHandle { messages: sender, view: view_receiver })
    }

    pub fn id(&self) -> AllocId {
        self.assignment.allocation.id
    }

    /// Run directories of tasks that may be running.
    pub fn run_dirs(&self) -> impl Iterator<Item = std::path::PathBuf> + '_ {
        self.tasks.slots.values().filter_map(|slot| slot.run_dir().map(std::path::Path::to_owned))
    }

    /// Runs until the allocation is forgotten or detached.
    pub async fn run(mut self) {
        loop {
            self.settle().await;
            if self.forget && self.is_over() && self.remove().await {
                return;
            }
            let alarm = self.alarm();
            let message = tokio::select! {
                message = self.messages.recv() => message,
                () = sleep(alarm) => None,
                Some(_) = self.work.join_next(), if !self.work.is_empty() => continue,
                Some(_) = self.launches.join_next(), if !self.launches.is_empty() => continue,
            };
            match message {
                Some(AllocMessage::Detach) => return self.detach().await,
                Some(message) => self.handle(message),
                None => self.tick(),
            }
            // Whatever else has arrived shares the journal write that follows.
            while let Ok(message) = self.messages.try_recv() {
                if matches!(message, AllocMessage::Detach) {
                    return self.detach().await;
                }
                self.handle(message);
            }
        }
    }

    /// Preparations are given up; what the launcher has in hand is waited for. The next agent finds it by its run directory.
    async fn detach(mut self) {
        for slot in self.tasks.slots.values_mut() {
            slot.cancel = None;
        }
        while self.launches.join_next().await.is_some() {}
    }

    fn handle(&mut self, message: AllocMessage) {
        match message {
            AllocMessage::Assign(assignment) => self.assign(assignment),
            AllocMessage::MayStart => self.may_start = true,
            AllocMessage::Stop(why) => {
                self.stop.get_or_insert(why);
            }
            AllocMessage::Forget => {
                self.stop.get_or_insert_with(|| "the servers do not know this allocation any more".to_owned());
                self.forget = true;
            }
            AllocMessage::Restart { task, reply } => {
                let _ = reply.send(self.feed_running(task.as_deref(), &TaskInput::Restart));
            }
            AllocMessage::Signal { task, signal, reply } => {
                let _ = reply.send(self.feed_running(task.as_deref(), &TaskInput::Signal(signal)));
            }
            AllocMessage::Stats { reply } => self.collect_stats(reply),
            AllocMessage::Task { task, start, report } => self.on_task(&task, start, report),
            AllocMessage::Detach => {}
        }
    }

    fn assign(&mut self, assignment: Assignment) {
        if assignment.allocation.alloc_modify_index < self.assignment.allocation.alloc_modify_index {
            return;
        }
        if assignment.allocation.client_status == AllocClientStatus::Unknown {
            // The servers lost sight of it meanwhile: they are told how it is even if nothing has changed here.
            self.last_report = None;
        }
        let updated = assignment.job.reference() != self.assignment.job.reference();
        self.assignment = assignment;
        self.note_desired();
        let now = self.shared.now();
        let Some(group) = self.group().cloned() else {
            return;
        };
        let watched = self.health.as_ref().map(HealthWatcher::deployment);
        if self.assignment.allocation.deployment != watched {
            self.health = HealthWatcher::new(&self.assignment.allocation, &group, now);
        }
        if !updated {
            return;
        }
        for task in &group.tasks {
            let policy = self.policy(&self.assignment.job, &group, task);
            self.feed(&task.name, TaskInput::Update(policy));
        }
    }

    fn note_desired(&mut self) {
        let allocation = &self.assignment.allocation;
        if allocation.is_terminal() && self.stop.is_none() {
            self.stop = Some(allocation.desired_description.to_string());
        }
    }

    fn group(&self) -> Option<&TaskGroup> {
        self.assignment.job.group(&self.assignment.allocation.group)
    }

    fn policy(&self, job: &Job, group: &TaskGroup, task: &crate::model::Task) -> TaskPolicy {
        let driver = self.shared.runtime.driver(&task.driver);
        let signal = driver.as_ref().map(|driver| driver.default_kill_signal());
        TaskPolicy::of(job, group, task, signal, self.shared.config.max_kill_timeout)
    }

    fn on_task(&mut self, name: &Text, start: u64, report: TaskReport) {
        let Some(slot) = self.tasks.slots.get_mut(name).filter(|slot| slot.start == start) else {
            return;
        };
        let input = match report {
            TaskReport::Launched(LaunchOutcome::Started(handle)) => {
                slot.cancel = None;
                slot.handle = Some(handle);
                self.watch(name);
                TaskInput::Started
            }
            TaskReport::Launched(LaunchOutcome::Failed(failure)) => {
                slot.end_start();
                TaskInput::StartFailed { kind: failure.kind, permanent: failure.permanent, problem: failure.problem }
            }
            TaskReport::Launched(LaunchOutcome::Cancelled) => {
                slot.end_start();
                TaskInput::LaunchCancelled
            }
            TaskReport::Exited(exit) => TaskInput::Exited(exit),
            TaskReport::StopFailed(problem) => TaskInput::StopFailed(problem),
        };
        self.feed(name, input);
    }

    /// A user's wish for one running task, or for all that run.
    fn feed_running(&mut self, task: Option<&str>, input: &TaskInput) -> Result<(), NodeError> {
        let names: Vec<Text> = match task {
            Some(name) => {
                let unknown = || NodeError::UnknownTask { alloc: self.id(), task: name.to_owned() };
                let (name, slot) = self.tasks.slots.get_key_value(name).ok_or_else(unknown)?;
                if !slot.machine.is_running() {
                    return Err(NodeError::TaskNotRunning(name.to_string()));
                }
                vec![name.clone()]
            }
            None => self.tasks.slots.iter().filter(|(_, slot)| slot.machine.is_running()).map(|(name, _)| name.clone()).collect(),
        };
        if names.is_empty() {
            return Err(NodeError::NothingRuns(self.id()));
        }
        for name in names {
            self.feed(&name, input.clone());
        }
        Ok(())
    }

    /// When it must stop unless the servers are heard before (`disconnect.stop_on_client_after`). They give its name to another as soon
    /// as they may take for granted that it has.
    fn cut_off_at(&self) -> Option<Timestamp> {
        let after = self.group().filter(|_| self.stop.is_none())?.disconnect.stop_on_client_after?;
        Some(self.shared.heard_at() + after)
    }

    fn tick(&mut self) {
        if self.cut_off_at().is_some_and(|at| at <= self.shared.now()) {
            tracing::warn!(alloc = %self.id(), "the servers are out of reach for longer than stop_on_client_after; stopping");
            self.stop = Some("the servers were out of reach for too long".to_owned());
            self.cut_off = true;
        }
        let names: Vec<Text> = self.tasks.slots.keys().cloned().collect();
        for name in names {
            self.feed(&name, TaskInput::Tick);
        }
    }

    pub(super) fn feed(&mut self, name: &Text, input: TaskInput) {
        let now = self.shared.now();
        if let Some(slot) = self.tasks.slots.get_mut(name) {
            let effects = slot.machine.step(input, now, random());
            self.carry_out(name, effects);
        }
    }

    /// Brings decisions, journal, world and report into line.
    async fn settle(&mut self) {
        self.decide();
        if let Err(error) = self.journal().await {
            tracing::error!(alloc = %self.id(), %error, "cannot journal; nothing of this allocation starts until that works");
            self.journal_retry = Some(self.shared.now() + JOURNAL_RETRY);
            return;
        }
        self.journal_retry = None;
        self.launch_wanted();
        for handle in std::mem::take(&mut self.releases) {
            self.work.spawn(async move { handle.release().await });
        }
        self.report();
    }

    fn decide(&mut self) {
        loop {
            let views = self.tasks.views();
            let decisions = self.coordinator.decide(|name| views.get(name), self.stop.as_deref(), self.may_start);
            if decisions.is_empty() {
                break;
            }
            for decision in decisions {
                match decision {
                    Decision::Start(name) => self.feed(&name, TaskInput::Start),
                    Decision::Kill(name, reason) => self.kill(&name, reason),
                }
            }
        }
        let now = self.shared.now();
        if let (Some(health), Some(group)) = (&mut self.health, self.assignment.job.group(&self.assignment.allocation.group)) {
            let slots = &self.tasks.slots;
            health.step(group.tasks.iter().filter_map(|task| Some((task, slots.get(&task.name)?.machine.state()))), now);
        }
    }

    fn kill(&mut self, name: &Text, reason: KillReason) {
        let skip_shutdown_delay = self.assignment.allocation.desired_transition.no_shutdown_delay;
        self.feed(name, TaskInput::Kill { reason, skip_shutdown_delay });
    }

    async fn journal(&mut self) -> Result<(), JournalError> {
        if !self.journalled_assignment.as_ref().is_some_and(|journalled| same_orders(journalled, &self.assignment)) {
            self.shared.journal.put_assignment(&self.assignment).await?;
            self.journalled_assignment = Some(self.assignment.clone());
        }
        let records = self.tasks.unjournalled();
        if !records.is_empty() {
            self.shared.journal.put_tasks(self.id(), &records).await?;
            self.tasks.mark_journalled(records);
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let views = self.tasks.views();
        self.coordinator.is_over(|name| views.get(name))
    }

    fn report(&mut self) {
        let view = self.publish();
        let (_, description) = self.status(&view.task_states, view.over);
        let update = AllocationUpdate {
            id: self.id(),
            client_status: view.client_status,
            client_description: description.into(),
            task_states: view.task_states.into_iter().collect(),
            health: self.health.as_ref().and_then(HealthWatcher::report),
            at: Timestamp::default(),
        };
        if self.last_report.as_ref() != Some(&update) {
            self.last_report = Some(update.clone());
            self.shared.reports.push(AllocationUpdate { at: self.shared.now(), ..update });
        }
    }

    fn status(&self, task_states: &BTreeMap<Text, TaskState>, over: bool) -> (AllocClientStatus, &'static str) {
        if self.group().is_none() {
            return (AllocClientStatus::Failed, "The job has no such group");
        }
        if over && self.cut_off {
            return (AllocClientStatus::Lost, "Stopped by its node, which could not reach the servers");
        }
        status::derive(task_states, over)
    }

    /// Shows the state of things on this node.
    fn publish(&self) -> AllocView {
        let over = self.is_over();
        let task_states = self.tasks.states();
        let (client_status, _) = self.status(&task_states, over);
        let view = AllocView { assignment: self.assignment.clone(), client_status, task_states, over };
        self.view.send_if_modified(|current| {
            let changed = *current != view;
            current.clone_from(&view);
            changed
        });
        view
    }

    /// After the end of everything: no trace of the allocation stays on this node. `false`: to be tried again.
    async fn remove(&mut self) -> bool {
        while self.work.join_next().await.is_some() {}
        let dirs = self.dirs.clone();
        let removed = tokio::task::spawn_blocking(move || dirs.remove()).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(alloc = %self.id(), %error, "cannot remove the allocation's directories; they are left behind");
        }
        match self.shared.journal.remove(self.id()).await {
            Ok(()) | Err(JournalError::Closed) => true,
            Err(error) => {
                tracing::error!(alloc = %self.id(), %error, "cannot remove the allocation from the journal");
                self.journal_retry = Some(self.shared.now() + JOURNAL_RETRY);
                false
            }
        }
    }

    /// How long until the earliest thing that is waited for.
    fn alarm(&self) -> Option<Duration> {
        let now = self.shared.now();
        let health = match (&self.health, self.group()) {
            (Some(health), Some(group)) => {
                let slots = &self.tasks.slots;
                let states = group.tasks.iter().filter_map(|task| Some((task, slots.get(&task.name)?.machine.state())));
                health.clone().step(states, now)
            }
            _ => None,
        };
        let earliest = [self.tasks.deadline(), self.journal_retry, health, self.cut_off_at()].into_iter().flatten().min();
        earliest.map(|deadline| deadline.since(now))
    }
}

/// Whether two assignments ask the same of this node. The servers' copy also changes when they hear our own reports, and that is
/// nothing to write down.
fn same_orders(a: &Assignment, b: &Assignment) -> bool {
    let (left, right) = (&a.allocation, &b.allocation);
    left.alloc_modify_index == right.alloc_modify_index
        && left.desired_status == right.desired_status
        && left.desired_transition == right.desired_transition
        && left.deployment == right.deployment
        && a.job.reference() == b.job.reference()
}

/// `None` sleeps until something else happens.
async fn sleep(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => pending().await,
    }
}

/// For the jitter of restarts.
fn random() -> u64 {
    random_u128() as u64
}
