//! What the query strings of the endpoints may hold, for the document.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::api::routes::ROUTES;

/// One parameter of query strings.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    /// A type of JSON Schema.
    kind: &'static str,
    text: &'static str,
}

macro_rules! parameters {
    ($($name:literal $kind:ident $text:literal;)*) => {
        &[$(Parameter { name: $name, kind: stringify!($kind), text: $text }),*]
    };
}

/// Every parameter there is, by name: one name means one thing everywhere.
pub static PARAMETERS: &[Parameter] = parameters! {
    "address" string "A server's address, host:port";
    "all" boolean "Also what belongs to an earlier job of the same name";
    "cas" integer "Only if the object was last changed at this index";
    "consistent" boolean "Have the leader confirm with a quorum that it still leads before it answers";
    "diagnostics" boolean "Answer errors as a list of diagnostics in JSON";
    "diffs" boolean "Also what changed from version to version";
    "eval_priority" integer "Priority of the evaluation, 1 to 100";
    "filter" string "An expression that rows must fulfil, such as `Status == \"running\"`";
    "follow" boolean "Go on as the file grows";
    "force" boolean "Without waiting for members that have not heard of the last step";
    "format" string "`prometheus` for its text format";
    "id" string "A server's id";
    "idempotency_token" string "A second request with the same token launches nothing";
    "index" integer "Wait until the answer is newer than this index (X-Nomad-Index of an earlier answer)";
    "job" string "Only those of this job";
    "limit" integer "At most this many bytes";
    "log_json" boolean "Lines of JSON";
    "log_level" string "The least severe level shown: trace, debug, info, warn or error";
    "meta" boolean "Also the metadata of jobs";
    "namespace" string "The namespace; `*` for all of them in lists. `default` when left out";
    "next_token" string "Where the page begins (X-Nomad-NextToken of the page before)";
    "no_shutdown_delay" boolean "Stop without waiting for `shutdown_delay`";
    "node" string "Id or name of a server or node";
    "node_id" string "The node that is asked";
    "offset" integer "Begin at this byte";
    "origin" string "What `offset` counts from: `start` or `end`";
    "os" boolean "Also the operating system of nodes";
    "path" string "A path below the allocation's directory";
    "per_page" integer "At most this many rows";
    "plain" boolean "The bytes themselves instead of frames of JSON";
    "prefix" string "Only ids that begin with this";
    "purge" boolean "Forget the job instead of keeping it as stopped";
    "related" boolean "Also the evaluations that came of the same cause";
    "resources" boolean "Also resources";
    "reverse" boolean "The last first";
    "server_id" string "The server that is asked";
    "stale" boolean "Any server may answer from what it has";
    "status" string "Only those of this status";
    "task" string "The task";
    "task_states" boolean "Also the states of tasks (the default)";
    "topic" string "What is followed, `Topic:key` or `Topic`; may be repeated";
    "type" string "Which one: `stdout` or `stderr` of logs, `server` or `client` of an agent";
    "version" integer "A version of the job";
    "wait" string "How long `index` waits at most, such as `30s`; 5 minutes by default and at most";
};

/// Names that stand for several in the list of routes.
const GROUPS: &[(&str, &[&str])] =
    &[("blocking", &["index", "wait", "stale", "consistent"]), ("list", &["prefix", "filter", "per_page", "next_token", "reverse"])];

/// The parameters that a route's names stand for. A test walks every route: each is described.
pub fn named(names: &[&'static str]) -> Vec<&'static Parameter> {
    expanded(names).filter_map(|name| PARAMETERS.iter().find(|parameter| parameter.name == name)).collect()
}

fn expanded(names: &[&'static str]) -> impl Iterator<Item = &'static str> {
    names.iter().flat_map(|name| match GROUPS.iter().find(|(group, _)| group == name) {
        Some((_, members)) => members.to_vec(),
        None => vec![*name],
    })
}

impl Parameter {
    pub fn describe(&self) -> Value {
        json!({ "name": self.name, "in": "query", "description": self.text, "schema": { "type": self.kind } })
    }
}

/// The first string behind each of `calls`.
fn names_after<'a>(text: &'a str, call: &str) -> Vec<&'a str> {
    text.match_indices(call).filter_map(|(at, _)| text[at + call.len()..].split('"').next()).collect()
}

fn read_by(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") && !path.ends_with("client") {
            read_by(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for call in ["query.get(\"", "query.flag(\"", "query.number(\"", "query.all(\""] {
                found.extend(names_after(&text, call).into_iter().map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_parameter_that_is_read_is_described_and_every_described_one_used() {
    let mut read = BTreeSet::new();
    read_by(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api")), &mut read);
    assert!(read.contains("purge"), "{read:?}");
    // Understood by the router, for every endpoint.
    read.remove("region");
    let used: BTreeSet<String> = ROUTES.iter().flat_map(|route| expanded(route.documented.parameters)).map(str::to_owned).collect();
    assert_eq!(read.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "read, but in no route of the list");
    let described: BTreeSet<String> = PARAMETERS.iter().map(|parameter| parameter.name.to_owned()).collect();
    assert_eq!(described, used, "described (left) and used in the list of routes (right)");
}
