//! `PUT /v1/job/:id/plan`: what registering a job would do.

use crate::api::call::{Answer, Call};
use crate::api::convert::allocation::{self, StubFields};
use crate::api::types::job::{JobPlanRequest, JobPlanResponse, PlanAnnotations};
use crate::api::{ApiError, job_json};
use crate::util::clock::Timestamp;

pub async fn plan(call: Call) -> Answer {
    let request: JobPlanRequest = call.json()?;
    let parsed = job_json::from_request(&call, request.job)?;
    if *parsed.job.key.id != *call.parameter() {
        return Err(ApiError::bad_request("Job ID does not match"));
    }
    let job = parsed.job;
    // Before the dry run, so that the difference is to what it starts from or to something older.
    let state = call.api.server.store().load();
    let current = state.job(&job.key).cloned();
    let run = call.api.server.plan_job(job.clone()).await?;
    let diff = request.diff.then(|| job_json::diff(current.as_deref(), &job, &run.groups));
    let response = JobPlanResponse {
        job_modify_index: run.job_modify_index,
        diff,
        annotations: Some(PlanAnnotations {
            desired_tg_updates: run.groups.iter().map(|(group, changes)| (group.to_string(), changes.into())).collect(),
            preempted_allocs: run
                .evicted
                .iter()
                .filter_map(|id| state.allocation(*id))
                .map(|row| allocation::stub_in(&state, row, StubFields { resources: false, task_states: false }))
                .collect(),
        }),
        failed_tg_allocs: run.failed.iter().map(|(group, metrics)| (group.to_string(), (&**metrics).into())).collect(),
        next_periodic_launch: job.periodic.as_ref().and_then(|periodic| periodic.next_launch(Timestamp::now())).map(Timestamp::rfc3339),
        warnings: parsed.warnings.join("\n"),
        ..JobPlanResponse::default()
    };
    call.plain(&response)
}
