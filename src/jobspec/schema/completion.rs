//! The blocks and attributes of a jobspec as a tree, for editors that complete HCL.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::prose::{self, Entry};
use crate::jobspec::decode::JOB;
use crate::jobspec::decode::schema::{Kind, Shape, Stanza};
use crate::jobspec::drivers;
use crate::jobspec::hcl::function_names;

/// `{"blocks": {"job": {"labels": 1, "description": ..., "attributes": {...}, "blocks": {...}}}, "functions": [...], "drivers": {...}}`; each
/// attribute with its kind, its default and what it means.
pub fn completion() -> Json {
    let variable = json!({
        "labels": 1,
        "attributes": { "type": { "kind": "type" }, "default": { "kind": "any" }, "description": { "kind": "string" } },
        "blocks": { "validation": { "labels": 0, "attributes": { "condition": { "kind": "bool" }, "error_message": { "kind": "string" } } } },
    });
    let prose = prose::entries();
    let mut functions: Vec<&str> = function_names().collect();
    functions.sort_unstable();
    json!({
        "blocks": {
            "job": stanza(&JOB, "job", 1, &prose),
            "variable": variable,
            "variables": { "labels": 0, "open": true },
            "locals": { "labels": 0, "open": true },
        },
        "functions": functions,
        "drivers": drivers::description(&prose::of_drivers()),
    })
}

type Prose = BTreeMap<&'static str, Entry>;

fn stanza(stanza_: &'static Stanza, name: &str, labels: usize, prose: &Prose) -> Json {
    let mut attributes = Map::new();
    for attribute in stanza_.attributes {
        let mut described = Map::new();
        described.insert("kind".to_owned(), kind_name(attribute.kind).into());
        if let Kind::OneOf(names) = attribute.kind {
            described.insert("values".to_owned(), names.into());
        }
        if attribute.kind.is_map() {
            described.insert("block".to_owned(), true.into());
        }
        if stanza_.required.contains(&attribute.name) {
            described.insert("required".to_owned(), true.into());
        }
        if let Some(entry) = prose.get(format!("{name}.{}", attribute.name).as_str()) {
            described.insert("description".to_owned(), entry.text.into());
            if !entry.default.is_empty() {
                described.insert("default".to_owned(), entry.default.into());
            }
        }
        attributes.insert(attribute.name.to_owned(), described.into());
    }
    let mut blocks = Map::new();
    for child in stanza_.children.iter().filter(|child| child.refused.is_none()) {
        let labels = usize::from(matches!(child.shape, Shape::Labelled(_) | Shape::Keyed));
        let mut described = stanza(child.stanza, child.name, labels, prose);
        if let Some(described) = described.as_object_mut() {
            described.insert("repeatable".to_owned(), (!matches!(child.shape, Shape::One)).into());
        }
        blocks.insert(child.name.to_owned(), described);
    }
    let mut described = json!({ "labels": labels, "attributes": attributes });
    if let Some(described) = described.as_object_mut() {
        if let Some(entry) = prose.get(name) {
            described.insert("description".to_owned(), entry.text.into());
        }
        if !blocks.is_empty() {
            described.insert("blocks".to_owned(), blocks.into());
        }
    }
    described
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::OneOf(_) => "string",
        Kind::Bool => "bool",
        Kind::Int | Kind::Float => "number",
        Kind::Duration => "duration",
        Kind::Texts => "list(string)",
        Kind::Ints => "list(number)",
        Kind::TextMap => "map(string)",
        Kind::TextsMap => "map(list(string))",
        Kind::Config => "map(any)",
    }
}
