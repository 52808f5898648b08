//! What a request is answered with when it cannot be served: a status and plain text. The two tables that map the errors of the server
//! and of nodes to a status are here and nowhere else.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::handles::{NodeError, ServerError};
use crate::state::Rejection;

/// An error as the client sees it. The texts of some are matched by existing clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    pub status: StatusCode,
    pub message: String,
}

impl ApiError {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    pub fn invalid_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Invalid method")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], self.message).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<ServerError> for ApiError {
    fn from(error: ServerError) -> Self {
        let status = match &error {
            ServerError::Rejected(
                Rejection::JobNotFound
                | Rejection::NodeNotFound
                | Rejection::AllocationNotFound
                | Rejection::VersionNotFound
                | Rejection::DeploymentNotFound
                | Rejection::NodePoolNotFound,
            )
            | ServerError::Rejected(Rejection::JoinTokenNotFound | Rejection::AuthorityNotFound)
            | ServerError::NotFound(_) => StatusCode::NOT_FOUND,
            ServerError::Invalid(_)
            | ServerError::Rejected(
                Rejection::BadSnapshot(_)
                | Rejection::RotationUnderWay
                | Rejection::DeploymentOver
                | Rejection::ParentGone
                | Rejection::AlreadyLaunched
                | Rejection::ChildExists(_)
                | Rejection::NodePoolBuiltIn(_)
                | Rejection::NodePoolInUse { .. },
            ) => StatusCode::BAD_REQUEST,
            ServerError::Rejected(Rejection::JoinRefused(_)) | ServerError::Forbidden(_) => StatusCode::FORBIDDEN,
            ServerError::Timeout => StatusCode::GATEWAY_TIMEOUT,
            // Nomad says 500, its clients go by the text; what is worth a retry should say so to all the others.
            ServerError::NoLeader => StatusCode::SERVICE_UNAVAILABLE,
            // Nomad answers lost races on an index with 500: its clients go by the text.
            ServerError::Rejected(Rejection::JobIndexConflict { .. } | Rejection::SchedulerConfigConflict { .. })
            | ServerError::Rejected(Rejection::SecurityExists | Rejection::AutopilotConfigConflict { .. } | Rejection::RestoreSuperseded)
            | ServerError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<NodeError> for ApiError {
    fn from(error: NodeError) -> Self {
        let status = match &error {
            NodeError::UnknownAllocation(_) | NodeError::UnknownTask(_) | NodeError::FileNotFound(_) => StatusCode::NOT_FOUND,
            NodeError::Forbidden(_) => StatusCode::FORBIDDEN,
            NodeError::Invalid(_) => StatusCode::BAD_REQUEST,
            NodeError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}
