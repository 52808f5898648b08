//! `GET /v1/agent/monitor`: the agent's log as it is written.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio_stream::wrappers::ReceiverStream;

use crate::api::ApiError;
use crate::api::call::{Answer, Call};
use crate::api::framing;
use crate::api::handles::{FileFrame, LogLevel, NodeError};
use crate::model::NodeId;

/// `log_level` (default info), `log_json` for lines of JSON, `plain` for bare text instead of frames. `node_id` and `server_id` may
/// name this agent; other agents are asked at their own address.
pub async fn monitor(call: Call) -> Answer {
    let level = call.query.get("log_level").filter(|level| !level.is_empty()).unwrap_or("info");
    let level = LogLevel::parse(level).ok_or_else(|| ApiError::bad_request(format!("Unknown log level: {level}")))?;
    require_this_agent(&call)?;
    let as_json = call.query.flag("log_json", false)?;
    let plain = call.query.flag("plain", false)?;
    let lines = ReceiverStream::new(call.api.agent.log_lines(level));
    let frames: BoxStream<'static, Result<FileFrame, NodeError>> = lines
        .map(move |line| {
            let mut text = if as_json { line.json } else { line.text };
            text.push('\n');
            Ok(FileFrame { file: String::new(), offset: 0, data: Bytes::from(text), event: None })
        })
        .boxed();
    Ok(if plain { framing::plain(&call.api, frames) } else { framing::framed(&call.api, frames) })
}

fn require_this_agent(call: &Call) -> Result<(), ApiError> {
    if let Some(asked) = call.query.get("node_id").filter(|id| !id.is_empty()) {
        let id: NodeId = asked.parse().map_err(|_| ApiError::not_found("node not found"))?;
        if call.api.nodes.local().is_none_or(|node| node.node_id() != id) {
            return Err(ApiError::not_found("No path to node"));
        }
    }
    if let Some(asked) = call.query.get("server_id").filter(|id| !id.is_empty()) {
        let status = call.api.server.status();
        let is_this = asked == status.name || (asked == "leader" && status.is_leader);
        if !is_this {
            return Err(ApiError::not_found(format!("server {asked:?} is another agent: ask it at its own address")));
        }
    }
    Ok(())
}
