//! What the node of an allocation answers: files, logs, usage, restart and signal.

pub mod files;

use std::sync::Arc;

use serde_json::json;

use super::ApiError;
use super::call::{Answer, Call, done};
use super::handles::NodeApi;
use super::types::allocation::{AllocationRestartRequest, AllocationSignalRequest};
use crate::model::{AllocId, NodeId};

/// The allocation of the path, and the node to ask about it.
async fn node_of_allocation(call: &Call) -> Result<(AllocId, Arc<dyn NodeApi>), ApiError> {
    let unknown = || ApiError::not_found(format!("Unknown allocation {:?}", call.parameter()));
    let id: AllocId = call.parameter().parse().map_err(|_| unknown())?;
    // The node that holds its directory may know it longer than the cluster's state does.
    if let Some(local) = call.api.nodes.local().filter(|node| node.has_allocation(id)) {
        return Ok((id, local));
    }
    let state = call.api.server.store().load();
    let allocation = state.allocation(id).ok_or_else(unknown)?;
    Ok((id, call.api.path_to_node(allocation.node_id)?))
}

/// `node_id`: another node than this agent's.
pub async fn node_stats(call: Call) -> Answer {
    let node = match call.query.get("node_id").filter(|id| !id.is_empty()) {
        Some(id) => {
            let id: NodeId = id.parse().map_err(|_| ApiError::not_found(format!("Unknown node {id:?}")))?;
            call.api.path_to_node(id)?
        }
        None => call.api.nodes.local().ok_or_else(|| ApiError::bad_request("Missing node ID"))?,
    };
    call.plain(&node.host_stats().await?)
}

/// `task`: only that one.
pub async fn allocation_stats(call: Call) -> Answer {
    let (id, node) = node_of_allocation(&call).await?;
    call.plain(&node.alloc_stats(id, named(call.query.get("task"))).await?)
}

pub async fn restart(call: Call) -> Answer {
    let request: AllocationRestartRequest = call.json_or_default()?;
    let task = named(Some(&request.task_name));
    if request.all_tasks && task.is_some() {
        return Err(ApiError::bad_request("Can't restart all tasks and also a named task"));
    }
    let (id, node) = node_of_allocation(&call).await?;
    node.restart_task(id, task, request.all_tasks).await?;
    call.plain(&json!({}))
}

pub async fn signal(call: Call) -> Answer {
    let request: AllocationSignalRequest = call.json()?;
    if request.signal.is_empty() {
        return Err(ApiError::bad_request("signal must be specified"));
    }
    let (id, node) = node_of_allocation(&call).await?;
    node.signal_task(id, named(Some(&request.task)), request.signal).await?;
    Ok(done())
}

/// An absent name and an empty one both mean none.
fn named(name: Option<&str>) -> Option<String> {
    name.filter(|name| !name.is_empty()).map(str::to_owned)
}
