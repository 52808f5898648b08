//! The scheduler's settings, both ways.

use crate::api::types::operator::{PreemptionConfig, SchedulerConfiguration};
use crate::model::scheduler_config::{SchedulerAlgorithm, SchedulerConfig};

impl From<&SchedulerConfig> for SchedulerConfiguration {
    fn from(config: &SchedulerConfig) -> Self {
        Self {
            scheduler_algorithm: algorithm_name(config.algorithm).to_owned(),
            preemption_config: PreemptionConfig {
                system_scheduler_enabled: config.preempt_system,
                sys_batch_scheduler_enabled: config.preempt_sysbatch,
                batch_scheduler_enabled: config.preempt_batch,
                service_scheduler_enabled: config.preempt_service,
            },
            memory_oversubscription_enabled: config.memory_oversubscription,
            reject_job_registration: config.reject_job_registration,
            pause_eval_broker: config.pause_eval_broker,
            create_index: config.create_index,
            modify_index: config.modify_index,
        }
    }
}

/// The settings a request asks for; `Err` holds the name of an unknown algorithm.
pub fn from_request(request: &SchedulerConfiguration) -> Result<SchedulerConfig, String> {
    let algorithm = algorithm_from(&request.scheduler_algorithm)?.unwrap_or(SchedulerAlgorithm::Binpack);
    Ok(SchedulerConfig {
        algorithm,
        memory_oversubscription: request.memory_oversubscription_enabled,
        reject_job_registration: request.reject_job_registration,
        pause_eval_broker: request.pause_eval_broker,
        preempt_system: request.preemption_config.system_scheduler_enabled,
        preempt_sysbatch: request.preemption_config.sys_batch_scheduler_enabled,
        preempt_batch: request.preemption_config.batch_scheduler_enabled,
        preempt_service: request.preemption_config.service_scheduler_enabled,
        create_index: 0,
        modify_index: 0,
    })
}

/// `None` where none is named.
pub fn algorithm_from(name: &str) -> Result<Option<SchedulerAlgorithm>, String> {
    match name {
        "" => Ok(None),
        "binpack" => Ok(Some(SchedulerAlgorithm::Binpack)),
        "spread" => Ok(Some(SchedulerAlgorithm::Spread)),
        other => Err(other.to_owned()),
    }
}

pub fn algorithm_name(algorithm: SchedulerAlgorithm) -> &'static str {
    match algorithm {
        SchedulerAlgorithm::Binpack => "binpack",
        SchedulerAlgorithm::Spread => "spread",
    }
}
