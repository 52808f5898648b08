//! The blocks and attributes of a jobspec as a tree, for editors that complete HCL.

use serde_json::{Map, Value as Json, json};

use crate::jobspec::decode::JOB;
use crate::jobspec::decode::schema::{Kind, Shape, Stanza};
use crate::jobspec::drivers;
use crate::jobspec::hcl::function_names;

/// `{"blocks": {"job": {"labels": 1, "attributes": {...}, "blocks": {...}}}, "functions": [...], "drivers": {...}}`.
pub fn completion() -> Json {
    let variable = json!({
        "labels": 1,
        "attributes": { "type": { "kind": "type" }, "default": { "kind": "any" }, "description": { "kind": "string" } },
        "blocks": { "validation": { "labels": 0, "attributes": { "condition": { "kind": "bool" }, "error_message": { "kind": "string" } } } },
    });
    let mut functions: Vec<&str> = function_names().collect();
    functions.sort_unstable();
    json!({
        "blocks": {
            "job": stanza(&JOB, 1),
            "variable": variable,
            "variables": { "labels": 0, "open": true },
            "locals": { "labels": 0, "open": true },
        },
        "functions": functions,
        "drivers": drivers::description(),
    })
}

fn stanza(stanza_: &'static Stanza, labels: usize) -> Json {
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
        attributes.insert(attribute.name.to_owned(), described.into());
    }
    let mut blocks = Map::new();
    for child in stanza_.children.iter().filter(|child| child.refused.is_none()) {
        let labels = usize::from(matches!(child.shape, Shape::Labelled(_) | Shape::Keyed));
        let mut described = stanza(child.stanza, labels);
        if let Some(described) = described.as_object_mut() {
            described.insert("repeatable".to_owned(), (!matches!(child.shape, Shape::One)).into());
        }
        blocks.insert(child.name.to_owned(), described);
    }
    let mut described = json!({ "labels": labels, "attributes": attributes });
    if let Some(described) = described.as_object_mut() {
        if !blocks.is_empty() {
            described.insert("blocks".to_owned(), blocks.into());
        }
        if stanza_.open {
            described.insert("open".to_owned(), true.into());
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
        Kind::TextMap => "map(string)",
        Kind::TextsMap => "map(list(string))",
        Kind::Config => "map(any)",
    }
}
