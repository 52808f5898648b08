//! The whole state as an archive: out for safekeeping, and in again.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::ApiError;
use super::archive::{self, ArchiveMeta};
use super::call::{Answer, Call};
use crate::util::clock::Timestamp;

/// `stale=true`: what this server has, leader or none.
pub async fn save(call: Call) -> Answer {
    let saved = call.api.cluster.save_state(call.query.stale()?).await?;
    let now = Timestamp::now();
    let meta = ArchiveMeta {
        id: format!("{}-{}-{}", saved.term, saved.index, now.0 / 1_000_000),
        index: saved.index,
        term: saved.term,
        created: now.rfc3339(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        ..ArchiveMeta::default()
    };
    let packed = tokio::task::spawn_blocking(move || {
        let archive = archive::pack(&meta, &saved.bytes)?;
        let digest = Sha256::digest(&archive);
        Ok::<_, archive::ArchiveError>((archive, digest))
    });
    let (archive, digest) = packed.await.map_err(unmade)?.map_err(unmade)?;
    let mut response = (StatusCode::OK, [(CONTENT_TYPE, "application/x-gzip")], Body::from(archive)).into_response();
    set(&mut response, "digest", &format!("sha-256={}", STANDARD.encode(digest)));
    set(&mut response, "x-nomad-index", &saved.index.to_string());
    Ok(response)
}

/// The body is an archive. Nothing is changed unless all of it checks out.
pub async fn restore(call: Call) -> Answer {
    if call.body.is_empty() {
        return Err(ApiError::bad_request("Request body is empty"));
    }
    let body = call.body.clone();
    let unpacked = tokio::task::spawn_blocking(move || archive::unpack(&body)).await.map_err(unmade)?;
    let (_, state) = unpacked.map_err(|error| ApiError::bad_request(format!("failed to restore the snapshot: {error}")))?;
    let index = call.api.cluster.restore_state(state).await?;
    let mut response = StatusCode::OK.into_response();
    set(&mut response, "x-nomad-index", &index.to_string());
    Ok(response)
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn unmade(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(format!("the snapshot could not be made: {error}"))
}
