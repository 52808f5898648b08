//! Node pools. The two built-in ones, and those that nodes named for themselves; there is nothing to configure in a pool.

use std::collections::BTreeSet;

use serde::Serialize;

use super::call::{Answer, Call};
use super::convert::node::{self, StubFields};
use super::page::Page;
use super::{ApiError, nodes, page};
use crate::model::Text;
use crate::state::{State, Table};

const ALL: &str = "all";
const DEFAULT: &str = "default";

/// A pool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NodePool {
    name: String,
    description: &'static str,
    meta: Option<()>,
    scheduler_configuration: Option<()>,
    create_index: u64,
    modify_index: u64,
}

impl NodePool {
    fn new(name: &str) -> Self {
        let description = match name {
            ALL => "Node pool with all nodes in the cluster.",
            DEFAULT => "Default node pool.",
            _ => "",
        };
        Self { name: name.to_owned(), description, meta: None, scheduler_configuration: None, create_index: 1, modify_index: 1 }
    }
}

fn names(state: &State) -> BTreeSet<Text> {
    state.nodes().map(|node| node.pool.clone()).filter(|name| !name.is_empty()).chain([ALL.into(), DEFAULT.into()]).collect()
}

pub async fn list(call: Call) -> Answer {
    let prefix = call.query.get("prefix").unwrap_or_default().to_owned();
    let view = call.view_of_tables(&[Table::Nodes]).await?;
    call.rendered(&view, move |state| {
        let pools = names(state).iter().filter(|name| name.starts_with(&prefix)).map(|name| NodePool::new(name)).collect();
        Ok(Page { rows: pools, next_token: None })
    })
    .await
}

pub async fn read(call: Call) -> Answer {
    let view = call.view_of_tables(&[Table::Nodes]).await?;
    require(&view.state, call.parameter())?;
    call.found(&view, &NodePool::new(call.parameter()))
}

pub async fn nodes(call: Call) -> Answer {
    let list = call.query.list()?;
    let name = call.parameter().to_owned();
    let fields = StubFields { resources: call.query.flag("resources", false)?, os: call.query.flag("os", false)? };
    let view = call.view_of_tables(&[Table::Nodes]).await?;
    require(&view.state, &name)?;
    call.rendered(&view, move |state| {
        let rows = nodes::rows(state, &list.prefix, |node| name == ALL || *node.pool == *name);
        let page = page::cut(rows, &list, |node| list.keeps(|_| nodes::full_json(node)))?;
        Ok(Page { rows: page.rows.into_iter().map(|row| node::stub(row, fields)).collect(), next_token: page.next_token })
    })
    .await
}

fn require(state: &State, name: &str) -> Result<(), ApiError> {
    if names(state).contains(name) { Ok(()) } else { Err(ApiError::not_found("node pool not found")) }
}
