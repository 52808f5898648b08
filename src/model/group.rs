//! A group: tasks that are placed together on one node, `count` times.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{DisconnectStrategy, MigrateStrategy, ReschedulePolicy, RestartPolicy, UpdateStrategy};
use super::service::Service;
use super::{Affinity, Ask, ConfigValue, Constraint, LifecycleHook, MebiBytes, Network, Spread, Task, Text};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskGroup {
    pub name: Text,
    pub count: u32,
    pub tasks: Vec<Task>,
    pub constraints: Vec<Constraint>,
    pub affinities: Vec<Affinity>,
    pub spreads: Vec<Spread>,
    pub restart: RestartPolicy,
    pub reschedule: ReschedulePolicy,
    /// `None`: changes replace everything at once (batch jobs, `max_parallel = 0`).
    pub update: Option<UpdateStrategy>,
    pub migrate: Option<MigrateStrategy>,
    pub disconnect: DisconnectStrategy,
    pub ephemeral_disk: EphemeralDisk,
    pub networks: Vec<Network>,
    pub services: Vec<Service>,
    pub volumes: BTreeMap<Text, VolumeRequest>,
    pub meta: BTreeMap<Text, Text>,
    pub shutdown_delay: Duration,
    pub max_run_duration: Option<Duration>,
    pub scaling: Option<Scaling>,
    /// Stanzas kept but without a room of their own yet (`consul`, ...), by name.
    pub other: BTreeMap<Text, ConfigValue>,
}

impl TaskGroup {
    /// What one instance takes from a node. Tasks that never run together share: the phases before (prestart without
    /// sidecar), during (main, poststart and sidecars) and after (poststop) each sum up, and the largest counts.
    /// `cores` are counted by id and by share: callers add the compute of whole cores with
    /// [`super::fit::compute_of_cores`].
    pub fn ask(&self) -> Ask {
        let mut before = Ask::default();
        let mut during = Ask::default();
        let mut after = Ask::default();
        let mut sidecars = Ask::default();
        for task in &self.tasks {
            let ask = Ask { cpu: task.resources.cpu, cores: task.resources.cores, memory: task.resources.memory, disk: MebiBytes::ZERO };
            let phase = match task.lifecycle.as_ref().map(|lifecycle| (lifecycle.hook, lifecycle.sidecar)) {
                Some((_, true)) => &mut sidecars,
                Some((LifecycleHook::Prestart, false)) => &mut before,
                Some((LifecycleHook::Poststop, false)) => &mut after,
                None | Some((LifecycleHook::Poststart, false)) => &mut during,
            };
            *phase = super::fit::add(*phase, ask);
        }
        let mut total = Ask::default();
        for phase in [super::fit::add(before, sidecars), super::fit::add(during, sidecars), after] {
            total.cpu = total.cpu.max(phase.cpu);
            total.cores = total.cores.max(phase.cores);
            total.memory = total.memory.max(phase.memory);
        }
        total.disk = self.ephemeral_disk.size;
        total
    }

    /// Which of an instance's cores each task has, by position; tasks that never run together may have the same.
    pub fn core_ranges(&self) -> impl Iterator<Item = (&Task, Range<usize>)> {
        let is_sidecar = |task: &&Task| task.is_sidecar();
        let sidecars: usize = self.tasks.iter().filter(is_sidecar).map(|task| usize::from(task.resources.cores)).sum();
        let (mut of_sidecars, mut before, mut during, mut after) = (0, sidecars, sidecars, 0);
        self.tasks.iter().map(move |task| {
            let next = match task.lifecycle.as_ref().map(|lifecycle| (lifecycle.hook, lifecycle.sidecar)) {
                Some((_, true)) => &mut of_sidecars,
                Some((LifecycleHook::Prestart, false)) => &mut before,
                Some((LifecycleHook::Poststop, false)) => &mut after,
                None | Some((LifecycleHook::Poststart, false)) => &mut during,
            };
            let first = *next;
            *next += usize::from(task.resources.cores);
            (task, first..*next)
        })
    }

    /// A task's share of the cores of its allocation.
    pub fn cores_of(&self, task: &str, cores: &[u16]) -> Vec<u16> {
        let range = self.core_ranges().find(|(other, _)| *other.name == *task).map_or(0..0, |(_, range)| range);
        cores.get(range).unwrap_or_default().to_vec()
    }

    pub fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| &*task.name == name)
    }

    /// Every port that an instance asks for.
    pub fn ports(&self) -> impl Iterator<Item = &super::Port> {
        self.networks.iter().flat_map(|network| network.ports.iter())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EphemeralDisk {
    pub size: MebiBytes,
    pub sticky: bool,
    pub migrate: bool,
}

impl Default for EphemeralDisk {
    fn default() -> Self {
        Self { size: MebiBytes(300), sticky: false, migrate: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeRequest {
    pub name: Text,
    /// `host` or `csi`.
    pub kind: Text,
    pub source: Text,
    pub read_only: bool,
    pub sticky: bool,
    pub per_alloc: bool,
    pub access_mode: Text,
    pub attachment_mode: Text,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    pub min: u32,
    pub max: u32,
    pub enabled: bool,
    pub policy: ConfigValue,
}
