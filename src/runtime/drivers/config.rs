//! Reading a driver's `config`: which keys there are, of which kind, and what is wrong, all at once.

use std::time::Duration;

use crate::model::ConfigValue;
use crate::runtime::driver::ConfigProblem;
use crate::util::go_duration;

/// What a key's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    TextList,
    Bool,
    Integer,
    /// Go's notation, or nanoseconds as a number.
    Duration,
    Map,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::TextList => "a list of strings",
            Self::Bool => "a bool",
            Self::Integer => "a whole number",
            Self::Duration => "a duration such as \"30s\"",
            Self::Map => "a map",
        }
    }

    fn accepts(self, value: &ConfigValue) -> bool {
        match (self, value) {
            // Resolved on the node; what it becomes is checked there again.
            (_, ConfigValue::String(text)) if text.contains("${") => true,
            (Self::Text, ConfigValue::String(_)) => true,
            (Self::TextList, ConfigValue::List(items)) => items.iter().all(|item| matches!(item, ConfigValue::String(_))),
            (Self::Bool, value) => as_bool(value).is_some(),
            (Self::Integer, value) => as_integer(value).is_some(),
            (Self::Duration, value) => as_duration(value).is_some(),
            // A block that may be repeated arrives as a list of maps.
            (Self::Map, ConfigValue::Map(_)) => true,
            (Self::Map, ConfigValue::List(items)) => items.iter().all(|item| matches!(item, ConfigValue::Map(_))),
            _ => false,
        }
    }
}

/// All problems of `config` against a driver's keys; `required` ones must be there.
pub fn check(config: &ConfigValue, keys: &[(&str, Kind)], required: &[&str]) -> Vec<ConfigProblem> {
    let problem = |path: String, problem: String| ConfigProblem { path, problem };
    let empty = std::collections::BTreeMap::new();
    let values = match config {
        ConfigValue::Map(values) => values,
        ConfigValue::Null => &empty,
        other => return vec![problem("config".to_owned(), format!("must be a map, not a {}", other.kind()))],
    };
    let mut problems = Vec::new();
    for (key, value) in values {
        let path = format!("config.{key}");
        match keys.iter().find(|(name, _)| name == key) {
            None => problems.push(problem(path, unknown(key, keys))),
            Some(_) if *value == ConfigValue::Null => {}
            Some((_, kind)) if kind.accepts(value) => {}
            Some((_, kind)) => problems.push(problem(path, format!("must be {}, not a {}", kind.name(), value.kind()))),
        }
    }
    for key in required {
        if matches!(values.get(*key), None | Some(ConfigValue::Null)) || values.get(*key).and_then(ConfigValue::as_str) == Some("") {
            problems.push(problem(format!("config.{key}"), "is required".to_owned()));
        }
    }
    problems
}

pub fn text(config: &ConfigValue, key: &str) -> String {
    config.get(key).and_then(ConfigValue::as_str).unwrap_or_default().to_owned()
}

pub fn text_list(config: &ConfigValue, key: &str) -> Vec<String> {
    match config.get(key) {
        Some(ConfigValue::List(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

pub fn boolean(config: &ConfigValue, key: &str) -> bool {
    config.get(key).and_then(as_bool).unwrap_or(false)
}

pub fn integer(config: &ConfigValue, key: &str) -> Option<i64> {
    config.get(key).and_then(as_integer)
}

pub fn duration(config: &ConfigValue, key: &str) -> Duration {
    config.get(key).and_then(as_duration).unwrap_or_default()
}

fn as_bool(value: &ConfigValue) -> Option<bool> {
    match value {
        ConfigValue::Bool(value) => Some(*value),
        ConfigValue::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn as_integer(value: &ConfigValue) -> Option<i64> {
    match value {
        ConfigValue::Int(value) => Some(*value),
        ConfigValue::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn as_duration(value: &ConfigValue) -> Option<Duration> {
    match value {
        ConfigValue::Int(nanos) => u64::try_from(*nanos).ok().map(Duration::from_nanos),
        ConfigValue::String(text) => go_duration::parse(text).ok(),
        _ => None,
    }
}

fn unknown(key: &str, keys: &[(&str, Kind)]) -> String {
    let nearest = keys.iter().map(|(name, _)| (edit_distance(key, name), *name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => format!("is not a key of this driver (did you mean {name:?}?)"),
        _ => "is not a key of this driver".to_owned(),
    }
}

/// Levenshtein's, by rows.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_with_its_key() {
        let config = ConfigValue::Map(
            [
                ("comand".to_owned(), ConfigValue::String("x".into())),
                ("args".to_owned(), ConfigValue::List(vec![ConfigValue::Int(1)])),
                ("after".to_owned(), ConfigValue::String("${meta.after}".into())),
                ("limit".to_owned(), ConfigValue::String("fast".into())),
                ("qqqqqq".to_owned(), ConfigValue::Null),
            ]
            .into(),
        );
        let keys = [("command", Kind::Text), ("args", Kind::TextList), ("after", Kind::Duration), ("limit", Kind::Integer)];
        let texts: Vec<String> = check(&config, &keys, &["command"]).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "config.args: must be a list of strings, not a list",
                "config.comand: is not a key of this driver (did you mean \"command\"?)",
                "config.limit: must be a whole number, not a string",
                "config.qqqqqq: is not a key of this driver",
                "config.command: is required",
            ]
        );
        assert_eq!(check(&ConfigValue::Bool(true), &keys, &[])[0].path, "config");
    }

    #[test]
    fn durations_are_texts_or_nanoseconds() {
        let config =
            ConfigValue::Map([("a".to_owned(), ConfigValue::String("1m".into())), ("b".to_owned(), ConfigValue::Int(1_000_000))].into());
        assert_eq!((duration(&config, "a"), duration(&config, "b")), (Duration::from_secs(60), Duration::from_millis(1)));
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
