//! What differs between two specifications of a job, as `job plan` and `job history -p` show it: fields and objects by name, groups and
//! tasks apart.

use serde::Serialize;
use serde_json::{Map, Value};

/// What happened to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum DiffType {
    None,
    Added,
    Deleted,
    Edited,
}

impl DiffType {
    fn of<T>(old: Option<T>, new: Option<T>) -> Self {
        match (old, new) {
            (None, _) => Self::Added,
            (_, None) => Self::Deleted,
            _ => Self::Edited,
        }
    }
}

/// A whole job's difference.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobDiff {
    pub r#type: DiffType,
    #[serde(rename = "ID")]
    pub id: String,
    pub fields: Vec<FieldDiff>,
    pub objects: Vec<ObjectDiff>,
    pub task_groups: Vec<GroupDiff>,
}

/// A group's difference.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupDiff {
    pub r#type: DiffType,
    pub name: String,
    pub fields: Vec<FieldDiff>,
    pub objects: Vec<ObjectDiff>,
    pub tasks: Vec<ObjectDiff>,
    /// How many instances the scheduler would treat how (`create`, `in-place update`, ...).
    pub updates: std::collections::BTreeMap<&'static str, u64>,
}

/// The difference of a block: a task, a constraint, a map.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectDiff {
    pub r#type: DiffType,
    pub name: String,
    pub fields: Vec<FieldDiff>,
    pub objects: Vec<ObjectDiff>,
}

/// The difference of a scalar, as text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldDiff {
    pub r#type: DiffType,
    pub name: String,
    pub old: String,
    pub new: String,
}

/// What the state adds to a specification, and what is compared apart.
const NOT_SPECIFIED: [&str; 11] = [
    "Status",
    "StatusDescription",
    "Version",
    "Stable",
    "SubmitTime",
    "CreateIndex",
    "ModifyIndex",
    "JobModifyIndex",
    "VersionTag",
    "TaskGroups",
    "Tasks",
];

/// Compares two jobs in the API's JSON; no `old` is a new job.
pub fn jobs(old: Option<&Value>, new: &Value) -> JobDiff {
    let parts = parts(old, Some(new));
    let groups = named(old, Some(new), "TaskGroups");
    let task_groups: Vec<GroupDiff> = groups.into_iter().filter_map(|(name, old, new)| group(name, old, new)).collect();
    let changed = !(parts.fields.is_empty() && parts.objects.is_empty() && task_groups.is_empty());
    JobDiff {
        r#type: if changed { DiffType::of(old, Some(new)) } else { DiffType::None },
        id: new["ID"].as_str().unwrap_or_default().to_owned(),
        fields: parts.fields,
        objects: parts.objects,
        task_groups,
    }
}

fn group(name: String, old: Option<&Value>, new: Option<&Value>) -> Option<GroupDiff> {
    let parts = parts(old, new);
    let tasks: Vec<ObjectDiff> = named(old, new, "Tasks").into_iter().filter_map(|(name, old, new)| object(name, old, new)).collect();
    if parts.fields.is_empty() && parts.objects.is_empty() && tasks.is_empty() {
        return None;
    }
    let r#type = DiffType::of(old, new);
    Some(GroupDiff { r#type, name, fields: parts.fields, objects: parts.objects, tasks, updates: Default::default() })
}

fn object(name: String, old: Option<&Value>, new: Option<&Value>) -> Option<ObjectDiff> {
    let parts = parts(old, new);
    if parts.fields.is_empty() && parts.objects.is_empty() {
        return None;
    }
    Some(ObjectDiff { r#type: DiffType::of(old, new), name, fields: parts.fields, objects: parts.objects })
}

#[derive(Default)]
struct Parts {
    fields: Vec<FieldDiff>,
    objects: Vec<ObjectDiff>,
}

/// The differences inside two maps. `null` is the same as absent.
fn parts(old: Option<&Value>, new: Option<&Value>) -> Parts {
    let empty = Map::new();
    let fields_of = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
    let (old, new) = (fields_of(old), fields_of(new));
    let mut names: Vec<&String> = old.keys().chain(new.keys()).filter(|name| !NOT_SPECIFIED.contains(&name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    let mut parts = Parts::default();
    for name in names {
        let present = |value: Option<&Value>| value.filter(|value| !value.is_null()).cloned();
        let (old, new) = (present(old.get(name)), present(new.get(name)));
        if old != new {
            compare(&mut parts, name, old.as_ref(), new.as_ref());
        }
    }
    parts
}

fn compare(parts: &mut Parts, name: &str, old: Option<&Value>, new: Option<&Value>) {
    match (old, new) {
        (Some(Value::Object(_)), None | Some(Value::Object(_))) | (None, Some(Value::Object(_))) => {
            parts.objects.extend(object(name.to_owned(), old, new));
        }
        (Some(Value::Array(_)), None | Some(Value::Array(_))) | (None, Some(Value::Array(_))) => {
            parts.objects.extend(list(name, items(old), items(new)));
        }
        _ => parts.fields.push(field(name, old, new)),
    }
}

/// What a list lost and gained, whatever its order. A named item that is in both is compared inside.
fn list(name: &str, old: &[Value], new: &[Value]) -> Vec<ObjectDiff> {
    let mut differences = Vec::new();
    let mut scalars = Vec::new();
    let counterpart = |item: &Value, others: &[Value]| {
        let key = item_name(item)?.to_owned();
        others.iter().find(|other| item_name(other) == Some(&key)).cloned()
    };
    for item in old.iter().filter(|item| !new.contains(item)) {
        match item {
            Value::Object(_) => differences.extend(object(name.to_owned(), Some(item), counterpart(item, new).as_ref())),
            scalar => scalars.push(field(name, Some(scalar), None)),
        }
    }
    for item in new.iter().filter(|item| !old.contains(item)) {
        match item {
            Value::Object(_) if counterpart(item, old).is_some() => {}
            Value::Object(_) => differences.extend(object(name.to_owned(), None, Some(item))),
            scalar => scalars.push(field(name, None, Some(scalar))),
        }
    }
    if !scalars.is_empty() {
        differences.push(ObjectDiff { r#type: DiffType::Edited, name: name.to_owned(), fields: scalars, objects: Vec::new() });
    }
    differences
}

/// Items of both sides' lists under `key`, paired by name: those of the new side first, then what is gone.
fn named<'a>(old: Option<&'a Value>, new: Option<&'a Value>, key: &str) -> Vec<(String, Option<&'a Value>, Option<&'a Value>)> {
    let old = old.map_or(&[] as &[Value], |old| items(old.get(key)));
    let new = new.map_or(&[] as &[Value], |new| items(new.get(key)));
    let of_name = |items: &'a [Value], name: &str| items.iter().find(|item| item_name(item) == Some(name));
    let names = |items: &'a [Value]| items.iter().filter_map(item_name);
    let kept = names(new).map(|name| (name.to_owned(), of_name(old, name), of_name(new, name)));
    let gone = names(old).filter(|name| of_name(new, name).is_none()).map(|name| (name.to_owned(), of_name(old, name), None));
    kept.chain(gone).collect()
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn item_name(item: &Value) -> Option<&str> {
    item.get("Name").and_then(Value::as_str).filter(|name| !name.is_empty())
}

fn field(name: &str, old: Option<&Value>, new: Option<&Value>) -> FieldDiff {
    let text = |value: Option<&Value>| match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    FieldDiff { r#type: DiffType::of(old, new), name: name.to_owned(), old: text(old), new: text(new) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn web() -> Value {
        json!({
            "ID": "web", "Priority": 50, "Version": 3, "Meta": {"a": "1"}, "Datacenters": ["dc1"], "Periodic": null,
            "TaskGroups": [{"Name": "front", "Count": 2, "Tasks": [{"Name": "server", "Config": {"image": "x:1"}}]}],
        })
    }

    #[test]
    fn equal_specifications_do_not_differ_whatever_the_state_added() {
        let mut other = web();
        other["Version"] = json!(4);
        other.as_object_mut().unwrap().remove("Periodic");
        let diff = jobs(Some(&web()), &other);
        assert_eq!(diff.r#type, DiffType::None);
    }

    #[test]
    fn changes_are_found_where_they_are() {
        let mut new = web();
        new["Priority"] = json!(70);
        new["Datacenters"] = json!(["dc1", "dc2"]);
        new["TaskGroups"][0]["Tasks"][0]["Config"]["image"] = json!("x:2");
        new["TaskGroups"].as_array_mut().unwrap().push(json!({"Name": "back", "Count": 1}));
        let diff = serde_json::to_value(jobs(Some(&web()), &new)).unwrap();
        assert_eq!(diff["Type"], "Edited");
        assert_eq!(diff["Fields"], json!([{"Type": "Edited", "Name": "Priority", "Old": "50", "New": "70"}]));
        assert_eq!(diff["Objects"][0]["Fields"], json!([{"Type": "Added", "Name": "Datacenters", "Old": "", "New": "dc2"}]));
        let image = &diff["TaskGroups"][0]["Tasks"][0]["Objects"][0]["Fields"][0];
        assert_eq!((&image["Old"], &image["New"]), (&json!("x:1"), &json!("x:2")));
        assert_eq!((&diff["TaskGroups"][1]["Name"], &diff["TaskGroups"][1]["Type"]), (&json!("back"), &json!("Added")));
        let back = jobs(Some(&new), &web());
        assert_eq!(back.task_groups[1].r#type, DiffType::Deleted);
        assert_eq!(jobs(None, &web()).r#type, DiffType::Added);
    }
}
