//! Registering, updating, stopping and evaluating a job.

use crate::api::call::{Answer, Call};
use crate::api::handles::RegisterJob;
use crate::api::types::job::{JobDeregisterResponse, JobEvaluateRequest, JobRegisterRequest, JobRegisterResponse};
use crate::api::{ApiError, job_json};
use crate::model::JobKey;

/// The longest source text of a submission that is kept beside its job, in bytes; a longer one is left out with a warning.
const MAX_SUBMISSION: usize = 1 << 20;

/// `PUT /v1/jobs`.
pub async fn register(call: Call) -> Answer {
    let request: JobRegisterRequest = call.json()?;
    accept(&call, request, None).await
}

/// `PUT /v1/job/:id`.
pub async fn update(call: Call) -> Answer {
    let request: JobRegisterRequest = call.json()?;
    accept(&call, request, Some(call.parameter())).await
}

async fn accept(call: &Call, request: JobRegisterRequest, id: Option<&str>) -> Answer {
    let parsed = job_json::from_request(call, request.job)?;
    if id.is_some_and(|id| id != &*parsed.job.key.id) {
        return Err(ApiError::bad_request("Job ID does not match"));
    }
    let mut warnings = parsed.warnings;
    let submission = request.submission.filter(|submission| {
        let fits = submission.source.len() + submission.variables.len() <= MAX_SUBMISSION;
        if !fits {
            warnings.push(format!("the job's source is longer than {MAX_SUBMISSION} bytes and is not kept"));
        }
        fits
    });
    let registered = call
        .api
        .server
        .register_job(RegisterJob {
            job: parsed.job,
            submission: submission.map(Into::into),
            enforce_index: request.enforce_index.then_some(request.job_modify_index),
            eval_priority: priority(request.eval_priority)?,
            preserve_counts: request.preserve_counts,
        })
        .await?;
    let response = JobRegisterResponse { warnings: warnings.join("\n"), ..(&registered).into() };
    call.written(registered.index, &response)
}

/// `DELETE /v1/job/:id`.
pub async fn deregister(call: Call) -> Answer {
    let key = call.job_key()?;
    let purge = call.query.flag("purge", false)?;
    let no_shutdown_delay = call.query.flag("no_shutdown_delay", false)?;
    let asked = call.query.number("eval_priority")?.unwrap_or(0);
    let eval_priority = priority(i64::try_from(asked).unwrap_or(i64::MAX))?;
    let registered = call.api.server.deregister_job(key, purge, no_shutdown_delay, eval_priority).await?;
    call.written(registered.index, &JobDeregisterResponse::from(&registered))
}

/// `PUT /v1/job/:id/evaluate`.
pub async fn evaluate(call: Call) -> Answer {
    let request: JobEvaluateRequest = call.json_or_default()?;
    let key: JobKey = call.job_key()?;
    let registered = call.api.server.evaluate_job(key, request.eval_options.force_reschedule).await?;
    call.written(registered.index, &JobRegisterResponse::from(&registered))
}

/// An evaluation's priority; 0 leaves it to the job.
pub fn priority(asked: i64) -> Result<Option<u8>, ApiError> {
    match asked {
        0 => Ok(None),
        1..=100 => Ok(u8::try_from(asked).ok()),
        _ => Err(ApiError::bad_request("eval priority must be between 1 and 100 inclusively")),
    }
}
