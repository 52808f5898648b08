//! Bodies of requests and answers, bounded.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Message, RpcError};
use crate::codec;

/// What goes over the wire, streamed or whole.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// The largest message: a batch of log entries, a node's whole slice.
pub const MAX_MESSAGE: usize = 64 << 20;

pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body of at most `limit` bytes.
pub async fn whole(body: Incoming, limit: usize) -> Result<Bytes, RpcError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(RpcError::Protocol(format!("the message is larger than {limit} bytes"))),
        Err(error) => Err(RpcError::Unreachable(format!("the connection broke: {error}"))),
    }
}

/// Reads a request of at most `limit` bytes, has it answered, and writes the answer.
pub async fn answer<Q, A, F>(request: Request<Incoming>, limit: usize, work: impl FnOnce(Q) -> F) -> Response<Body>
where
    Q: Serialize + DeserializeOwned,
    A: Serialize + DeserializeOwned,
    F: Future<Output = Result<A, RpcError>>,
{
    let answered = async {
        let bytes = whole(request.into_body(), limit).await?;
        let message: Message<Q> = decode(&bytes)?;
        encode(&Message(work(message.0).await?))
    };
    match answered.await {
        Ok(bytes) => Response::new(full(bytes)),
        Err(error) => refusal(&error),
    }
}

/// A value as an answer.
pub fn message_response<A: Serialize + DeserializeOwned + Clone>(value: &A) -> Response<Body> {
    match encode(&Message(value.clone())) {
        Ok(bytes) => Response::new(full(bytes)),
        Err(error) => refusal(&error),
    }
}

/// An error as an answer.
pub fn refusal(error: &RpcError) -> Response<Body> {
    let body = encode(&Message(error.clone())).map_or_else(|_| empty(), full);
    let mut response = Response::new(body);
    *response.status_mut() = refusal_status(error);
    response
}

/// The status that goes with an error; people see it in a proxy's log, programs read the body.
pub fn refusal_status(error: &RpcError) -> StatusCode {
    match error {
        RpcError::Forbidden(_) => StatusCode::FORBIDDEN,
        RpcError::Protocol(_) => StatusCode::BAD_REQUEST,
        RpcError::Unknown(_) => StatusCode::NOT_FOUND,
        RpcError::NoLeader | RpcError::Unreachable(_) | RpcError::Timeout(_) => StatusCode::SERVICE_UNAVAILABLE,
        RpcError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(super) fn encode<T: Serialize + DeserializeOwned>(message: &Message<T>) -> Result<Vec<u8>, RpcError> {
    codec::encode(message).map_err(|error| RpcError::Failed(error.to_string()))
}

pub(super) fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<Message<T>, RpcError> {
    codec::decode(bytes).map_err(|error| RpcError::Protocol(error.to_string()))
}
