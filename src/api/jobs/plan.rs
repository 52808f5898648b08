//! `PUT /v1/job/:id/plan`: what registering a job would do.

use std::collections::BTreeMap;

use super::diff::{self, DiffType, GroupDiff};
use crate::api::call::{Answer, Call};
use crate::api::handles::DesiredChanges;
use crate::api::types::job::{JobPlanRequest, JobPlanResponse, PlanAnnotations};
use crate::api::{ApiError, job_json};

pub async fn plan(call: Call) -> Answer {
    let request: JobPlanRequest = call.json()?;
    let parsed = job_json::from_request(&call, request.job)?;
    if *parsed.job.key.id != *call.parameter() {
        return Err(ApiError::bad_request("Job ID does not match"));
    }
    let current = call.api.server.store().load().job(&parsed.job.key).map(|job| job_json::to_value(job));
    let wanted = job_json::to_value(&parsed.job);
    let run = call.api.server.plan_job(parsed.job).await?;
    let difference = request.diff.then(|| {
        let mut difference = diff::jobs(current.as_ref(), &wanted);
        for (name, changes) in &run.groups {
            annotate(&mut difference.task_groups, name, updates(changes));
        }
        difference
    });
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

/// Notes on a group's difference what would happen to its instances. A group may be the same and still have to be moved.
fn annotate(groups: &mut Vec<GroupDiff>, name: &str, updates: BTreeMap<&'static str, u64>) {
    if let Some(group) = groups.iter_mut().find(|group| group.name == name) {
        group.updates = updates;
    } else if updates.keys().any(|kind| *kind != IGNORE) {
        let (fields, objects, tasks) = Default::default();
        groups.push(GroupDiff { r#type: DiffType::None, name: name.to_owned(), fields, objects, tasks, updates });
    }
}

const IGNORE: &str = "ignore";

/// The words that clients print behind a count.
fn updates(changes: &DesiredChanges) -> BTreeMap<&'static str, u64> {
    [
        ("create", changes.place),
        ("destroy", changes.stop),
        ("migrate", changes.migrate),
        ("canary", changes.canary),
        ("in-place update", changes.in_place),
        ("create/destroy update", changes.destructive),
        (IGNORE, changes.ignore),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .collect()
}
