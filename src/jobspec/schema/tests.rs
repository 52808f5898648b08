use serde_json::Value as Json;

use super::{completion, json_schema};
use crate::jobspec::json::job_to_value;
use crate::jobspec::{VariableSources, parse_hcl};

/// The parts of `value` that `schema` does not allow: as much of the standard as the schema uses.
fn violations(root: &Json, schema: &Json, value: &Json, path: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
        let name = reference.rsplit('/').next().unwrap();
        return violations(root, &root["$defs"][name], value, path, found);
    }
    if let Some(any) = schema.get("anyOf").and_then(Json::as_array) {
        let fits = any.iter().any(|option| {
            let mut inner = Vec::new();
            violations(root, option, value, path, &mut inner);
            inner.is_empty()
        });
        if !fits {
            // The first option says more than that none fits.
            violations(root, &any[0], value, path, found);
        }
        return;
    }
    let kind = match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    let types: Vec<&str> = match &schema["type"] {
        Json::String(single) => vec![single],
        Json::Array(types) => types.iter().filter_map(Json::as_str).collect(),
        _ => panic!("{path}: no type in {schema}"),
    };
    if !types.contains(&kind) {
        found.push(format!("{path}: {kind} is not one of {types:?}"));
    }
    if let Some(names) = schema.get("enum").and_then(Json::as_array)
        && !names.contains(value)
    {
        found.push(format!("{path}: {value} is not one of {names:?}"));
    }
    for (name, item) in value.as_object().into_iter().flatten() {
        if let Some(inner) = schema["properties"].get(name).or_else(|| schema.get("additionalProperties")) {
            violations(root, inner, item, &format!("{path}.{name}"), found);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        violations(root, &schema["items"], item, path, found);
    }
}

#[test]
fn every_example_conforms_and_a_wrong_job_does_not() {
    let schema = json_schema();
    let job = &schema["$defs"]["job"];
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("jobspecs");
    let mut seen = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Ok(parsed) = parse_hcl(&text, "x", &VariableSources::default()) else { continue };
        let mut found = Vec::new();
        violations(&schema, job, &job_to_value(&parsed.job), "job", &mut found);
        assert!(found.is_empty(), "{found:#?}");
        seen += 1;
    }
    assert!(seen >= 10);
    let wrong = serde_json::json!({ "ID": 5, "Type": "sevice", "TaskGroups": [{ "Tasks": [{ "Driver": [] }] }] });
    let mut found = Vec::new();
    violations(&schema, job, &wrong, "job", &mut found);
    assert_eq!(found.len(), 3, "{found:#?}");
}

#[test]
fn editors_are_told_of_blocks_attributes_and_choices() {
    let tree = completion();
    let group = &tree["blocks"]["job"]["blocks"]["group"];
    assert_eq!(group["labels"], 1);
    assert_eq!(group["blocks"]["restart"]["attributes"]["mode"]["values"], serde_json::json!(["fail", "delay"]));
    assert_eq!(group["blocks"]["task"]["attributes"]["env"]["block"], true);
    assert!(tree["functions"].as_array().unwrap().iter().any(|name| name == "cidrsubnet"));
    assert_eq!(tree["drivers"]["docker"]["image"]["required"], true);
}
