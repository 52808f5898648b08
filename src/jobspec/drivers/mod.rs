//! The `config` blocks of the drivers that come with the product: which keys there are, and of which kind.
//!
//! Judged where a job is written, long before a node looks at it. A driver that is not here is somebody's plugin, and its
//! `config` is for it to judge.

mod check;
mod tables;

#[cfg(test)]
mod tests;

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

/// Every driver with its keys, for editors.
pub fn description() -> Json {
    DRIVERS.iter().map(|driver| (driver.name.to_owned(), keys_of(driver.keys, driver.required))).collect::<Map<_, _>>().into()
}

fn keys_of(keys: &[Key], required: &[&[&str]]) -> Json {
    let described = keys.iter().map(|key| {
        let mut about = Map::from_iter([("kind".to_owned(), Json::from(key.kind.name()))]);
        if required.contains(&[key.name].as_slice()) {
            about.insert("required".to_owned(), json!(true));
        }
        if let Kind::Blocks(inner) = key.kind {
            about.insert("attributes".to_owned(), keys_of(inner, &[]));
        }
        (key.name.to_owned(), Json::Object(about))
    });
    described.collect::<Map<_, _>>().into()
}
