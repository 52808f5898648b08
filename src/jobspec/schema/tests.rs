use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;

use super::{completion, json_schema, prose};
use crate::jobspec::decode::JOB;
use crate::jobspec::decode::schema::{Kind, Shape, Stanza};
use crate::jobspec::json::job_to_value;
use crate::jobspec::{VariableSources, parse_hcl};
use crate::util::go_duration;

/// The parts of `value` that `schema` does not allow: as much of the standard as the schema uses.
fn violations(root: &Json, schema: &Json, value: &Json, path: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
        let name = reference.rsplit('/').next().unwrap();
        return violations(root, &root["$defs"][name], value, path, found);
    }
    if let Some(required) = schema.get("if").map(|condition| &condition["required"]) {
        let has = |name: &Json| value.get(name.as_str().unwrap()).is_some();
        let branch = if required.as_array().unwrap().iter().all(has) { "then" } else { "else" };
        return violations(root, &schema[branch], value, path, found);
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
    for whole in [wrong.clone(), serde_json::json!({ "Job": wrong })] {
        found.clear();
        violations(&schema, &schema, &whole, "", &mut found);
        assert_eq!(found.len(), 3, "{found:#?}");
    }
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

/// Every name that the tables know, with the attribute's own when it is one.
fn names_of(stanza: &'static Stanza, name: &str, names: &mut BTreeSet<String>) {
    if !names.insert(name.to_owned()) && stanza.children.is_empty() && stanza.attributes.is_empty() {
        return;
    }
    names.extend(stanza.attributes.iter().map(|attribute| format!("{name}.{}", attribute.name)));
    for child in stanza.children.iter().filter(|child| child.refused.is_none()) {
        names_of(child.stanza, child.name, names);
    }
}

#[test]
fn every_block_and_attribute_is_explained_and_nothing_else() {
    let mut known = BTreeSet::new();
    names_of(&JOB, "job", &mut known);
    let explained: BTreeSet<String> = prose::entries().into_keys().map(str::to_owned).collect();
    assert_eq!(known.difference(&explained).collect::<Vec<_>>(), Vec::<&String>::new(), "not explained");
    assert_eq!(explained.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the tables");
}

fn keys_with_text(keys: &Json, path: &str, with: &mut BTreeSet<String>, without: &mut BTreeSet<String>) {
    for (name, about) in keys.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let has_text = about["description"].as_str().is_some_and(|text| text.ends_with('.'));
        if has_text {
            with.insert(path.clone())
        } else {
            without.insert(path.clone())
        };
        keys_with_text(&about["attributes"], &path, with, without);
    }
}

#[test]
fn every_key_of_every_driver_is_explained_and_nothing_else() {
    let (mut with, mut without) = (BTreeSet::new(), BTreeSet::new());
    for (driver, keys) in completion()["drivers"].as_object().unwrap() {
        keys_with_text(keys, driver, &mut with, &mut without);
    }
    assert!(without.is_empty(), "not explained: {without:?}");
    let explained: BTreeSet<String> = prose::of_drivers().into_keys().map(str::to_owned).collect();
    assert_eq!(explained.difference(&with).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the tables");
}

/// A job that has every block whose attributes have defaults, with as little in it as is allowed.
const EMPTY_BLOCKS: &str = r#"
job "j" {
  affinity {}
  spread {
    attribute = "a"
  }
  constraint {}
  periodic {}
  parameterized {}
  group "g" {
    restart {}
    reschedule {}
    update {}
    migrate {}
    disconnect {}
    ephemeral_disk {}
    network {
      port "p" {}
    }
    service {
      weights {}
      check {
        type = "tcp"
        check_restart {}
      }
      connect {
        sidecar_service {}
      }
    }
    volume "v" {
      type = "host"
    }
    scaling {
      max = 1
    }
    task "t" {
      resources {
        device "d" {}
      }
      logs {}
      lifecycle {
        hook = "prestart"
      }
      artifact {
        source = "s"
      }
      template {
        destination = "d"
        change_script {}
      }
      volume_mount {
        volume      = "v"
        destination = "d"
      }
      vault {}
      consul {}
      csi_plugin {}
    }
  }
}"#;

/// As `prose.txt` writes it.
fn shown(kind: Kind, value: &Json) -> String {
    match (kind, value) {
        (_, Json::Null) => String::new(),
        (Kind::Duration, Json::Number(nanos)) => go_duration::format(Duration::from_nanos(nanos.as_u64().unwrap())),
        (_, Json::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// Compares the defaults of a stanza with what one that says as little as possible came out as. Zero is as good as nothing.
fn compare(stanza: &'static Stanza, name: &str, object: &Json, prose: &BTreeMap<&'static str, prose::Entry>, found: &mut Vec<String>) {
    for attribute in stanza.attributes.iter().filter(|attribute| !stanza.required.contains(&attribute.name)) {
        let said = prose[format!("{name}.{}", attribute.name).as_str()].default;
        let is = shown(attribute.kind, &object[attribute.field()]);
        let nothing = ["", "0", "0s", "false", "{}"];
        let says_nothing = nothing.contains(&said) && nothing.contains(&is.as_str());
        // The job's id and name are those of the sample; `scaling.min` is the count.
        let is_sample = is == "j" || format!("{name}.{}", attribute.name) == "scaling.min";
        if !says_nothing && !is_sample && !go_duration::parse(said).is_ok_and(|said| go_duration::parse(&is) == Ok(said)) && said != is {
            found.push(format!("{name}.{}: prose says {said:?}, an empty block has {is:?}", attribute.name));
        }
    }
    for child in stanza.children {
        let inner = match &object[child.field] {
            Json::Array(items) => items.first().cloned().unwrap_or_default(),
            Json::Object(map) if matches!(child.shape, Shape::Keyed) => map.values().next().cloned().unwrap_or_default(),
            other => other.clone(),
        };
        if !inner.is_null() && child.field != "Identity" {
            compare(child.stanza, child.name, &inner, prose, found);
        }
    }
}

#[test]
fn defaults_are_what_empty_blocks_get() {
    let parsed = parse_hcl(EMPTY_BLOCKS, "x", &VariableSources::default()).unwrap();
    let mut found = Vec::new();
    compare(&JOB, "job", &job_to_value(&parsed.job), &prose::entries(), &mut found);
    assert!(found.is_empty(), "{found:#?}");
}
