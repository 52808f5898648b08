//! The tasks of one allocation: each one's machine beside what its effects need (handle, run directory, launch in progress).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::coordinator::{Stage, TaskView};
use crate::model::{TaskState, Text};
use crate::node::task_runner::{TaskEffect, TaskInput, TaskMachine, TaskRecord};
use crate::runtime::driver::{Recovered, TaskHandle};
use crate::util::clock::Timestamp;
use crate::util::random::random_u128;

/// A task and what belongs to its current start.
pub struct TaskSlot {
    pub machine: TaskMachine,
    pub handle: Option<Arc<dyn TaskHandle>>,
    /// Present while a launch is in progress; dropping it cancels the launch.
    pub cancel: Option<oneshot::Sender<()>>,
    /// Counts starts: what an earlier start still has to tell is not about this one.
    pub start: u64,
    run_dir: Option<PathBuf>,
    journalled: TaskRecord,
    /// Waits for the journal.
    launch_wanted: bool,
}

impl TaskSlot {
    pub fn new(machine: TaskMachine) -> Self {
        Self { machine, handle: None, cancel: None, start: 0, run_dir: None, journalled: TaskRecord::default(), launch_wanted: false }
    }

    pub fn restored(machine: TaskMachine, record: TaskRecord) -> Self {
        Self { run_dir: record.run_dir.clone(), journalled: record, ..Self::new(machine) }
    }

    pub fn run_dir(&self) -> Option<&Path> {
        self.run_dir.as_deref()
    }

    /// Tells the machine what was found of the task after an agent restart.
    pub fn recover(&mut self, found: Recovered, now: Timestamp, random: u64) -> Vec<TaskEffect> {
        match found {
            Recovered::Running(handle) => {
                self.handle = Some(handle);
                self.machine.step(TaskInput::Adopted, now, random)
            }
            Recovered::Exited(exit, handle) => {
                self.handle = Some(handle);
                let mut effects = self.machine.step(TaskInput::Adopted, now, random);
                effects.extend(self.machine.step(TaskInput::Exited(exit), now, random));
                effects
            }
            Recovered::Gone => {
                self.run_dir = None;
                self.machine.step(TaskInput::Lost, now, random)
            }
        }
    }

    fn record(&self) -> TaskRecord {
        TaskRecord { state: self.machine.state().clone(), restarts: self.machine.restarts().clone(), run_dir: self.run_dir.clone() }
    }

    /// Gives the coming start a run directory of its own. It is launched after the journal has it.
    pub fn want_launch(&mut self, run_root: &Path) {
        self.run_dir = Some(run_root.join(format!("{:016x}", random_u128() as u64)));
        self.launch_wanted = true;
    }

    /// Takes back a launch that did not begin yet.
    pub fn withdraw_launch(&mut self) -> bool {
        let withdrawn = std::mem::take(&mut self.launch_wanted);
        if withdrawn {
            self.run_dir = None;
        }
        withdrawn
    }

    /// Once the journal has the run directory: what to launch, if anything.
    pub fn take_launch(&mut self) -> Option<PathBuf> {
        if !std::mem::take(&mut self.launch_wanted) {
            return None;
        }
        self.start += 1;
        self.run_dir.clone()
    }

    /// The start is over: its handle is to be released once that is journalled.
    pub fn end_start(&mut self) -> Option<Arc<dyn TaskHandle>> {
        self.run_dir = None;
        self.cancel = None;
        self.handle.take()
    }

    fn view(&self) -> TaskView {
        let stage = if self.machine.is_dead() {
            Stage::Dead
        } else if self.machine.is_running() {
            Stage::Running
        } else if self.machine.is_waiting() {
            Stage::Waiting
        } else {
            Stage::Busy
        };
        let state = self.machine.state();
        TaskView { stage, started: state.started_at.is_some(), failed: state.failed, being_killed: self.machine.is_being_killed() }
    }
}

/// All tasks of the allocation by name.
#[derive(Default)]
pub struct Tasks {
    pub slots: BTreeMap<Text, TaskSlot>,
}

impl Tasks {
    pub fn views(&self) -> BTreeMap<Text, TaskView> {
        self.slots.iter().map(|(name, slot)| (name.clone(), slot.view())).collect()
    }

    pub fn states(&self) -> BTreeMap<Text, TaskState> {
        self.slots.iter().map(|(name, slot)| (name.clone(), slot.machine.state().clone())).collect()
    }

    /// The earliest time at which one of the tasks wants to be looked at.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.slots.values().filter_map(|slot| slot.machine.deadline()).min()
    }

    /// Records that the journal does not have yet.
    pub fn unjournalled(&self) -> Vec<(Text, TaskRecord)> {
        let records = self.slots.iter().map(|(name, slot)| (name, slot, slot.record()));
        records.filter(|(_, slot, record)| *record != slot.journalled).map(|(name, _, record)| (name.clone(), record)).collect()
    }

    pub fn mark_journalled(&mut self, records: Vec<(Text, TaskRecord)>) {
        for (name, record) in records {
            if let Some(slot) = self.slots.get_mut(&name) {
                slot.journalled = record;
            }
        }
    }
}
