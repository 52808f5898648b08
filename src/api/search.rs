//! `PUT /v1/search`: what begins with a prefix, as command lines complete ids.

use std::fmt::Display;

use super::ApiError;
use super::call::{Answer, Call};
use super::query::Namespace;
use super::types::search::{SearchRequest, SearchResponse};
use crate::state::{State, Table};

/// The most matches per context.
const LIMIT: usize = 20;
const CONTEXTS: [&str; 7] = ["jobs", "evals", "allocs", "nodes", "deployment", "node_pools", "namespaces"];
const TABLES: [Table; 5] = [Table::Jobs, Table::Evaluations, Table::Allocations, Table::Nodes, Table::Deployments];

pub async fn search(call: Call) -> Answer {
    let request: SearchRequest = call.json()?;
    let asked: Vec<&str> = match request.context.as_str() {
        "" | "all" => CONTEXTS.to_vec(),
        one => vec![
            *CONTEXTS
                .iter()
                .find(|context| **context == one)
                .ok_or_else(|| ApiError::bad_request(format!("context must be one of {CONTEXTS:?} or \"all\"; got {one:?}")))?,
        ],
    };
    let view = call.view_of_tables(&TABLES).await?;
    let mut response = SearchResponse { index: view.index, ..SearchResponse::default() };
    for context in asked {
        let (found, truncated) = matches(&view.state, context, &request.prefix, &call.query.namespace());
        // With "all", contexts without a match are left out: the answer lists what was found.
        if !found.is_empty() || request.context == context {
            response.matches.insert(context.to_owned(), found);
        }
        response.truncations.insert(context.to_owned(), truncated);
    }
    call.found(&view, &response)
}

fn matches(state: &State, context: &str, prefix: &str, namespace: &Namespace) -> (Vec<String>, bool) {
    match context {
        "jobs" => first(state.jobs().filter(|row| namespace.includes(&row.key.namespace)).map(|row| &row.key.id), prefix),
        "evals" => first(state.evaluations().filter(|row| namespace.includes(&row.job.namespace)).map(|row| row.id), prefix),
        "allocs" => first(state.allocations().filter(|row| namespace.includes(&row.job.key.namespace)).map(|row| row.id), prefix),
        "deployment" => first(state.deployments().filter(|row| namespace.includes(&row.job.key.namespace)).map(|row| row.id), prefix),
        "nodes" => nodes(state, prefix),
        "node_pools" => {
            let mut pools: Vec<_> = state.nodes().map(|node| node.pool.to_string()).chain(["all".into(), "default".into()]).collect();
            pools.sort_unstable();
            pools.dedup();
            first(pools.into_iter(), prefix)
        }
        _ => first(["default"].into_iter(), prefix),
    }
}

/// Nodes by the beginning of their id, or else of their name.
fn nodes(state: &State, prefix: &str) -> (Vec<String>, bool) {
    let by_id = first(state.nodes().map(|node| node.id), prefix);
    if !by_id.0.is_empty() {
        return by_id;
    }
    first(state.nodes().filter(|node| node.name.starts_with(prefix)).map(|node| node.id), "")
}

/// The first matches, and whether there are more.
fn first(names: impl Iterator<Item = impl Display>, prefix: &str) -> (Vec<String>, bool) {
    let mut found: Vec<String> = names.map(|name| name.to_string()).filter(|name| name.starts_with(prefix)).take(LIMIT + 1).collect();
    let truncated = found.len() > LIMIT;
    found.truncate(LIMIT);
    (found, truncated)
}
