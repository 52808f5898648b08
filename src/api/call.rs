//! One request on its way through a handler, and the answers handlers give.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::page::Page;
use super::query::{Namespace, Query};
use super::{ApiContext, ApiError};
use crate::model::{JobKey, Text};
use crate::state::State;

/// What handlers return.
pub type Answer = Result<Response, ApiError>;

/// A request with its body read.
pub struct Call {
    pub api: ApiContext,
    pub method: Method,
    pub query: Query,
    /// The template's variables, decoded, in their order.
    pub parameters: Vec<String>,
    pub body: Bytes,
}

/// What a read answers from: a frozen state and the index to wait on next.
#[derive(Clone)]
pub struct View {
    pub state: Arc<State>,
    /// At least 1.
    pub index: u64,
}

impl Call {
    /// The first variable of the path.
    pub fn parameter(&self) -> &str {
        self.parameters.first().map_or("", String::as_str)
    }

    /// The path's id. A text that is no id names nothing, so it is answered like an unknown one.
    pub fn id<Id: FromStr>(&self, not_found: &str) -> Result<Id, ApiError> {
        self.parameter().parse().map_err(|_| ApiError::not_found(not_found))
    }

    /// The job that the path and the namespace name.
    pub fn job_key(&self) -> Result<JobKey, ApiError> {
        Ok(JobKey::new(self.one_namespace()?, self.parameter()))
    }

    /// The namespace of a request that is about one object.
    pub fn one_namespace(&self) -> Result<Text, ApiError> {
        match self.query.namespace() {
            Namespace::One(name) => Ok(name),
            Namespace::All => Err(ApiError::bad_request("namespace \"*\" names no single object")),
        }
    }

    /// The body as JSON. Unknown fields are ignored, as older and newer clients need.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Err(ApiError::bad_request("Request body is empty"));
        }
        serde_json::from_slice(&self.body).map_err(|error| ApiError::bad_request(format!("failed to decode the request body: {error}")))
    }

    /// The body as JSON, or the default when there is none.
    pub fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, ApiError> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// Answers a read with one object.
    pub fn found(&self, view: &View, value: &impl Serialize) -> Answer {
        let mut response = encode(value, self.query.pretty())?;
        self.set_read_headers(view, &mut response);
        Ok(response)
    }

    /// Answers a read with what `render` makes of the state. Lists can be long: they are made and encoded beside the threads that
    /// keep heartbeats and other requests going.
    pub async fn rendered<T, F>(&self, view: &View, render: F) -> Answer
    where
        T: Serialize,
        F: FnOnce(&State) -> Result<Page<T>, ApiError> + Send + 'static,
    {
        let state = Arc::clone(&view.state);
        let pretty = self.query.pretty();
        let encoded = tokio::task::spawn_blocking(move || {
            let page = render(&state)?;
            Ok::<_, ApiError>((encode(&page.rows, pretty)?, page.next_token))
        });
        let (mut response, next_token) =
            encoded.await.map_err(|error| ApiError::internal(format!("the answer could not be made: {error}")))??;
        self.set_read_headers(view, &mut response);
        if let Some(token) = next_token {
            set_header(&mut response, "x-nomad-nexttoken", token);
        }
        Ok(response)
    }

    /// Answers a write that was applied at `index`.
    pub fn written(&self, index: u64, value: &impl Serialize) -> Answer {
        let mut response = encode(value, self.query.pretty())?;
        set_header(&mut response, "x-nomad-index", index);
        Ok(response)
    }

    /// Answers with a value that no index belongs to.
    pub fn plain(&self, value: &impl Serialize) -> Answer {
        encode(value, self.query.pretty())
    }

    fn set_read_headers(&self, view: &View, response: &mut Response) {
        let status = self.api.server.status();
        set_header(response, "x-nomad-index", view.index);
        set_header(response, "x-nomad-lastcontact", status.last_contact_ms);
        set_header(response, "x-nomad-knownleader", status.leader.is_some());
    }
}

/// JSON with the right content type.
pub fn encode(value: &impl Serialize, pretty: bool) -> Answer {
    let encoded = if pretty { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) };
    let bytes = encoded.map_err(|error| ApiError::internal(format!("the answer could not be encoded: {error}")))?;
    Ok((StatusCode::OK, [(CONTENT_TYPE, "application/json")], Body::from(bytes)).into_response())
}

/// An empty 200.
pub fn done() -> Response {
    StatusCode::OK.into_response()
}

fn set_header(response: &mut Response, name: &'static str, value: impl Display) {
    // Bytes, not text: a job's id in a page's token may hold any letter. Control characters, which a header cannot, no id holds.
    if let Ok(value) = HeaderValue::from_bytes(value.to_string().as_bytes()) {
        response.headers_mut().insert(name, value);
    }
}
