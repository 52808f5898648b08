//! A job's versions: list, go back, mark as stable, and the text they were submitted as.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{existing_job, index_of_job};
use crate::api::call::{Answer, Call};
use crate::api::types::job::{JobRegisterResponse, JobRevertRequest, JobSubmission, JobVersionsResponse};
use crate::api::{ApiError, job_json};
use crate::state::Table;

pub async fn versions(call: Call) -> Answer {
    let key = call.job_key()?;
    let view = call.view(&[Table::Jobs], |state| index_of_job(state, &key)).await?;
    existing_job(&view.state, &key)?;
    let known = view.state.job_versions(&key);
    let versions: Vec<Value> = known.iter().map(|job| job_json::to_value(job)).collect();
    // Newest first: each leads from the version behind it.
    let diffs = if call.query.flag("diffs", false)? {
        known.iter().zip(known.iter().skip(1)).map(|(new, old)| job_json::diff(Some(old), new, &BTreeMap::new())).collect()
    } else {
        Vec::new()
    };
    call.found(&view, &JobVersionsResponse { versions, diffs })
}

pub async fn revert(call: Call) -> Answer {
    let request: JobRevertRequest = call.json()?;
    check_body_id(&call, &request.job_id)?;
    let registered = call.api.server.revert_job(call.job_key()?, request.job_version, request.enforce_prior_version).await?;
    call.written(registered.index, &JobRegisterResponse::from(&registered))
}

/// Body of `PUT /v1/job/:id/stable`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct StabilityRequest {
    #[serde(rename = "JobID")]
    job_id: String,
    job_version: u64,
    stable: bool,
}

pub async fn stable(call: Call) -> Answer {
    let request: StabilityRequest = call.json()?;
    check_body_id(&call, &request.job_id)?;
    let index = call.api.server.set_job_stability(call.job_key()?, request.job_version, request.stable).await?;
    call.written(index, &serde_json::json!({ "Index": index }))
}

/// `version=N`; the newest without.
pub async fn submission(call: Call) -> Answer {
    let key = call.job_key()?;
    let version = call.query.number("version")?;
    let view = call.view(&[Table::Jobs], |state| index_of_job(state, &key)).await?;
    let job = match version {
        None => existing_job(&view.state, &key)?.clone(),
        Some(version) => {
            let versions = view.state.job_versions(&key);
            versions.into_iter().find(|job| job.version == version).ok_or_else(|| ApiError::not_found("job source not found"))?
        }
    };
    let submission = view.state.submission(&job.reference()).ok_or_else(|| ApiError::not_found("job source not found"))?;
    call.found(&view, &JobSubmission::from(&**submission))
}

/// A body may repeat the job's id, and must then mean the job of the path.
fn check_body_id(call: &Call, id: &str) -> Result<(), ApiError> {
    if id.is_empty() || id == call.parameter() { Ok(()) } else { Err(ApiError::bad_request("Job ID does not match")) }
}
