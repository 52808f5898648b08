//! A `config` against its driver's table.

use std::collections::BTreeMap;

use super::{Key, Kind, driver};
use crate::jobspec::suggest::{did_you_mean, usual_name};
use crate::jobspec::validate::Problem;
use crate::model::ConfigValue;
use crate::util::go_duration;

/// Everything wrong with the `config` of a task with the driver `name`, with paths from `config` on. Nothing when the driver is unknown.
pub fn check(name: &str, config: &ConfigValue) -> Vec<Problem> {
    let Some(driver) = driver(name) else { return Vec::new() };
    let empty = BTreeMap::new();
    let values = match config {
        ConfigValue::Map(values) => values,
        ConfigValue::Null => &empty,
        other => return vec![Problem::error("config", format!("must be a map, not a {}", other.kind()))],
    };
    let mut problems = Vec::new();
    check_keys("config", name, values, driver.keys, &mut problems);
    for choices in driver.required {
        let is_there = |key: &&str| values.get(*key).is_some_and(|value| !says_nothing(value));
        if !choices.iter().any(is_there) {
            let named: Vec<String> = choices.iter().map(|key| format!("`{key}`")).collect();
            problems.push(Problem::error("config", format!("the {name} driver needs {}", named.join(" or "))));
        }
    }
    problems
}

fn says_nothing(value: &ConfigValue) -> bool {
    *value == ConfigValue::Null || value.as_str() == Some("")
}

fn check_keys(path: &str, of: &str, values: &BTreeMap<String, ConfigValue>, keys: &[Key], problems: &mut Vec<Problem>) {
    for (name, value) in values {
        let here = format!("{path}.{name}");
        let Some(key) = keys.iter().find(|key| key.name == name) else {
            let known = || keys.iter().map(|key| key.name);
            let usual = usual_name(name, known()).map(|usual| format!("it is called `{usual}`"));
            let help = usual.or_else(|| did_you_mean(name, known()));
            problems.push(Problem::error(here, format!("`{of}` has no key `{name}`")).with_help(help));
            continue;
        };
        match (key.kind, value) {
            (_, ConfigValue::Null) => {}
            (Kind::Blocks(inner), ConfigValue::Map(block)) => check_keys(&here, name, block, inner, problems),
            (Kind::Blocks(inner), ConfigValue::List(blocks)) => {
                for (index, block) in blocks.iter().enumerate() {
                    let here = if blocks.len() == 1 { here.clone() } else { format!("{here}[{index}]") };
                    match block {
                        ConfigValue::Map(block) => check_keys(&here, name, block, inner, problems),
                        other => problems.push(Problem::error(here, format!("must be a block, not a {}", other.kind()))),
                    }
                }
            }
            (kind, value) if accepts(kind, value) => {}
            (kind, value) => {
                let help = match (kind, value) {
                    (Kind::Texts, ConfigValue::String(text)) => Some(format!("write [{text:?}]")),
                    _ => None,
                };
                problems.push(Problem::error(here, format!("must be {}, not {}", kind.name(), shown(value))).with_help(help));
            }
        }
    }
}

fn shown(value: &ConfigValue) -> String {
    match value {
        ConfigValue::String(text) if text.chars().count() <= 40 => format!("{text:?}"),
        ConfigValue::Int(n) => n.to_string(),
        ConfigValue::Bool(b) => b.to_string(),
        other => format!("a {}", other.kind()),
    }
}

fn accepts(kind: Kind, value: &ConfigValue) -> bool {
    match (kind, value) {
        // Resolved on the node; what it becomes is checked there.
        (_, ConfigValue::String(text)) if text.contains("${") => true,
        (Kind::Text, value) => is_scalar(value),
        (Kind::Bool, ConfigValue::Bool(_)) => true,
        (Kind::Bool, ConfigValue::String(text)) => matches!(text.as_str(), "true" | "false"),
        (Kind::Integer, ConfigValue::Int(_)) => true,
        (Kind::Integer, ConfigValue::String(text)) => text.parse::<i64>().is_ok(),
        (Kind::Duration, ConfigValue::Int(nanos)) => *nanos >= 0,
        (Kind::Duration, ConfigValue::String(text)) => go_duration::parse(text).is_ok(),
        (Kind::Texts, ConfigValue::List(items)) => items.iter().all(is_scalar),
        (Kind::TextMap, ConfigValue::Map(items)) => items.values().all(is_scalar),
        // A block arrives as a list of maps, and may be repeated.
        (Kind::TextMap, ConfigValue::List(blocks)) => blocks.iter().all(|block| accepts(kind, block)),
        (Kind::Map, ConfigValue::Map(_)) => true,
        (Kind::Map, ConfigValue::List(blocks)) => blocks.iter().all(|block| matches!(block, ConfigValue::Map(_))),
        _ => false,
    }
}

fn is_scalar(value: &ConfigValue) -> bool {
    matches!(value, ConfigValue::String(_) | ConfigValue::Int(_) | ConfigValue::Float(_) | ConfigValue::Bool(_))
}

/// Numbers and bools where a driver wants text become text, as HCL converts them (`args = ["-p", 8080]`).
pub fn conform(name: &str, config: &mut ConfigValue) {
    let (Some(driver), ConfigValue::Map(values)) = (driver(name), config) else { return };
    for (name, value) in values {
        match (driver.keys.iter().find(|key| key.name == name).map(|key| key.kind), value) {
            (Some(Kind::Text), value) => to_text(value),
            (Some(Kind::Texts), ConfigValue::List(items)) => items.iter_mut().for_each(to_text),
            (Some(Kind::TextMap), ConfigValue::Map(items)) => items.values_mut().for_each(to_text),
            _ => {}
        }
    }
}

fn to_text(value: &mut ConfigValue) {
    let text = match value {
        ConfigValue::Int(n) => n.to_string(),
        ConfigValue::Float(n) => n.to_string(),
        ConfigValue::Bool(b) => b.to_string(),
        _ => return,
    };
    *value = ConfigValue::String(text);
}
