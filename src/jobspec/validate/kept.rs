//! Rules of stanzas that are kept as plain values (see `json::kept`): wrong is wrong, whether pannier can honour it or not.

use std::collections::BTreeSet;

use super::Rules;
use crate::jobspec::json::kept::Other;
use crate::model::service::{Service, ServiceProvider};
use crate::model::{ConfigValue, Job, MebiBytes, Task};

/// The longest description of a job that user interfaces show.
const LONGEST_DESCRIPTION: usize = 1_000;

pub fn job(rules: &mut Rules<'_>, job: &Job) {
    let Some(ui) = job.other.get("UI") else { return };
    let length = text(ui, "Description").chars().count();
    rules.refuse_if(length > LONGEST_DESCRIPTION, "ui.description", || {
        format!("has {length} characters, more than the {LONGEST_DESCRIPTION} allowed")
    });
    for (index, link) in items(ui.get("Links")).enumerate() {
        let mut at = rules.inside(&format!("ui.link[{index}]"));
        at.refuse_if(text(link, "Label").is_empty(), "label", || "is required".to_owned());
        at.refuse_if(text(link, "URL").is_empty(), "url", || "is required".to_owned());
    }
}

/// What only Consul can do for a service; `other` is what was kept of its group or task.
pub fn service(rules: &mut Rules<'_>, index: usize, service: &Service, other: &Other) {
    if service.provider != ServiceProvider::Nomad {
        return;
    }
    const OF_CONSUL: &str = "is for services of the provider \"consul\"";
    let has = |part: &str| other.contains_key(format!("Services[{index}].{part}").as_str());
    let mut at = rules.inside(&format!("service[{index}]"));
    at.refuse_if(has("Connect"), "connect", || OF_CONSUL.to_owned());
    at.refuse_if(!service.canary_meta.is_empty(), "canary_meta", || OF_CONSUL.to_owned());
    at.refuse_if(has("EnableTagOverride"), "enable_tag_override", || OF_CONSUL.to_owned());
    for position in 0..service.checks.len() {
        let mut here = at.inside(&format!("check[{position}]"));
        for (field, name) in [
            ("SuccessBeforePassing", "success_before_passing"),
            ("FailuresBeforeCritical", "failures_before_critical"),
            ("FailuresBeforeWarning", "failures_before_warning"),
            ("Expose", "expose"),
        ] {
            here.refuse_if(has(&format!("Checks[{position}].{field}")), name, || OF_CONSUL.to_owned());
        }
    }
}

pub fn task(rules: &mut Rules<'_>, task: &Task) {
    if let Some(vault) = task.other.get("Vault") {
        change_mode(&mut rules.inside("vault"), vault);
    }
    let mut names = BTreeSet::new();
    for (index, identity) in items(task.other.get("Identities")).enumerate() {
        let mut at = rules.inside(&format!("identity[{index}]"));
        let name = text(identity, "Name");
        at.refuse_if(!names.insert(name), "name", || format!("there are two identities named {name:?}"));
        change_mode(&mut at, identity);
    }
    named(rules, task, "Secrets", "secret", &|c| c.is_ascii_alphanumeric() || c == '_', "letters, digits and `_`");
    named(rules, task, "Actions", "action", &|c| !c.is_whitespace() && c != '\0', "anything but spaces");
    for secret in items(task.other.get("Secrets")) {
        let mut at = rules.inside(&format!("secret[{}]", text(secret, "Name")));
        at.refuse_if(text(secret, "Provider").is_empty(), "provider", || "is required".to_owned());
    }
    for device in &task.resources.numa.devices {
        let is_asked = task.resources.devices.iter().any(|asked| asked.name == *device);
        rules.refuse_if(!is_asked, "resources.numa.devices", || format!("the task asks for no device {device:?}"));
    }
    if let Some(ConfigValue::Int(secrets)) = task.other.get("Resources.SecretsMB") {
        let secrets = MebiBytes(u64::try_from(*secrets).unwrap_or(0));
        rules.refuse_if(secrets > task.resources.memory, "resources.secrets", || {
            format!("{secrets} is more than memory {}", task.resources.memory)
        });
    }
}

fn change_mode(at: &mut Rules<'_>, stanza: &ConfigValue) {
    let needs_signal = text(stanza, "ChangeMode") == "signal" && text(stanza, "ChangeSignal").is_empty();
    at.refuse_if(needs_signal, "change_signal", || "is required by change_mode \"signal\"".to_owned());
}

fn named(rules: &mut Rules<'_>, task: &Task, field: &str, name: &str, allowed: &dyn Fn(char) -> bool, words: &str) {
    for item in items(task.other.get(field)) {
        let label = text(item, "Name");
        let is_name = !label.is_empty() && label.len() <= 128 && label.chars().all(allowed);
        rules.refuse_if(!is_name, &format!("{name}[{label}]"), || format!("{label:?} is not a name: {words}, at most 128"));
    }
}

fn text<'a>(value: &'a ConfigValue, key: &str) -> &'a str {
    value.get(key).and_then(ConfigValue::as_str).unwrap_or_default()
}

fn items(value: Option<&ConfigValue>) -> impl Iterator<Item = &ConfigValue> {
    match value {
        Some(ConfigValue::List(items)) => items.as_slice(),
        _ => &[],
    }
    .iter()
}
