//! Values that expressions have.
//!
//! Lists, tuples and sets are one kind here (sets remember that their elements are their keys), and so are maps and objects: a jobspec cannot tell them apart where it
//! matters. A value knows its weight and depth, both bounded when it is made, so that no walk over it can
//! run long or overflow the stack, however often it shares parts of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::number::Number;

/// The most a value may weigh: about a byte for each character and 16 for each element.
pub const MAX_WEIGHT: usize = 8 << 20;
/// How deep lists and maps may nest.
pub const MAX_DEPTH: usize = 100;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    List(Arc<Sized<Vec<Value>>>),
    Map(Arc<Sized<BTreeMap<String, Value>>>),
}

/// A collection with its measure.
#[derive(Debug, PartialEq)]
pub struct Sized<T> {
    weight: usize,
    depth: usize,
    /// Whether elements are their own keys, as those of sets are.
    is_set: bool,
    items: T,
}

impl<T> Sized<T> {
    pub fn is_set(&self) -> bool {
        self.is_set
    }
}

impl<T> std::ops::Deref for Sized<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.items
    }
}

/// A value outgrew its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooBig {
    #[error("the value is too large")]
    Heavy,
    #[error("the value is nested more than {MAX_DEPTH} levels deep")]
    Deep,
}

impl Value {
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    pub fn int(n: i64) -> Self {
        Self::Number(Number::Int(n))
    }

    pub fn list(items: Vec<Self>) -> Result<Self, TooBig> {
        let (weight, depth) = measure(items.iter().map(|item| (0, item)))?;
        Ok(Self::List(Arc::new(Sized { weight, depth, is_set: false, items })))
    }

    /// A list whose elements are their own keys. They must be there once, in a set's order.
    pub fn set(items: Vec<Self>) -> Result<Self, TooBig> {
        let (weight, depth) = measure(items.iter().map(|item| (0, item)))?;
        Ok(Self::List(Arc::new(Sized { weight, depth, is_set: true, items })))
    }

    pub fn map(items: BTreeMap<String, Self>) -> Result<Self, TooBig> {
        let (weight, depth) = measure(items.iter().map(|(key, item)| (key.len(), item)))?;
        Ok(Self::Map(Arc::new(Sized { weight, depth, is_set: false, items })))
    }

    /// A list of strings, which is what most functions return.
    pub fn strings<T: Into<Arc<str>>>(items: impl IntoIterator<Item = T>) -> Result<Self, TooBig> {
        Self::list(items.into_iter().map(Self::string).collect())
    }

    /// What it costs to walk over it once.
    pub fn weight(&self) -> usize {
        16 + match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
            Self::String(text) => text.len(),
            Self::List(list) => list.weight,
            Self::Map(map) => map.weight,
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth,
            _ => 0,
        }
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// Text with a reference that only the node can resolve: `${NOMAD_PORT_http}`.
    pub fn is_runtime_text(&self) -> bool {
        matches!(self, Self::String(text) if text.contains("${"))
    }

    // Conversions, as HCL does them on its own: between strings and numbers or bools, and nothing else.

    pub fn to_text(&self) -> Option<Arc<str>> {
        match self {
            Self::String(text) => Some(text.clone()),
            Self::Number(n) => Some(n.to_string().into()),
            Self::Bool(b) => Some(if *b { "true" } else { "false" }.into()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    pub fn to_number(&self) -> Option<Number> {
        match self {
            Self::Number(n) => Some(*n),
            Self::String(text) => Number::parse(text),
            _ => None,
        }
    }

    pub fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            Self::String(text) => match &**text {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Number(Number::Int(n)) => (*n).into(),
            Self::Number(Number::Float(n)) => (*n).into(),
            Self::String(text) => (**text).into(),
            Self::List(items) => items.iter().map(Self::to_json).collect::<Vec<_>>().into(),
            Self::Map(items) => serde_json::Value::Object(items.iter().map(|(key, item)| (key.clone(), item.to_json())).collect()),
        }
    }

    pub fn from_json(json: &serde_json::Value) -> Result<Self, TooBig> {
        Ok(match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => {
                let number = n.as_i64().map(Number::Int).or_else(|| n.as_f64().and_then(Number::from_f64));
                number.map_or(Self::Null, Self::Number)
            }
            serde_json::Value::String(text) => Self::string(text.as_str()),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from_json).collect::<Result<_, _>>()?)?,
            serde_json::Value::Object(items) => {
                Self::map(items.iter().map(|(key, item)| Ok((key.clone(), Self::from_json(item)?))).collect::<Result<_, TooBig>>()?)?
            }
        })
    }
}

fn measure<'a>(items: impl Iterator<Item = (usize, &'a Value)>) -> Result<(usize, usize), TooBig> {
    let mut weight = 0usize;
    let mut depth = 0;
    for (key, item) in items {
        weight = weight.saturating_add(key).saturating_add(item.weight());
        depth = depth.max(item.depth());
    }
    if weight > MAX_WEIGHT {
        return Err(TooBig::Heavy);
    }
    if depth >= MAX_DEPTH {
        return Err(TooBig::Deep);
    }
    Ok((weight, depth + 1))
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}
