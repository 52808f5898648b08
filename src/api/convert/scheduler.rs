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
    let algorithm = match request.scheduler_algorithm.as_str() {
        "" | "binpack" => SchedulerAlgorithm::Binpack,
        "spread" => SchedulerAlgorithm::Spread,
        other => return Err(other.to_owned()),
    };
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

fn algorithm_name(algorithm: SchedulerAlgorithm) -> &'static str {
    match algorithm {
        SchedulerAlgorithm::Binpack => "binpack",
        SchedulerAlgorithm::Spread => "spread",
    }
}
