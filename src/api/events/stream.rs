//! `GET /v1/event/stream`: lines of JSON, a batch per index.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::broker::{Batch, Delivery};
use super::topics::Topics;
use crate::api::ApiContext;
use crate::api::call::{Answer, Call};

/// How long the stream may be silent. Well below the half minute that clients are used to, so that dead peers are found early.
const HEARTBEAT: Duration = Duration::from_secs(10);
const HEARTBEAT_LINE: &[u8] = b"{}\n";

/// `topic=Topic:key` (repeated), `index=N` to start at, `namespace`.
pub async fn stream(call: Call) -> Answer {
    let topics = Topics::of(&call.query)?;
    let from = call.query.index()?;
    let subscription = call.api.events.subscribe(from);
    let follower = Follower {
        context: call.api.clone(),
        topics,
        history: subscription.history,
        receiver: subscription.receiver,
        heartbeat_at: Instant::now(),
        phase: Phase::Opening,
    };
    let body = Body::from_stream(stream::unfold(follower, Follower::next));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

enum Phase {
    /// The first line goes out at once, so that clients know they are connected.
    Opening,
    Following,
    /// The reason was told.
    Over,
}

struct Follower {
    context: ApiContext,
    topics: Topics,
    history: VecDeque<Arc<Batch>>,
    receiver: broadcast::Receiver<Delivery>,
    heartbeat_at: Instant,
    phase: Phase,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        match self.phase {
            Phase::Opening => {
                self.phase = Phase::Following;
                Some((Ok(Bytes::from_static(HEARTBEAT_LINE)), self.alive()))
            }
            Phase::Following => {
                let line = self.next_line().await?;
                Some((Ok(line), self.alive()))
            }
            Phase::Over => None,
        }
    }

    fn alive(mut self) -> Self {
        self.heartbeat_at = Instant::now() + HEARTBEAT;
        self
    }

    async fn next_line(&mut self) -> Option<Bytes> {
        loop {
            let batch = match self.history.pop_front() {
                Some(batch) => batch,
                None => tokio::select! {
                    delivery = self.receiver.recv() => match delivery {
                        Ok(Delivery::Batch(batch)) => batch,
                        Ok(Delivery::Broken(reason)) => return Some(self.end_with(reason)),
                        Err(broadcast::error::RecvError::Lagged(_)) => {
                            return Some(self.end_with("subscription closed by server: the client did not keep up"));
                        }
                        Err(broadcast::error::RecvError::Closed) => return None,
                    },
                    () = tokio::time::sleep_until(self.heartbeat_at) => return Some(Bytes::from_static(HEARTBEAT_LINE)),
                    () = self.context.stopped() => return None,
                },
            };
            if let Some(line) = line_of(&batch, &self.topics) {
                return Some(line);
            }
        }
    }

    /// The last line: why it is the last.
    fn end_with(&mut self, reason: &str) -> Bytes {
        self.phase = Phase::Over;
        Bytes::from(format!("{}\n", json!({ "Error": reason })))
    }
}

/// The wanted events of a batch, if there are any.
fn line_of(batch: &Batch, topics: &Topics) -> Option<Bytes> {
    let wanted: Vec<&str> = batch.events().iter().filter(|event| topics.include(event)).map(|event| event.encoded.as_str()).collect();
    if wanted.is_empty() {
        return None;
    }
    Some(Bytes::from(format!("{{\"Index\":{},\"Events\":[{}]}}\n", batch.index, wanted.join(","))))
}
