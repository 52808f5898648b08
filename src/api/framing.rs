//! Followed files and logs on the wire: frames of JSON one after the other, or bare bytes.
//!
//! A frame carries up to 64 KiB. While nothing happens, `{}` goes out every second, so that both ends notice a dead connection.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::ApiContext;
use super::handles::{ByteStream, FileFrame, FrameStream, NodeError};
use super::types::files::StreamFrame;

/// The most bytes of a file in one frame.
const MAX_FRAME: usize = 64 * 1024;
/// How long a stream may be silent.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A stream as frames. An error after the first byte can only end the connection.
pub fn framed(context: &ApiContext, frames: FrameStream) -> Response {
    let follower = Follower { context: context.clone(), frames, pieces: VecDeque::new() };
    respond("application/json", Body::from_stream(stream::unfold(follower, Follower::next)))
}

/// A followed stream with the pieces of its last frame that are still to be sent.
struct Follower {
    context: ApiContext,
    frames: FrameStream,
    pieces: VecDeque<StreamFrame>,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Bytes, NodeError>, Self)> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some((Ok(encode(&piece)), self));
            }
            tokio::select! {
                frame = self.frames.next() => match frame? {
                    Ok(frame) => self.pieces.extend(split(frame)),
                    Err(error) => return Some((Err(error), self)),
                },
                () = tokio::time::sleep(HEARTBEAT) => return Some((Ok(Bytes::from_static(b"{}")), self)),
                () = self.context.stopped() => return None,
            }
        }
    }
}

/// A stream's bytes alone. Without heartbeats: any byte would be part of the file.
pub fn plain(context: &ApiContext, frames: FrameStream) -> Response {
    let context = context.clone();
    let bytes = frames
        .filter_map(|frame| async move {
            match frame {
                Ok(frame) if frame.data.is_empty() => None,
                Ok(frame) => Some(Ok(frame.data)),
                Err(error) => Some(Err(error)),
            }
        })
        .take_until(Box::pin(async move { context.stopped().await }));
    respond("text/plain; charset=utf-8", Body::from_stream(bytes))
}

/// A file's bytes.
pub fn bytes(content: ByteStream) -> Response {
    respond("text/plain; charset=utf-8", Body::from_stream(content))
}

fn respond(content_type: &'static str, body: Body) -> Response {
    ([(CONTENT_TYPE, content_type)], body).into_response()
}

/// One frame as JSON.
fn encode(frame: &StreamFrame) -> Bytes {
    serde_json::to_vec(frame).map_or_else(|_| Bytes::from_static(b"{}"), Bytes::from)
}

/// Cuts a frame into pieces that are small enough; each keeps the offset that its last byte ends at.
fn split(frame: FileFrame) -> Vec<StreamFrame> {
    let file_event = frame.event.map(|event| event.name().to_owned()).unwrap_or_default();
    let mut start = frame.offset.saturating_sub(frame.data.len() as u64);
    let mut pieces: Vec<StreamFrame> = frame
        .data
        .chunks(MAX_FRAME)
        .map(|chunk| {
            start += chunk.len() as u64;
            StreamFrame { offset: start, data: chunk.to_vec(), file: frame.file.clone(), file_event: String::new() }
        })
        .collect();
    match pieces.last_mut() {
        Some(last) => last.file_event = file_event,
        None => pieces.push(StreamFrame { offset: frame.offset, data: Vec::new(), file: frame.file, file_event }),
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::handles::FileEvent;

    #[test]
    fn large_frames_are_cut_and_keep_their_offsets() {
        let data = Bytes::from(vec![7; MAX_FRAME * 2 + 5]);
        let end = 100 + data.len() as u64;
        let pieces = split(FileFrame { file: "web.stdout.0".into(), offset: end, data: data.clone(), event: Some(FileEvent::Truncated) });
        assert_eq!(pieces.iter().map(|piece| piece.data.len()).collect::<Vec<_>>(), [MAX_FRAME, MAX_FRAME, 5]);
        assert_eq!(pieces.iter().map(|piece| piece.offset).collect::<Vec<_>>(), [100 + MAX_FRAME as u64, end - 5, end]);
        assert_eq!(pieces.iter().map(|piece| piece.file_event.as_str()).collect::<Vec<_>>(), ["", "", "file truncated"]);
    }
}
