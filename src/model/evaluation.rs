//! An evaluation: one reason to look at a job again, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::plan::PlacementMetrics;
use super::{DeploymentId, EvalId, JobKey, JobType, NodeId, Text};
use crate::util::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub id: EvalId,
    pub job: JobKey,
    pub job_type: JobType,
    pub priority: u8,
    pub trigger: EvalTrigger,
    pub status: EvalStatus,
    pub status_description: Text,
    pub job_modify_index: u64,
    pub node_id: Option<NodeId>,
    pub deployment_id: Option<DeploymentId>,
    /// Not before this time.
    pub wait_until: Option<Timestamp>,
    pub next: Option<EvalId>,
    pub previous: Option<EvalId>,
    pub blocked: Option<EvalId>,
    /// Why groups could not be placed, by group.
    pub failed_groups: BTreeMap<Text, Arc<PlacementMetrics>>,
    /// Instances still waiting for a place, by group.
    pub queued: BTreeMap<Text, u32>,
    pub snapshot_index: u64,
    pub create_index: u64,
    pub modify_index: u64,
    pub create_time: Timestamp,
    pub modify_time: Timestamp,
}

impl Evaluation {
    /// A pending evaluation of `job`; the state fills the indexes in.
    pub fn pending(id: EvalId, job: JobKey, job_type: JobType, priority: u8, trigger: EvalTrigger, now: Timestamp) -> Self {
        Self {
            id,
            job,
            job_type,
            priority,
            trigger,
            status: EvalStatus::Pending,
            status_description: "".into(),
            job_modify_index: 0,
            node_id: None,
            deployment_id: None,
            wait_until: None,
            next: None,
            previous: None,
            blocked: None,
            failed_groups: BTreeMap::new(),
            queued: BTreeMap::new(),
            snapshot_index: 0,
            create_index: 0,
            modify_index: 0,
            create_time: now,
            modify_time: now,
        }
    }

    pub fn is_terminal(&self) -> bool {
        matches!(self.status, EvalStatus::Complete | EvalStatus::Failed | EvalStatus::Canceled)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EvalStatus {
    Pending,
    Blocked,
    Complete,
    Failed,
    Canceled,
}

impl EvalStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvalTrigger {
    JobRegister,
    JobDeregister,
    PeriodicJob,
    NodeDrain,
    NodeUpdate,
    AllocStop,
    Scheduled,
    RollingUpdate,
    DeploymentWatcher,
    FailedFollowUp,
    AllocFailure,
    QueuedAllocs,
    Preemption,
    JobScaling,
    MaxDisconnectTimeout,
    Reconnect,
    AllocReschedule,
}

impl EvalTrigger {
    pub fn name(self) -> &'static str {
        match self {
            Self::JobRegister => "job-register",
            Self::JobDeregister => "job-deregister",
            Self::PeriodicJob => "periodic-job",
            Self::NodeDrain => "node-drain",
            Self::NodeUpdate => "node-update",
            Self::AllocStop => "alloc-stop",
            Self::Scheduled => "scheduled",
            Self::RollingUpdate => "rolling-update",
            Self::DeploymentWatcher => "deployment-watcher",
            Self::FailedFollowUp => "failed-follow-up",
            Self::AllocFailure => "alloc-failure",
            Self::QueuedAllocs => "queued-allocs",
            Self::Preemption => "preemption",
            Self::JobScaling => "job-scaling",
            Self::MaxDisconnectTimeout => "max-disconnect-timeout",
            Self::Reconnect => "reconnect",
            Self::AllocReschedule => "alloc-reschedule",
        }
    }
}
