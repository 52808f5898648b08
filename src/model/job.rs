//! A job as it was registered: one immutable specification per version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::UpdateStrategy;
use super::{Affinity, ConfigValue, Constraint, JobKey, JobRef, Spread, TaskGroup, Text};
use crate::util::clock::Timestamp;
use crate::util::cron;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub key: JobKey,
    pub name: Text,
    pub parent_id: Option<Text>,
    pub region: Text,
    pub job_type: JobType,
    /// 1..=100, higher goes first.
    pub priority: u8,
    /// Globs; a node's datacenter must match one.
    pub datacenters: Vec<Text>,
    pub node_pool: Text,
    pub all_at_once: bool,
    pub constraints: Vec<Constraint>,
    pub affinities: Vec<Affinity>,
    pub spreads: Vec<Spread>,
    pub groups: Vec<TaskGroup>,
    pub update: Option<UpdateStrategy>,
    pub periodic: Option<Periodic>,
    pub parameterized: Option<Parameterized>,
    pub dispatched: bool,
    pub payload: Vec<u8>,
    pub meta: BTreeMap<Text, Text>,
    /// The operator stopped it; its allocations go, the record stays until it is purged or collected.
    pub stop: bool,
    /// Stanzas kept but without a room of their own yet (`ui`, `multiregion`, ...), by name.
    pub other: BTreeMap<Text, ConfigValue>,

    // What the state adds.
    pub status: JobStatus,
    pub version: u64,
    pub stable: bool,
    pub submit_time: Timestamp,
    pub create_index: u64,
    /// Last change of this record, its status included.
    pub modify_index: u64,
    /// Index at which this specification was registered.
    pub job_modify_index: u64,
}

impl Job {
    /// The reference that allocations keep.
    pub fn reference(&self) -> JobRef {
        JobRef { key: self.key.clone(), modify_index: self.job_modify_index, version: self.version }
    }

    pub fn group(&self, name: &str) -> Option<&TaskGroup> {
        self.groups.iter().find(|group| &*group.name == name)
    }

    /// The job that launched this one.
    pub fn parent(&self) -> Option<JobKey> {
        Some(JobKey { namespace: self.key.namespace.clone(), id: self.parent_id.clone()? })
    }

    /// Periodic and parameterized parents never run themselves.
    pub fn is_template(&self) -> bool {
        self.periodic.is_some() || (self.parameterized.is_some() && !self.dispatched)
    }

    /// Whether two registrations ask for the same, whatever the state added to either.
    pub fn same_specification(&self, other: &Self) -> bool {
        let bare = |job: &Self| Self {
            status: JobStatus::Pending,
            version: 0,
            stable: false,
            submit_time: Timestamp::default(),
            create_index: 0,
            modify_index: 0,
            job_modify_index: 0,
            ..job.clone()
        };
        bare(self) == bare(other)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JobType {
    Service,
    Batch,
    System,
    SysBatch,
}

impl JobType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Batch => "batch",
            Self::System => "system",
            Self::SysBatch => "sysbatch",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Service, Self::Batch, Self::System, Self::SysBatch].into_iter().find(|kind| kind.name() == name)
    }

    /// Whether its tasks are meant to end.
    pub fn is_batch(self) -> bool {
        matches!(self, Self::Batch | Self::SysBatch)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobStatus {
    Pending,
    Running,
    Dead,
}

impl JobStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Dead => "dead",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Periodic {
    pub enabled: bool,
    pub specs: Vec<Text>,
    pub prohibit_overlap: bool,
    pub time_zone: Text,
}

impl Periodic {
    /// When the job is launched next after `after`; `None` when it is not: disabled, or its time tables have come to their end.
    pub fn next_launch(&self, after: Timestamp) -> Option<Timestamp> {
        // A registered job's tables were read before. A zone that this machine has lost is no reason to guess another.
        self.enabled.then(|| cron::next_of_all(&self.specs, &self.time_zone, after).ok().flatten())?
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameterized {
    /// `optional`, `required` or `forbidden`.
    pub payload: Text,
    pub meta_required: Vec<Text>,
    pub meta_optional: Vec<Text>,
}
