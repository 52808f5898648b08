//! The counts of a job's groups, read and changed.

use std::collections::BTreeMap;

use super::existing_job;
use crate::api::ApiError;
use crate::api::call::{Answer, Call};
use crate::api::handles::ScaleJob;
use crate::api::types::job::JobRegisterResponse;
use crate::api::types::scale::{ScaleRequest, ScaleStatus, TaskGroupScaleStatus};
use crate::model::{AllocClientStatus, Job};
use crate::state::{State, Table};

pub async fn status(call: Call) -> Answer {
    let key = call.job_key()?;
    let view = call.view_of_tables(&[Table::Jobs, Table::Allocations]).await?;
    let job = existing_job(&view.state, &key)?;
    let status = ScaleStatus {
        job_id: key.id.to_string(),
        namespace: key.namespace.to_string(),
        job_create_index: job.create_index,
        job_modify_index: job.job_modify_index,
        job_stopped: job.stop,
        task_groups: groups(&view.state, job),
    };
    call.found(&view, &status)
}

fn groups(state: &State, job: &Job) -> BTreeMap<String, TaskGroupScaleStatus> {
    let desired = |count: u32| if job.stop { 0 } else { u64::from(count) };
    let mut groups: BTreeMap<String, TaskGroupScaleStatus> = job
        .groups
        .iter()
        .map(|group| (group.name.to_string(), TaskGroupScaleStatus { desired: desired(group.count), ..Default::default() }))
        .collect();
    for allocation in state.allocations_of_job(&job.key).filter(|allocation| !allocation.is_terminal()) {
        let Some(group) = groups.get_mut(&*allocation.group) else { continue };
        group.placed += 1;
        group.running += u64::from(allocation.client_status == AllocClientStatus::Running);
        match allocation.health() {
            Some(true) => group.healthy += 1,
            Some(false) => group.unhealthy += 1,
            None => {}
        }
    }
    groups
}

pub async fn scale(call: Call) -> Answer {
    let request: ScaleRequest = call.json()?;
    let group = request.target.get("Group").filter(|name| !name.is_empty());
    let group = group.ok_or_else(|| ApiError::bad_request("missing task group name for scaling action"))?.clone();
    if request.error && request.count.is_some() {
        return Err(ApiError::bad_request("scaling action should not contain count if error is true"));
    }
    let count = match request.count {
        None => None,
        Some(count) => Some(u32::try_from(count).map_err(|_| ApiError::bad_request("scaling action count can't be negative"))?),
    };
    let enforce_index = (request.job_modify_index > 0).then_some(request.job_modify_index);
    let scale = ScaleJob { group, count, message: request.message, enforce_index };
    let registered = call.api.server.scale_job(call.job_key()?, scale).await?;
    call.written(registered.index, &JobRegisterResponse::from(&registered))
}
