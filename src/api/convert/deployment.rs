//! Deployments.

use super::{nanoseconds, optional_id};
use crate::api::handles::DeploymentChange;
use crate::api::types::deployment::{Deployment, DeploymentState, DeploymentUpdateResponse};
use crate::model;
use crate::util::clock::Timestamp;

impl From<&model::Deployment> for Deployment {
    fn from(deployment: &model::Deployment) -> Self {
        Self {
            id: deployment.id.to_string(),
            namespace: deployment.job.key.namespace.to_string(),
            job_id: deployment.job.key.id.to_string(),
            job_version: deployment.job.version,
            job_modify_index: deployment.job.modify_index,
            job_spec_modify_index: deployment.job.modify_index,
            job_create_index: deployment.job_create_index,
            task_groups: deployment.groups.iter().map(|(name, group)| (name.to_string(), group.into())).collect(),
            status: deployment.status.name().to_owned(),
            status_description: deployment.status_description.to_string(),
            create_index: deployment.create_index,
            modify_index: deployment.modify_index,
            create_time: deployment.create_time.0,
            modify_time: deployment.modify_time.0,
            ..Self::default()
        }
    }
}

impl From<&model::DeploymentGroup> for DeploymentState {
    fn from(group: &model::DeploymentGroup) -> Self {
        Self {
            placed_canaries: group.placed_canaries.iter().map(ToString::to_string).collect(),
            auto_revert: group.auto_revert,
            auto_promote: group.auto_promote,
            progress_deadline: nanoseconds(group.progress_deadline),
            require_progress_by: group.require_progress_by.map(Timestamp::rfc3339),
            promoted: group.promoted,
            desired_canaries: group.desired_canaries.into(),
            desired_total: group.desired_total.into(),
            placed_allocs: group.placed.into(),
            healthy_allocs: group.healthy.into(),
            unhealthy_allocs: group.unhealthy.into(),
        }
    }
}

impl From<&DeploymentChange> for DeploymentUpdateResponse {
    fn from(change: &DeploymentChange) -> Self {
        Self {
            eval_id: optional_id(change.eval_id),
            eval_create_index: change.eval_id.map_or(0, |_| change.index),
            deployment_modify_index: change.index,
            reverted_job_version: change.reverted_to,
            index: change.index,
        }
    }
}
