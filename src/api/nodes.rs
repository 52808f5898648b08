//! Nodes: lists, one node, and what operators do to it.

use std::sync::Arc;
use std::time::Duration;

use super::ApiError;
use super::call::{Answer, Call, View};
use super::convert::allocation;
use super::convert::node::{self, StubFields};
use super::handles::{Drain, NodeChange};
use super::page::{self, IdKey, Page};
use super::types::node::{Node, NodeDrainRequest, NodeEligibilityRequest, NodeUpdateResponse};
use crate::model::{self, Eligibility, NodeId};
use crate::state::{State, Table};

const NOT_FOUND: &str = "node not found";

/// `resources=true` and `os=true` add to each row.
pub async fn list(call: Call) -> Answer {
    let list = call.query.list()?;
    let fields = StubFields { resources: call.query.flag("resources", false)?, os: call.query.flag("os", false)? };
    let view = call.view_of_tables(&[Table::Nodes]).await?;
    call.rendered(&view, move |state| {
        let page = page::cut(rows(state, &list.prefix, |_| true), &list, |node| list.keeps(|_| full_json(node)))?;
        Ok(Page { rows: page.rows.into_iter().map(|row| node::stub(row, fields)).collect(), next_token: page.next_token })
    })
    .await
}

/// Nodes whose id begins with `prefix`, as the pages want them.
pub fn rows<'a>(state: &'a State, prefix: &str, wanted: impl Fn(&model::Node) -> bool) -> Vec<(IdKey<NodeId>, &'a Arc<model::Node>)> {
    let matching = state.nodes().filter(|node| (prefix.is_empty() || node.id.to_string().starts_with(prefix)) && wanted(node));
    matching.map(|node| (IdKey(node.id), node)).collect()
}

/// What filters look at.
pub fn full_json(node: &model::Node) -> serde_json::Value {
    serde_json::to_value(Node::from(node)).unwrap_or_default()
}

pub async fn read(call: Call) -> Answer {
    let id: NodeId = call.id(NOT_FOUND)?;
    let view = view_of_node(&call, id).await?;
    let node = view.state.node(id).ok_or_else(|| ApiError::not_found(NOT_FOUND))?;
    call.found(&view, &Node::from(&**node))
}

async fn view_of_node(call: &Call, id: NodeId) -> Result<View, ApiError> {
    call.view(&[Table::Nodes], |state| state.node(id).map_or_else(|| state.table_index(Table::Nodes), |node| node.modify_index)).await
}

/// In full, as the autoscaler and the web interface expect here.
pub async fn allocations(call: Call) -> Answer {
    let id: NodeId = call.id(NOT_FOUND)?;
    let view = call.view_of_tables(&[Table::Allocations]).await?;
    call.rendered(&view, move |state| {
        let mut rows: Vec<_> = state.allocations_on_node(id).collect();
        rows.sort_unstable_by_key(|row| row.id);
        let rows = rows.into_iter().map(|row| allocation::full_in(state, row, true)).collect();
        Ok(Page { rows, next_token: None })
    })
    .await
}

pub async fn evaluate(call: Call) -> Answer {
    let change = call.api.server.evaluate_node(call.id(NOT_FOUND)?).await?;
    changed(&call, &change)
}

pub async fn set_eligibility(call: Call) -> Answer {
    let request: NodeEligibilityRequest = call.json()?;
    let eligibility = [Eligibility::Eligible, Eligibility::Ineligible]
        .into_iter()
        .find(|eligibility| eligibility.name() == request.eligibility)
        .ok_or_else(|| ApiError::bad_request(format!("invalid scheduling eligibility {:?}", request.eligibility)))?;
    let change = call.api.server.set_node_eligibility(call.id(NOT_FOUND)?, eligibility).await?;
    changed(&call, &change)
}

pub async fn drain(call: Call) -> Answer {
    let request: NodeDrainRequest = call.json()?;
    let drain = request.drain_spec.map(|spec| Drain {
        deadline: match spec.deadline {
            0 => None,
            nanoseconds => Some(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))),
        },
        ignore_system_jobs: spec.ignore_system_jobs,
    });
    let change = call.api.server.drain_node(call.id(NOT_FOUND)?, drain, request.mark_eligible).await?;
    changed(&call, &change)
}

pub async fn purge(call: Call) -> Answer {
    let change = call.api.server.purge_node(call.id(NOT_FOUND)?).await?;
    changed(&call, &change)
}

fn changed(call: &Call, change: &NodeChange) -> Answer {
    let response = NodeUpdateResponse {
        eval_ids: change.eval_ids.iter().map(ToString::to_string).collect(),
        eval_create_index: if change.eval_ids.is_empty() { 0 } else { change.index },
        node_modify_index: change.index,
        index: change.index,
    };
    call.written(change.index, &response)
}
