//! Evaluations, in full and as stubs beside a related one.

use super::{counts, optional_id};
use crate::api::types::evaluation::{Evaluation, EvaluationStub};
use crate::model;
use crate::util::clock::Timestamp;

impl From<&model::Evaluation> for Evaluation {
    fn from(eval: &model::Evaluation) -> Self {
        Self {
            id: eval.id.to_string(),
            priority: eval.priority.into(),
            r#type: eval.job_type.name().to_owned(),
            triggered_by: eval.trigger.name().to_owned(),
            namespace: eval.job.namespace.to_string(),
            job_id: eval.job.id.to_string(),
            job_modify_index: eval.job_modify_index,
            node_id: optional_id(eval.node_id),
            deployment_id: optional_id(eval.deployment_id),
            status: eval.status.name().to_owned(),
            status_description: eval.status_description.to_string(),
            wait_until: eval.wait_until.map(Timestamp::rfc3339),
            next_eval: optional_id(eval.next),
            previous_eval: optional_id(eval.previous),
            blocked_eval: optional_id(eval.blocked),
            failed_tg_allocs: eval.failed_groups.iter().map(|(group, metrics)| (group.to_string(), (&**metrics).into())).collect(),
            queued_allocations: counts(&eval.queued),
            snapshot_index: eval.snapshot_index,
            create_index: eval.create_index,
            modify_index: eval.modify_index,
            create_time: eval.create_time.0,
            modify_time: eval.modify_time.0,
            ..Self::default()
        }
    }
}

impl From<&model::Evaluation> for EvaluationStub {
    fn from(eval: &model::Evaluation) -> Self {
        Self {
            id: eval.id.to_string(),
            priority: eval.priority.into(),
            r#type: eval.job_type.name().to_owned(),
            triggered_by: eval.trigger.name().to_owned(),
            namespace: eval.job.namespace.to_string(),
            job_id: eval.job.id.to_string(),
            node_id: optional_id(eval.node_id),
            deployment_id: optional_id(eval.deployment_id),
            status: eval.status.name().to_owned(),
            status_description: eval.status_description.to_string(),
            wait_until: eval.wait_until.map(Timestamp::rfc3339),
            next_eval: optional_id(eval.next),
            previous_eval: optional_id(eval.previous),
            blocked_eval: optional_id(eval.blocked),
            create_index: eval.create_index,
            modify_index: eval.modify_index,
            create_time: eval.create_time.0,
            modify_time: eval.modify_time.0,
        }
    }
}
