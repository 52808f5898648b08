//! API requests as they are handed from one agent to another: bodies of the two HTTP stacks, and the marks on what was handed on.

use std::time::Duration;

use axum::body::Body as ApiBody;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::messages::API_PREFIX;
use crate::rpc::{self, Channel, RpcError};
use crate::util::random::random_u128;

/// Names a request; it is carried out once however often it is sent.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-pannier-request-id");

/// Set by a server that hands a request on: it is not handed on once more.
pub const FORWARDED: HeaderName = HeaderName::from_static("x-pannier-forwarded");

/// In an answer: the server asked does not lead.
pub const NOT_LEADER: HeaderName = HeaderName::from_static("x-pannier-not-leader");

/// A request that can be sent more than once.
#[derive(Clone)]
pub struct Whole {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Whole {
    /// Reads the body, of at most `limit` bytes, and gives the request an id if it has none.
    pub async fn read(request: Request<ApiBody>, limit: usize) -> Result<Self, Response<ApiBody>> {
        let (mut head, body) = request.into_parts();
        let too_large = |_| answer(StatusCode::PAYLOAD_TOO_LARGE, format!("the request body is larger than {limit} bytes"));
        let body = axum::body::to_bytes(body, limit).await.map_err(too_large)?;
        head.headers.entry(REQUEST_ID).or_insert_with(|| id_value(random_u128()));
        Ok(Self { method: head.method, uri: head.uri, headers: head.headers, body })
    }

    /// A client's own text counts as well: it is hashed to an id.
    pub fn id(&self) -> u128 {
        use sha2::Digest as _;
        let text = self.headers.get(REQUEST_ID).map(HeaderValue::as_bytes).unwrap_or_default();
        let digest = sha2::Sha256::digest(text);
        digest.iter().take(16).fold(0, |id, byte| (id << 8) | u128::from(*byte))
    }

    pub fn to_request(&self) -> Request<ApiBody> {
        let mut request = Request::new(ApiBody::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

fn id_value(id: u128) -> HeaderValue {
    HeaderValue::from_str(&format!("{id:032x}")).unwrap_or(HeaderValue::from_static("0"))
}

/// Hands a request to another agent's API; its answer streams.
pub async fn send(channel: &Channel, request: Request<ApiBody>, is_last_hop: bool) -> Result<Response<ApiBody>, RpcError> {
    let (mut head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    head.uri = format!("{API_PREFIX}{target}").parse().map_err(|_| RpcError::Failed(format!("bad path {target:?}")))?;
    // They are about the connection it came by.
    for name in [header::CONNECTION, header::HOST, header::TRANSFER_ENCODING, header::UPGRADE, header::CONTENT_LENGTH] {
        head.headers.remove(name);
    }
    if is_last_hop {
        head.headers.insert(FORWARDED, HeaderValue::from_static("1"));
    }
    head.extensions = axum::http::Extensions::new();
    let body = body.map_err(Into::into).boxed_unsync();
    let (head, body) = channel.send(Request::from_parts(head, body)).await?.into_parts();
    Ok(Response::from_parts(head, ApiBody::new(body)))
}

/// What came over the wire, for the API: without the prefix.
pub fn from_wire(request: hyper::Request<hyper::body::Incoming>) -> Option<Request<ApiBody>> {
    let (mut head, body) = request.into_parts();
    let target = head.uri.path_and_query()?.as_str().strip_prefix(API_PREFIX)?.to_owned();
    head.uri = target.parse().ok()?;
    Some(Request::from_parts(head, ApiBody::new(body)))
}

pub fn to_wire(response: Response<ApiBody>) -> Response<rpc::Body> {
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}

/// Plain text, as the API's errors are.
pub fn answer(status: StatusCode, text: impl Into<String>) -> Response<ApiBody> {
    let mut response = Response::new(ApiBody::from(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Nobody leads now; when to come back is said.
pub fn no_leader() -> Response<ApiBody> {
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, "No cluster leader");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response.headers_mut().insert(NOT_LEADER, HeaderValue::from_static("1"));
    response
}

/// How long a request handed on may go without an answer's head.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
