//! Paths of Nomad's API that this one answers with a clear refusal instead of "not found".

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::ApiError;

/// Only Nomad Enterprise serves these; the text is the one its open edition answers with.
const ENTERPRISE: [&str; 5] = ["/v1/sentinel/", "/v1/quota", "/v1/recommendation", "/v1/operator/license", "/v1/operator/utilization"];

/// Nomad serves these and pannier does not.
const UNSUPPORTED: [&str; 24] = [
    "/v1/volumes",
    "/v1/volume/",
    "/v1/plugins",
    "/v1/plugin/",
    "/v1/acl/",
    "/v1/vars",
    "/v1/var/",
    "/v1/services",
    "/v1/service/",
    "/v1/scaling/",
    "/v1/search/fuzzy",
    "/v1/deployment/",
    "/v1/allocation/",
    "/v1/node/pool",
    "/v1/namespace",
    "/v1/client/",
    "/v1/agent/join",
    "/v1/agent/force-leave",
    "/v1/agent/keyring/",
    "/v1/agent/pprof/",
    "/v1/agent/schedulers",
    "/v1/agent/monitor/export",
    "/v1/operator/",
    "/v1/system/reconcile/",
];

/// What may stand behind a job's id in Nomad and not here.
const UNSUPPORTED_BELOW_JOB: [&str; 4] = ["/services", "/actions", "/action", "/tag"];

/// The answer to a path that no route serves.
pub fn answer(method: &Method, path: &str) -> Response {
    if ENTERPRISE.iter().any(|prefix| path.starts_with(prefix)) {
        return ApiError::new(StatusCode::NOT_IMPLEMENTED, "Nomad Enterprise only endpoint").into_response();
    }
    if UNSUPPORTED.iter().any(|prefix| path.starts_with(prefix)) {
        return unsupported(path).into_response();
    }
    ApiError::not_found(format!("no such endpoint: {method} {path}")).into_response()
}

/// The refusal of a path below `/v1/job/` that would otherwise be taken for a job's id.
pub fn below_a_job(path: &str) -> Option<ApiError> {
    UNSUPPORTED_BELOW_JOB.iter().any(|suffix| path.ends_with(suffix)).then(|| unsupported(path))
}

fn unsupported(path: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_IMPLEMENTED, format!("this version does not serve {path}"))
}
