//! Children of parameterized and periodic jobs, asked for.

use axum::http::StatusCode;

use super::register::priority;
use crate::api::ApiError;
use crate::api::call::{Answer, Call};
use crate::api::convert::optional_id;
use crate::api::handles::DispatchJob;
use crate::api::types::job::{JobDispatchRequest, JobDispatchResponse, PeriodicForceResponse};
use crate::model::Text;

/// `PUT /v1/job/:id/dispatch`. An idempotency token may come in the query or in the body.
pub async fn dispatch(call: Call) -> Answer {
    let request: JobDispatchRequest = call.json_or_default()?;
    if !request.job_id.is_empty() && request.job_id != call.parameter() {
        return Err(ApiError::bad_request("Job ID does not match"));
    }
    let JobDispatchRequest { payload, meta, id_prefix_template, idempotency_token, .. } = request;
    let token = call.query.get("idempotency_token").map(str::to_owned).unwrap_or(idempotency_token);
    accept(
        &call,
        DispatchJob {
            payload,
            meta: meta.into_iter().map(|(key, value)| (Text::from(key), Text::from(value))).collect(),
            id_prefix: id_prefix_template,
            priority: priority(request.priority)?,
            idempotency_token: (!token.is_empty()).then(|| token.into()),
        },
    )
    .await
}

/// `PUT /v1/job/:id/dispatch/payload`: the body is the payload as it is.
pub async fn dispatch_payload(call: Call) -> Answer {
    let token = call.query.get("idempotency_token").filter(|token| !token.is_empty()).map(Text::from);
    let request = DispatchJob { payload: call.body.to_vec(), idempotency_token: token, ..DispatchJob::default() };
    accept(&call, request).await
}

/// The longest idempotency token, in bytes: each is kept as long as its child.
const MAX_TOKEN: usize = 1024;

async fn accept(call: &Call, request: DispatchJob) -> Answer {
    if request.idempotency_token.as_ref().is_some_and(|token| token.len() > MAX_TOKEN) {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, format!("the idempotency token is longer than {MAX_TOKEN} bytes")));
    }
    let dispatched = call.api.server.dispatch_job(call.job_key()?, request).await?;
    let response = JobDispatchResponse {
        dispatched_job_id: dispatched.job_id,
        eval_id: optional_id(dispatched.eval_id),
        eval_create_index: dispatched.eval_id.map_or(0, |_| dispatched.index),
        job_create_index: dispatched.job_create_index,
        index: dispatched.index,
    };
    call.written(dispatched.index, &response)
}

/// `PUT /v1/job/:id/periodic/force`.
pub async fn force_periodic(call: Call) -> Answer {
    let launched = call.api.server.force_periodic_job(call.job_key()?).await?;
    let response =
        PeriodicForceResponse { eval_id: optional_id(launched.eval_id), eval_create_index: launched.index, index: launched.index };
    call.written(launched.index, &response)
}
