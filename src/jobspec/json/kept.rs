//! Stanzas without a room in the model: kept as plain values in `other`, given back on output, and named in a warning.
//!
//! Keys are the API's field names; fields of a group's or task's parts are kept by path (`Services[0].Connect`).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::jobspec::validate::Problem;
use crate::model::{ConfigValue, Job, Text};

pub type Other = BTreeMap<Text, ConfigValue>;

/// Keeps a field that says something.
pub fn keep(other: &mut Other, key: impl Into<Text>, value: Option<Json>) {
    if let Some(value) = value.filter(|value| !says_nothing(value)) {
        other.insert(key.into(), to_config(value));
    }
}

/// What was kept under a key.
pub fn give_back(other: &Other, key: &str) -> Option<Json> {
    other.get(key).map(to_json)
}

/// A zero value. An empty object is not one: `vault {}` asks for Vault.
pub fn says_nothing(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Bool(true) => false,
        Json::Number(n) => n.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(items) => !items.is_empty() && items.values().all(says_nothing),
    }
}

pub fn to_config(json: Json) -> ConfigValue {
    match json {
        Json::Null => ConfigValue::Null,
        Json::Bool(b) => ConfigValue::Bool(b),
        Json::Number(n) => n.as_i64().map(ConfigValue::Int).or_else(|| n.as_f64().map(ConfigValue::Float)).unwrap_or_default(),
        Json::String(text) => ConfigValue::String(text),
        Json::Array(items) => ConfigValue::List(items.into_iter().map(to_config).collect()),
        Json::Object(items) => ConfigValue::Map(items.into_iter().map(|(key, item)| (key, to_config(item))).collect()),
    }
}

pub fn to_json(value: &ConfigValue) -> Json {
    match value {
        ConfigValue::Null => Json::Null,
        ConfigValue::Bool(b) => (*b).into(),
        ConfigValue::Int(n) => (*n).into(),
        ConfigValue::Float(n) => (*n).into(),
        ConfigValue::String(text) => text.as_str().into(),
        ConfigValue::List(items) => items.iter().map(to_json).collect::<Vec<_>>().into(),
        ConfigValue::Map(items) => Json::Object(items.iter().map(|(key, item)| (key.clone(), to_json(item))).collect()),
    }
}

/// One warning per kept stanza.
pub fn warnings(job: &Job) -> Vec<Problem> {
    let mut warnings = Vec::new();
    note(&job.other, "job", &mut warnings);
    for group in &job.groups {
        let group_path = format!("job.group[{}]", group.name);
        note(&group.other, &group_path, &mut warnings);
        for task in &group.tasks {
            note(&task.other, &format!("{group_path}.task[{}]", task.name), &mut warnings);
        }
    }
    warnings
}

fn note(other: &Other, path: &str, warnings: &mut Vec<Problem>) {
    // For people and dashboards only, or out of use: there is nothing to honour.
    const SILENT: [&str; 5] = ["UI", "VersionTag", "StatusDescription", "Resources.IOPS", "Resources.DiskMB"];
    for key in other.keys().filter(|key| !SILENT.contains(&&***key)) {
        let name = jobspec_path(key);
        let last = name.rsplit('.').next().unwrap_or_default();
        let message = match consequence(key) {
            Some(consequence) => format!("`{last}` is kept, but pannier cannot honour it yet: {consequence}"),
            None => format!("`{last}` is kept, but pannier cannot honour it yet"),
        };
        warnings.push(Problem::warning(format!("{path}.{name}"), message));
    }
}

/// What its author would wait for in vain.
fn consequence(key: &str) -> Option<&'static str> {
    Some(match key.rsplit('.').next().unwrap_or_default() {
        "Connect" => "no proxy runs beside the tasks and no upstream is bound",
        "Vault" => "the task gets no VAULT_TOKEN",
        "Consul" => "the task gets no Consul token",
        "Identity" | "Identities" => "the task gets no token",
        "Secrets" => "`${secret...}` stays as it is",
        "Actions" => "it cannot be run",
        "ScalingPolicies" => "nothing resizes the task",
        "CSIPluginConfig" => "the task runs, but offers no volumes",
        "Schedule" => "the task runs at all hours",
        "MountOptions" => "the volume is not mounted",
        "Wait" | "ChangeScript" => "the template is rendered once",
        _ => return None,
    })
}

/// `Services[0].Connect` as a jobspec says it: `service[0].connect`.
fn jobspec_path(key: &str) -> String {
    key.split('.').map(jobspec_name).collect::<Vec<_>>().join(".")
}

fn jobspec_name(part: &str) -> String {
    let (name, index) = part.find('[').map_or((part, ""), |at| part.split_at(at));
    let known = match name {
        "Services" => "service",
        "Checks" => "check",
        "Templates" => "template",
        "Artifacts" => "artifact",
        "VolumeMounts" => "volume_mount",
        "Volumes" => "volume",
        "Networks" => "network",
        "Identities" | "Identity" => "identity",
        "Secrets" => "secret",
        "SecretsMB" => "secrets",
        "Actions" => "action",
        "ScalingPolicies" => "scaling",
        "CSIPluginConfig" => "csi_plugin",
        "CNI" => "cni",
        "IOPS" => "iops",
        "DiskMB" => "disk",
        "SELinuxLabel" => "selinux_label",
        _ => return format!("{}{index}", snake_case(name)),
    };
    format!("{known}{index}")
}

/// `GRPCUseTLS` as `grpc_use_tls`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    let mut before: Option<char> = None;
    let mut letters = name.chars().peekable();
    while let Some(c) = letters.next() {
        let begins_word = match before {
            None => false,
            Some(before) if before.is_lowercase() => c.is_uppercase(),
            // The last letter of a run of capitals begins the next word.
            Some(_) => c.is_uppercase() && letters.peek().is_some_and(|next| next.is_lowercase()),
        };
        if begins_word {
            text.push('_');
        }
        text.extend(c.to_lowercase());
        before = Some(c);
    }
    text
}
