//! Node pools: the two built-in ones, those that somebody wrote down, and those that nodes named for themselves.

use std::collections::BTreeSet;

use super::call::{Answer, Call};
use super::convert::node::{self, StubFields};
use super::page::{NamedKey, Page};
use super::{ApiError, convert, job_json, jobs, nodes, page};
use crate::api::types::node::NodePool;
use crate::model::node_pool::{ALL, BUILT_IN};
use crate::model::{Job, Text};
use crate::state::{State, Table};

/// What a pool is known by.
const TABLES: [Table; 2] = [Table::Nodes, Table::NodePools];
/// Characters.
const LONGEST_NAME: usize = 128;
const LONGEST_DESCRIPTION: usize = 256;

fn names(state: &State) -> BTreeSet<Text> {
    let named = state.nodes().map(|node| node.pool.clone()).filter(|name| !name.is_empty());
    named.chain(state.node_pools().map(|pool| pool.name.clone())).chain(BUILT_IN.map(Text::from)).collect()
}

fn pool(state: &State, name: &str) -> NodePool {
    state.node_pool(name).map_or_else(|| convert::node_pool::unwritten(name), |pool| NodePool::from(&**pool))
}

pub async fn list(call: Call) -> Answer {
    let prefix = call.query.get("prefix").unwrap_or_default().to_owned();
    let view = call.view_of_tables(&TABLES).await?;
    call.rendered(&view, move |state| {
        let pools = names(state).iter().filter(|name| name.starts_with(&prefix)).map(|name| pool(state, name)).collect();
        Ok(Page { rows: pools, next_token: None })
    })
    .await
}

pub async fn read(call: Call) -> Answer {
    let view = call.view_of_tables(&TABLES).await?;
    require(&view.state, call.parameter())?;
    call.found(&view, &pool(&view.state, call.parameter()))
}

/// The path may leave the name to the body.
pub async fn write(call: Call) -> Answer {
    let mut request: NodePool = call.json()?;
    if !call.parameter().is_empty() {
        if request.name.is_empty() {
            request.name = call.parameter().to_owned();
        }
        if request.name != call.parameter() {
            return Err(ApiError::bad_request("Node pool name does not match request path"));
        }
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if request.name.is_empty() || request.name.len() > LONGEST_NAME || !request.name.chars().all(is_name) {
        let message = format!("invalid node pool name {:?}: 1 to {LONGEST_NAME} letters, digits, '-' and '_'", request.name);
        return Err(ApiError::bad_request(message));
    }
    if request.description.chars().count() > LONGEST_DESCRIPTION {
        return Err(ApiError::bad_request(format!("the description has more than {LONGEST_DESCRIPTION} characters")));
    }
    let pool = convert::node_pool::from_request(&request)
        .map_err(|name| ApiError::bad_request(format!("invalid scheduler algorithm {name:?}: expected \"binpack\" or \"spread\"")))?;
    let index = call.api.server.upsert_node_pool(pool).await?;
    call.written(index, &())
}

pub async fn delete(call: Call) -> Answer {
    let index = call.api.server.delete_node_pool(call.parameter().into()).await?;
    call.written(index, &())
}

pub async fn nodes(call: Call) -> Answer {
    let list = call.query.list()?;
    let name = call.parameter().to_owned();
    let fields = StubFields { resources: call.query.flag("resources", false)?, os: call.query.flag("os", false)? };
    let view = call.view_of_tables(&TABLES).await?;
    require(&view.state, &name)?;
    call.rendered(&view, move |state| {
        let rows = nodes::rows(state, &list.prefix, |node| name == ALL || *node.pool == *name);
        let page = page::cut(rows, &list, |node| list.keeps(|_| nodes::full_json(node)))?;
        Ok(Page { rows: page.rows.into_iter().map(|row| node::stub(row, fields)).collect(), next_token: page.next_token })
    })
    .await
}

pub async fn jobs(call: Call) -> Answer {
    let list = call.query.list()?;
    if !list.prefix.is_empty() {
        return Err(ApiError::bad_request("prefix is not supported here"));
    }
    let name = call.parameter().to_owned();
    let namespace = call.query.namespace();
    let with_meta = call.query.flag("meta", false)?;
    let [first, second, third] = jobs::list::TABLES;
    let view = call.view_of_tables(&[first, second, third, Table::Nodes, Table::NodePools]).await?;
    require(&view.state, &name)?;
    call.rendered(&view, move |state| {
        let wanted = |job: &Job| namespace.includes(&job.key.namespace) && *job.node_pool == *name;
        let rows = state.jobs().filter(|job| wanted(job)).map(|job| (NamedKey(job.key.clone()), job)).collect();
        let page = page::cut(rows, &list, |job| list.keeps(|_| job_json::to_value(job)))?;
        Ok(Page { rows: page.rows.into_iter().map(|job| convert::job::stub(state, job, with_meta)).collect(), next_token: page.next_token })
    })
    .await
}

fn require(state: &State, name: &str) -> Result<(), ApiError> {
    if names(state).contains(name) { Ok(()) } else { Err(ApiError::not_found("node pool not found")) }
}
