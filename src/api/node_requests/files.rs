//! `/v1/client/fs`: directories, files and logs of an allocation.

use super::{named, node_of_allocation};
use crate::api::ApiError;
use crate::api::call::{Answer, Call};
use crate::api::framing;
use crate::api::handles::{FileInfo, LogKind, LogRequest, Origin};
use crate::api::types::files::FsEntry;

impl From<FileInfo> for FsEntry {
    fn from(info: FileInfo) -> Self {
        Self {
            name: info.name,
            is_dir: info.is_dir,
            size: i64::try_from(info.size).unwrap_or(i64::MAX),
            file_mode: info.mode,
            mod_time: info.modified.rfc3339(),
            content_type: info.content_type,
        }
    }
}

pub async fn list(call: Call) -> Answer {
    let (id, node) = node_of_allocation(&call).await?;
    // The allocation's directory itself when no path is given.
    let path = call.query.get("path").filter(|path| !path.is_empty()).unwrap_or("/").to_owned();
    let entries: Vec<FsEntry> = node.list_files(id, path).await?.into_iter().map(Into::into).collect();
    call.plain(&entries)
}

pub async fn stat(call: Call) -> Answer {
    let path = required_path(&call)?;
    let (id, node) = node_of_allocation(&call).await?;
    call.plain(&FsEntry::from(node.stat_file(id, path).await?))
}

pub async fn cat(call: Call) -> Answer {
    let path = required_path(&call)?;
    let (id, node) = node_of_allocation(&call).await?;
    Ok(framing::bytes(node.read_file(id, path, 0, None).await?))
}

/// `offset` and `limit` in bytes; without a limit, to the end.
pub async fn read_at(call: Call) -> Answer {
    let path = required_path(&call)?;
    let offset = call.query.number("offset")?.ok_or_else(|| ApiError::bad_request("must provide an offset"))?;
    let limit = call.query.number("limit")?.filter(|limit| *limit > 0);
    let (id, node) = node_of_allocation(&call).await?;
    Ok(framing::bytes(node.read_file(id, path, offset, limit).await?))
}

/// `follow` (default true), `origin`, `offset`, `plain`.
pub async fn follow(call: Call) -> Answer {
    let path = required_path(&call)?;
    let follow = call.query.flag("follow", true)?;
    let plain = call.query.flag("plain", false)?;
    let origin = origin(&call)?;
    let offset = call.query.number("offset")?.unwrap_or(0);
    let (id, node) = node_of_allocation(&call).await?;
    let frames = node.follow_file(id, path, origin, offset, follow).await?;
    Ok(if plain { framing::plain(&call.api, frames) } else { framing::framed(&call.api, frames) })
}

/// `task`, `type=stdout|stderr`, `follow` (default false), `origin`, `offset`, `plain`.
pub async fn logs(call: Call) -> Answer {
    let task = named(call.query.get("task")).ok_or_else(|| ApiError::bad_request("must provide task name"))?;
    let kind = match call.query.get("type") {
        Some("stdout") => LogKind::Stdout,
        Some("stderr") => LogKind::Stderr,
        _ => return Err(ApiError::bad_request("must provide log type (stdout/stderr)")),
    };
    let follow = call.query.flag("follow", false)?;
    let plain = call.query.flag("plain", false)?;
    let origin = origin(&call)?;
    let offset = call.query.number("offset")?.unwrap_or(0);
    let (alloc, node) = node_of_allocation(&call).await?;
    let frames = node.logs(LogRequest { alloc, task, kind, follow, origin, offset }).await?;
    Ok(if plain { framing::plain(&call.api, frames) } else { framing::framed(&call.api, frames) })
}

fn required_path(call: &Call) -> Result<String, ApiError> {
    named(call.query.get("path")).ok_or_else(|| ApiError::bad_request("must provide a file name"))
}

fn origin(call: &Call) -> Result<Origin, ApiError> {
    match call.query.get("origin") {
        None | Some("" | "start") => Ok(Origin::Start),
        Some("end") => Ok(Origin::End),
        Some(_) => Err(ApiError::bad_request("origin must be start or end")),
    }
}
