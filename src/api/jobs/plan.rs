//! `PUT /v1/job/:id/plan`: what registering a job would do.

use std::collections::BTreeMap;

use crate::api::call::{Answer, Call};
use crate::api::handles::DesiredChanges;
use crate::api::types::job::{JobPlanRequest, JobPlanResponse, PlanAnnotations};
use crate::api::{ApiError, job_json};
use crate::jobspec::diff::job_diff;

pub async fn plan(call: Call) -> Answer {
    let request: JobPlanRequest = call.json()?;
    let parsed = job_json::from_request(&call, request.job)?;
    if *parsed.job.key.id != *call.parameter() {
        return Err(ApiError::bad_request("Job ID does not match"));
    }
    let current = call.api.server.store().load().job(&parsed.job.key).cloned();
    let mut difference = request.diff.then(|| job_diff(current.as_deref(), Some(&parsed.job)));
    let run = call.api.server.plan_job(parsed.job).await?;
    for group in difference.iter_mut().flat_map(|difference| &mut difference.task_groups) {
        group.updates = run.groups.get(group.name.as_str()).map(updates).unwrap_or_default();
    }
    let difference = difference.map(serde_json::to_value).transpose().map_err(|error| ApiError::internal(error.to_string()))?;
    let response = JobPlanResponse {
        job_modify_index: run.job_modify_index,
        diff: difference,
        annotations: Some(PlanAnnotations {
            desired_tg_updates: run.groups.iter().map(|(group, changes)| (group.to_string(), changes.into())).collect(),
            preempted_allocs: Vec::new(),
        }),
        failed_tg_allocs: run.failed.iter().map(|(group, metrics)| (group.to_string(), (&**metrics).into())).collect(),
        warnings: parsed.warnings.join("\n"),
        ..JobPlanResponse::default()
    };
    call.plain(&response)
}

/// The words that clients print behind a count.
fn updates(changes: &DesiredChanges) -> BTreeMap<String, u64> {
    [
        ("create", changes.place),
        ("destroy", changes.stop),
        ("migrate", changes.migrate),
        ("canary", changes.canary),
        ("in-place update", changes.in_place),
        ("create/destroy update", changes.destructive),
        ("ignore", changes.ignore),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(kind, count)| (kind.to_owned(), count))
    .collect()
}
