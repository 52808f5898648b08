//! What differs between two versions of a job, in the structure that `job plan` shows.
//!
//! Compared is the API's form, field by field: whatever can be written in a jobspec takes part without a
//! list of its own here.

mod annotate;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value as Json};

pub use self::annotate::Updates;
use super::json::job_to_value;
use crate::model::Job;

/// How a part changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum DiffType {
    None,
    Added,
    Deleted,
    Edited,
}

impl DiffType {
    fn of(was_there: bool, is_there: bool, changed: bool) -> Self {
        match (was_there, is_there) {
            (false, true) => Self::Added,
            (true, false) => Self::Deleted,
            _ if changed => Self::Edited,
            _ => Self::None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldDiff {
    pub r#type: DiffType,
    pub name: String,
    pub old: String,
    pub new: String,
    /// What the scheduler adds: `forces create`, ...
    pub annotations: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectDiff {
    pub r#type: DiffType,
    pub name: String,
    pub fields: Vec<FieldDiff>,
    pub objects: Vec<ObjectDiff>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobDiff {
    pub r#type: DiffType,
    #[serde(rename = "ID")]
    pub id: String,
    pub fields: Vec<FieldDiff>,
    pub objects: Vec<ObjectDiff>,
    pub task_groups: Vec<TaskGroupDiff>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskGroupDiff {
    pub r#type: DiffType,
    pub name: String,
    pub fields: Vec<FieldDiff>,
    pub objects: Vec<ObjectDiff>,
    pub tasks: Vec<TaskDiff>,
    /// Filled in by who plans: instances per kind of change.
    pub updates: std::collections::BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskDiff {
    pub r#type: DiffType,
    pub name: String,
    pub fields: Vec<FieldDiff>,
    pub objects: Vec<ObjectDiff>,
    pub annotations: Vec<String>,
}

/// What the cluster says of a job rather than its author.
const NOT_COMPARED: [&str; 12] = [
    "ID",
    "Status",
    "StatusDescription",
    "Version",
    "VersionTag",
    "Stable",
    "SubmitTime",
    "CreateIndex",
    "ModifyIndex",
    "JobModifyIndex",
    "Dispatched",
    "Payload",
];

/// What changes from `old` to `new`; one of them may be missing.
pub fn job_diff(old: Option<&Job>, new: Option<&Job>) -> JobDiff {
    let id = new.or(old).map_or_else(String::new, |job| job.key.id.to_string());
    let mut skipped: BTreeSet<&str> = NOT_COMPARED.into();
    skipped.insert("TaskGroups");
    let (old, new) = (old.map(object), new.map(object));
    let (fields, objects) = value::parts(old.as_ref(), new.as_ref(), &skipped);
    let task_groups: Vec<TaskGroupDiff> =
        value::paired(list(old.as_ref(), "TaskGroups"), list(new.as_ref(), "TaskGroups")).into_iter().map(group_diff).collect();
    let changed = !fields.is_empty() || !objects.is_empty() || task_groups.iter().any(|group| group.r#type != DiffType::None);
    JobDiff { r#type: DiffType::of(old.is_some(), new.is_some(), changed), id, fields, objects, task_groups }
}

fn object(job: &Job) -> Map<String, Json> {
    match job_to_value(job) {
        Json::Object(object) => object,
        _ => Map::new(),
    }
}

fn list<'a>(object: Option<&'a Map<String, Json>>, field: &str) -> &'a [Json] {
    object.and_then(|object| object.get(field)).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// The same named part of both versions.
type Pair<'a> = (Option<&'a Map<String, Json>>, Option<&'a Map<String, Json>>);

fn name((old, new): Pair<'_>) -> String {
    new.or(old).and_then(|part| part.get("Name")).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn group_diff(pair: Pair<'_>) -> TaskGroupDiff {
    let (old, new) = pair;
    let (fields, objects) = value::parts(old, new, &["Name", "Tasks"].into());
    let tasks: Vec<TaskDiff> = value::paired(list(old, "Tasks"), list(new, "Tasks")).into_iter().map(task_diff).collect();
    let changed = !fields.is_empty() || !objects.is_empty() || tasks.iter().any(|task| task.r#type != DiffType::None);
    TaskGroupDiff {
        r#type: DiffType::of(old.is_some(), new.is_some(), changed),
        name: name(pair),
        fields,
        objects,
        tasks,
        updates: std::collections::BTreeMap::new(),
    }
}

fn task_diff(pair: Pair<'_>) -> TaskDiff {
    let (old, new) = pair;
    let (fields, objects) = value::parts(old, new, &["Name"].into());
    let changed = !fields.is_empty() || !objects.is_empty();
    TaskDiff { r#type: DiffType::of(old.is_some(), new.is_some(), changed), name: name(pair), fields, objects, annotations: Vec::new() }
}
