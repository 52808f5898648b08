//! `GET /v1/job/:id/explain`: why a job's instances are where they are, or nowhere.

use crate::api::call::{Answer, Call};
use crate::api::types::explain::JobExplanation;

pub async fn explain(call: Call) -> Answer {
    let key = call.job_key()?;
    let explanation = call.api.server.explain_job(key).await?;
    call.plain(&JobExplanation::from(&explanation))
}
