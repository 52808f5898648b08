//! What some stanzas need beyond their tables.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::structure::Body;
use serde_json::{Map, Value as Json, json};

use super::schema::Finish;
use crate::jobspec::hcl::eval::evaluate;
use crate::jobspec::hcl::{Scope, Value};

type Object = Map<String, Json>;
/// A place, when it is known better than the stanza's own, and what is wrong there.
type Wrong = (Option<Range<usize>>, String);

/// Keys that are an operator and its right side in one: `regexp = "..."`.
const COMPARISONS: [&str; 10] = [
    "regexp",
    "version",
    "semver",
    "set_contains",
    "set_contains_all",
    "set_contains_any",
    "is_set",
    "is_not_set",
    "distinct_hosts",
    "distinct_property",
];

/// Whether a stanza with this finish reads the attribute `name` itself.
pub fn takes(finish: Finish, name: &str) -> bool {
    finish == Finish::Comparison && COMPARISONS.contains(&name)
}

pub fn finish(finish: Finish, body: &Body, scope: &Scope<'_>, object: &mut Object) -> Result<(), Wrong> {
    match finish {
        Finish::Nothing => Ok(()),
        Finish::Comparison => comparison(body, scope, object),
        Finish::Network => {
            divide_ports(object);
            Ok(())
        }
        Finish::Periodic => {
            object.insert("SpecType".to_owned(), "cron".into());
            Ok(())
        }
        Finish::Group => {
            hand_down_vault(object);
            Ok(())
        }
        Finish::Job => {
            wrap_tasks(object);
            if let Some(vault) = object.remove("Vault") {
                for group in list(object, "TaskGroups") {
                    give_vault(group, &vault);
                }
            }
            Ok(())
        }
    }
}

fn comparison(body: &Body, scope: &Scope<'_>, object: &mut Object) -> Result<(), Wrong> {
    for attribute in body.attributes() {
        let name = attribute.key.as_str();
        if !takes(Finish::Comparison, name) {
            continue;
        }
        let place = attribute.value.span();
        let value = evaluate(&attribute.value, scope).map_err(|error| (error.span, error.message))?;
        match (name, value.to_bool(), &value) {
            ("distinct_hosts" | "is_set" | "is_not_set", Some(false), _) => {
                // "Not asked for": the whole constraint says nothing.
                object.insert("Ignored".to_owned(), true.into());
            }
            ("distinct_hosts", Some(true), _) => {
                object.insert("RTarget".to_owned(), "true".into());
            }
            ("is_set" | "is_not_set", Some(true), _) => {}
            ("distinct_property", _, Value::String(property)) => {
                object.insert("LTarget".to_owned(), (**property).into());
            }
            ("distinct_hosts" | "is_set" | "is_not_set", None, _) => return Err((place, format!("`{name}` must be true or false"))),
            _ => {
                let text = value.to_text().ok_or_else(|| (place, format!("`{name}` must be a string")))?;
                object.insert("RTarget".to_owned(), (*text).into());
            }
        }
        if object.insert("Operand".to_owned(), name.into()).is_some() {
            return Err((attribute.key.span(), "there are two operators; a constraint has one".to_owned()));
        }
    }
    Ok(())
}

/// The API has a list of fixed and one of dynamic ports; a jobspec has ports.
fn divide_ports(object: &mut Object) {
    let Some(Json::Array(ports)) = object.remove("Ports") else { return };
    let is_fixed = |port: &Json| port.get("Value").and_then(Json::as_i64).is_some_and(|value| value != 0);
    let (fixed, dynamic): (Vec<Json>, Vec<Json>) = ports.into_iter().partition(is_fixed);
    for (field, ports) in [("ReservedPorts", fixed), ("DynamicPorts", dynamic)] {
        if !ports.is_empty() {
            object.insert(field.to_owned(), ports.into());
        }
    }
}

fn hand_down_vault(group: &mut Object) {
    if let Some(vault) = group.remove("Vault") {
        give_vault(group, &vault);
    }
}

/// To every task of the group that has none of its own.
fn give_vault(group: &mut Object, vault: &Json) {
    for task in list(group, "Tasks") {
        task.entry("Vault").or_insert_with(|| vault.clone());
    }
}

fn list<'a>(object: &'a mut Object, field: &str) -> impl Iterator<Item = &'a mut Object> {
    object.get_mut(field).and_then(Json::as_array_mut).into_iter().flatten().filter_map(Json::as_object_mut)
}

/// A task without a group is a group of one.
fn wrap_tasks(job: &mut Object) {
    let Some(Json::Array(tasks)) = job.remove("Tasks") else { return };
    let groups = job.entry("TaskGroups").or_insert_with(|| Json::Array(Vec::new()));
    if let Some(groups) = groups.as_array_mut() {
        groups.extend(tasks.into_iter().map(|task| json!({ "Name": task.get("Name"), "Count": 1, "Tasks": [task] })));
    }
}
