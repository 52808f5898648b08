//! `PUT /v1/jobs/parse` and `PUT /v1/validate/job`: looking at a job without registering it.

use serde_json::Value;

use crate::api::call::{Answer, Call};
use crate::api::types::job::{JobParseRequest, JobValidateRequest, JobValidateResponse};
use crate::api::{ApiError, job_json};

pub async fn parse(call: Call) -> Answer {
    let request: JobParseRequest = call.json()?;
    if request.job_hcl.trim().is_empty() {
        return Err(ApiError::bad_request("Job spec is empty"));
    }
    let parsed = job_json::from_hcl(&request.job_hcl, &request.variables)?;
    call.plain(&job_json::to_value(&parsed.job))
}

/// Answers 200 with the problems, whatever they are: that the job is wrong is the answer, not a failure of the request.
pub async fn validate(call: Call) -> Answer {
    let request: JobValidateRequest = call.json()?;
    if request.job == Value::Null {
        return Err(ApiError::bad_request("Job must be specified"));
    }
    let response = match job_json::from_value(request.job) {
        Ok(parsed) => {
            JobValidateResponse { driver_config_validated: true, warnings: parsed.warnings.join("\n"), ..JobValidateResponse::default() }
        }
        Err(problems) => JobValidateResponse { error: problems.join("\n"), validation_errors: problems, ..JobValidateResponse::default() },
    };
    call.plain(&response)
}
