//! The counts of a job's groups, read and changed.

use std::collections::BTreeMap;

use super::existing_job;
use crate::api::ApiError;
use crate::api::call::{Answer, Call};
use crate::api::handles::ScaleJob;
use crate::api::types::job::JobRegisterResponse;
use crate::api::types::scale::{ScaleRequest, ScaleStatus, ScalingEvent, TaskGroupScaleStatus};
use crate::jobspec::MAX_NESTING;
use crate::jobspec::json::kept;
use crate::model::{AllocClientStatus, ConfigValue, Job, scaling};
use crate::state::{State, Table};

/// The largest request to scale that is kept as an event, in bytes.
const MAX_EVENT: usize = 64 << 10;

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
        task_groups: with_events(groups(&view.state, job), &view.state, job),
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

fn with_events(mut groups: BTreeMap<String, TaskGroupScaleStatus>, state: &State, job: &Job) -> BTreeMap<String, TaskGroupScaleStatus> {
    for (name, events) in state.scaling_events(&job.key).into_iter().flat_map(|events| events.iter()) {
        if let Some(group) = groups.get_mut(&**name) {
            group.events = events.iter().map(event_to_api).collect();
        }
    }
    groups
}

fn event_to_api(event: &scaling::ScalingEvent) -> ScalingEvent {
    ScalingEvent {
        count: event.count.map(i64::from),
        previous_count: event.previous_count.into(),
        error: event.error,
        message: event.message.to_string(),
        meta: kept::to_json(&event.meta).as_object().cloned(),
        eval_id: event.eval_id.map(|id| id.to_string()),
        time: u64::try_from(event.at.0).unwrap_or(0),
        create_index: event.create_index,
    }
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
    let meta = request.meta.map_or(ConfigValue::Null, |meta| kept::to_config(serde_json::Value::Object(meta)));
    if call.body.len() > MAX_EVENT || meta.depth() > MAX_NESTING {
        let message = format!("a scaling event holds at most {MAX_EVENT} bytes, nested {MAX_NESTING} levels deep");
        return Err(ApiError::bad_request(message));
    }
    let scale = ScaleJob { group, count, message: request.message, error: request.error, meta, enforce_index };
    let registered = call.api.server.scale_job(call.job_key()?, scale).await?;
    call.written(registered.index, &JobRegisterResponse::from(&registered))
}
