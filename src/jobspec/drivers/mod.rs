//! The `config` blocks of the drivers that come with the product: which keys there are, and of which kind.
//!
//! Judged where a job is written, long before a node looks at it. A driver that is not here is somebody's plugin, and its
//! `config` is for it to judge.

mod check;
mod tables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

pub use self::check::check;
pub(super) use self::check::conform;
use self::tables::DRIVERS;
use crate::jobspec::suggest::nearest;

/// What a key's value must be. A text may stand for any of them when the node has to resolve it (`${...}`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Bool,
    Integer,
    /// Go's notation, or nanoseconds.
    Duration,
    Texts,
    TextMap,
    /// Blocks with keys of their own.
    Blocks(&'static [Key]),
    /// A block whose keys are not known here.
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    name: &'static str,
    kind: Kind,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

struct Driver {
    name: &'static str,
    keys: &'static [Key],
    /// Of each of these lists, one key must be there.
    required: &'static [&'static [&'static str]],
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Bool => "a bool",
            Self::Integer => "a whole number",
            Self::Duration => "a duration such as \"30s\"",
            Self::Texts => "a list of strings",
            Self::TextMap => "a map of strings",
            Self::Blocks(_) | Self::Map => "a block",
        }
    }
}

fn driver(name: &str) -> Option<&'static Driver> {
    DRIVERS.iter().find(|driver| driver.name == name)
}

/// The driver that was meant, when a name is a slip of the keyboard away from one.
pub fn meant(name: &str) -> Option<&'static str> {
    if driver(name).is_some() { None } else { nearest(name, DRIVERS.iter().map(|driver| driver.name)) }
}

pub fn is_known(name: &str) -> bool {
    driver(name).is_some()
}

/// Whether `name` is a key of some driver's `config`.
pub fn has_key(name: &str) -> bool {
    DRIVERS.iter().any(|driver| driver.keys.iter().any(|key| key.name == name))
}

/// Every driver with its keys, for editors; `prose` says by `driver.key` and `driver.block.key` what they mean.
pub fn description(prose: &BTreeMap<&'static str, &'static str>) -> Json {
    let described = DRIVERS.iter().map(|driver| (driver.name.to_owned(), keys_of(driver.name, driver.keys, driver.required, prose)));
    described.collect::<Map<_, _>>().into()
}

fn keys_of(path: &str, keys: &[Key], required: &[&[&str]], prose: &BTreeMap<&'static str, &'static str>) -> Json {
    let described = keys.iter().map(|key| {
        let path = format!("{path}.{}", key.name);
        let mut about = Map::from_iter([("kind".to_owned(), Json::from(key.kind.name()))]);
        if let Some(text) = prose.get(path.as_str()) {
            about.insert("description".to_owned(), Json::from(*text));
        }
        if required.contains(&[key.name].as_slice()) {
            about.insert("required".to_owned(), json!(true));
        }
        if let Kind::Blocks(inner) = key.kind {
            about.insert("attributes".to_owned(), keys_of(&path, inner, &[], prose));
        }
        (key.name.to_owned(), Json::Object(about))
    });
    described.collect::<Map<_, _>>().into()
}
