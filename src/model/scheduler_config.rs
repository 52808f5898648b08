//! Cluster-wide settings of the scheduler (`/v1/operator/scheduler/configuration`).

use serde::{Deserialize, Serialize};

use super::JobType;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulerConfig {
    pub algorithm: SchedulerAlgorithm,
    pub memory_oversubscription: bool,
    pub reject_job_registration: bool,
    pub pause_eval_broker: bool,
    pub preempt_system: bool,
    pub preempt_sysbatch: bool,
    pub preempt_batch: bool,
    pub preempt_service: bool,
    pub create_index: u64,
    pub modify_index: u64,
}

impl SchedulerConfig {
    /// Whether jobs of this type may push others aside.
    pub fn preempts(&self, job_type: JobType) -> bool {
        match job_type {
            JobType::Service => self.preempt_service,
            JobType::Batch => self.preempt_batch,
            JobType::System => self.preempt_system,
            JobType::SysBatch => self.preempt_sysbatch,
        }
    }
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            algorithm: SchedulerAlgorithm::Binpack,
            memory_oversubscription: false,
            reject_job_registration: false,
            pause_eval_broker: false,
            preempt_system: true,
            preempt_sysbatch: false,
            preempt_batch: false,
            preempt_service: false,
            create_index: 1,
            modify_index: 1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SchedulerAlgorithm {
    Binpack,
    Spread,
}
