//! Differences of JSON values: fields, objects, lists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::{DiffType, FieldDiff, ObjectDiff, Pair};

type Object = Map<String, Json>;

/// The differing fields and objects of two versions of a part, by name.
pub fn parts(old: Option<&Object>, new: Option<&Object>, skipped: &BTreeSet<&str>) -> (Vec<FieldDiff>, Vec<ObjectDiff>) {
    let mut fields = Vec::new();
    let mut objects = Vec::new();
    let names: BTreeSet<&String> =
        old.into_iter().chain(new).flat_map(Object::keys).filter(|name| !skipped.contains(name.as_str())).collect();
    for name in names {
        let before = old.and_then(|object| object.get(name)).unwrap_or(&Json::Null);
        let after = new.and_then(|object| object.get(name)).unwrap_or(&Json::Null);
        if before == after {
            continue;
        }
        match (before, after) {
            // Shown as fields of their own: `Env[KEY]`.
            _ if matches!(name.as_str(), "Meta" | "Env") => flat_fields(name, before, after, &mut fields),
            _ if name == "Config" => objects.extend(config(before, after)),
            (Json::Array(_), _) | (_, Json::Array(_)) => list(name, items(before), items(after), &mut objects),
            (Json::Object(_), _) | (_, Json::Object(_)) => objects.extend(object(name, before.as_object(), after.as_object())),
            _ => fields.extend(field(name, &text(before), &text(after))),
        }
    }
    (fields, objects)
}

fn items(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn object(name: &str, old: Option<&Object>, new: Option<&Object>) -> Option<ObjectDiff> {
    let (fields, objects) = parts(old, new, &BTreeSet::new());
    let changed = !fields.is_empty() || !objects.is_empty();
    let kind = DiffType::of(old.is_some(), new.is_some(), changed);
    (kind != DiffType::None).then(|| ObjectDiff { r#type: kind, name: name.to_owned(), fields, objects })
}

fn field(name: &str, old: &str, new: &str) -> Option<FieldDiff> {
    let kind = match (old.is_empty(), new.is_empty()) {
        (true, true) => return None,
        (true, false) => DiffType::Added,
        (false, true) => DiffType::Deleted,
        (false, false) if old == new => return None,
        (false, false) => DiffType::Edited,
    };
    Some(FieldDiff { r#type: kind, name: name.to_owned(), old: old.to_owned(), new: new.to_owned(), annotations: Vec::new() })
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A list of plain values is an object of its own whose fields come and go; of a list of objects each is one.
fn list(name: &str, old: &[Json], new: &[Json], objects: &mut Vec<ObjectDiff>) {
    if old.iter().chain(new).all(Json::is_object) {
        for (before, after) in paired(old, new) {
            objects.extend(object(singular(name), before, after));
        }
        return;
    }
    let (before, after): (Vec<String>, Vec<String>) = (old.iter().map(text).collect(), new.iter().map(text).collect());
    let gone = before.iter().filter(|item| !after.contains(item)).filter_map(|item| field(name, item, ""));
    let come = after.iter().filter(|item| !before.contains(item)).filter_map(|item| field(name, "", item));
    let mut fields: Vec<FieldDiff> = gone.chain(come).collect();
    if fields.is_empty() {
        // The same values in another order.
        fields.extend(field(name, &before.join(","), &after.join(",")));
    }
    let kind = DiffType::of(!old.is_empty(), !new.is_empty(), true);
    objects.push(ObjectDiff { r#type: kind, name: name.to_owned(), fields, objects: Vec::new() });
}

/// Objects of two lists that are versions of each other: by their names when they have one, else equal ones. In the order of
/// the names, and what has none as it comes.
pub fn paired<'a>(old: &'a [Json], new: &'a [Json]) -> Vec<Pair<'a>> {
    let mut rest: Vec<&Object> = new.iter().filter_map(Json::as_object).collect();
    let mut named: BTreeMap<&str, Pair<'a>> = BTreeMap::new();
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for before in old.iter().filter_map(Json::as_object) {
        let partner = rest.iter().position(|after| *after == before || (key(before).is_some() && key(before) == key(after)));
        let pair = (Some(before), partner.map(|at| rest.remove(at)));
        match key(before) {
            Some(key) if !named.contains_key(key) => {
                named.insert(key, pair);
            }
            _ => pairs.push(pair),
        }
    }
    for after in rest {
        match key(after) {
            Some(key) if !named.contains_key(key) => {
                named.insert(key, (None, Some(after)));
            }
            _ => pairs.push((None, Some(after))),
        }
    }
    named.into_values().chain(pairs).collect()
}

/// What identifies an element of a list.
fn key(object: &Object) -> Option<&str> {
    let found = ["Name", "Label", "DestPath", "Volume"].iter().find_map(|name| object.get(*name)).and_then(Json::as_str);
    found.filter(|key| !key.is_empty())
}

/// `Constraints` is a list of `Constraint`.
fn singular(name: &str) -> &str {
    match name {
        "Affinities" => "Affinity",
        "Identities" => "Identity",
        "ScalingPolicies" => "ScalingPolicy",
        "ReservedPorts" => "Static Port",
        "DynamicPorts" => "Dynamic Port",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

/// A driver's configuration, all of it in one object.
fn config(old: &Json, new: &Json) -> Option<ObjectDiff> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    flatten("", old, &mut before);
    flatten("", new, &mut after);
    let mut fields = Vec::new();
    changes(&before, &after, &mut fields);
    let kind = DiffType::of(!before.is_empty(), !after.is_empty(), true);
    (!fields.is_empty()).then(|| ObjectDiff { r#type: kind, name: "Config".to_owned(), fields, objects: Vec::new() })
}

fn flat_fields(name: &str, old: &Json, new: &Json, fields: &mut Vec<FieldDiff>) {
    let entries = |value: &Json| -> BTreeMap<String, String> {
        value.as_object().into_iter().flatten().map(|(key, item)| (format!("{name}[{key}]"), text(item))).collect()
    };
    changes(&entries(old), &entries(new), fields);
}

fn changes(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>, fields: &mut Vec<FieldDiff>) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value = |map: &BTreeMap<String, String>, name: &str| map.get(name).cloned().unwrap_or_default();
    fields.extend(names.into_iter().filter_map(|name| field(name, &value(old, name), &value(new, name))));
}

/// `args[0]`, `mount[0].target`.
fn flatten(path: &str, value: &Json, into: &mut BTreeMap<String, String>) {
    match value {
        Json::Object(items) => {
            for (key, item) in items {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&inner, item, into);
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{path}[{index}]"), item, into);
            }
        }
        Json::Null => {}
        plain => {
            into.insert(path.to_owned(), text(plain));
        }
    }
}
