//! `PUT /v1/jobs/parse` and `PUT /v1/validate/job`: looking at a job without registering it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

use crate::api::call::{Answer, Call};
use crate::api::types::job::{JobParseRequest, JobValidateRequest, JobValidateResponse};
use crate::api::{ApiError, job_json};
use crate::jobspec::{Diagnostic, Severity};

/// What is wrong is answered with its lines as text, or with `?diagnostics` as data: `{"Diagnostics": [...]}`.
pub async fn parse(call: Call) -> Answer {
    let request: JobParseRequest = call.json()?;
    if request.job_hcl.trim().is_empty() {
        return Err(ApiError::bad_request("Job spec is empty"));
    }
    let problems = match job_json::from_hcl(&request.job_hcl, &request.variables) {
        Ok(job) => return call.plain(&job_json::to_value(&job)),
        Err(problems) => problems,
    };
    if call.query.flag("diagnostics", false)? {
        let body = json!({ "Diagnostics": job_json::diagnostics_to_value(&problems) });
        return Ok((StatusCode::BAD_REQUEST, Json(body)).into_response());
    }
    Err(ApiError::bad_request(job_json::rendered(&problems)))
}

/// Answers 200 with the problems, whatever they are: that the job is wrong is the answer, not a failure of the request.
pub async fn validate(call: Call) -> Answer {
    let request: JobValidateRequest = call.json()?;
    if request.job == Value::Null {
        return Err(ApiError::bad_request("Job must be specified"));
    }
    let diagnostics = match job_json::judged(request.job) {
        Ok((job, mut warnings)) => {
            let refused = call.api.server.driver_problems(&job).into_iter();
            warnings.extend(refused.map(|problem| Diagnostic::without_position(Severity::Error, "driver", "", problem)));
            warnings
        }
        Err(problems) => problems,
    };
    let lines = |severity| diagnostics.iter().filter(move |problem| problem.severity == severity).map(job_json::line_of);
    let validation_errors: Vec<String> = lines(Severity::Error).collect();
    let response = JobValidateResponse {
        driver_config_validated: validation_errors.is_empty(),
        error: validation_errors.join("\n"),
        warnings: lines(Severity::Warning).collect::<Vec<_>>().join("\n"),
        validation_errors,
        diagnostics: job_json::diagnostics_to_value(&diagnostics),
    };
    call.plain(&response)
}
