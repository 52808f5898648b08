//! Type constraints (`list(string)`, `object({ port = number })`) and conversion to them.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, FuncCall, ObjectKey};

use super::eval::{article, evaluate};
use super::scope::{Meter, Scope};
use super::value::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Any,
    String,
    Number,
    Bool,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    /// Attributes with their types, and what stands for one that is left out, if it may be.
    Object(BTreeMap<String, (Type, Option<Value>)>),
    Tuple(Vec<Type>),
}

/// Reads the expression that a `type` attribute has. It is never evaluated.
pub fn parse(expr: &Expression) -> Result<Type, String> {
    match expr {
        Expression::Variable(name) => simple(name.as_str()),
        // The notation before HCL2.
        Expression::String(name) => simple(name.value()),
        Expression::Parenthesis(inner) => parse(inner.inner()),
        Expression::FuncCall(call) => constructed(call),
        _ => Err("a type is a keyword such as string, or a constructor such as list(string)".to_owned()),
    }
}

fn simple(name: &str) -> Result<Type, String> {
    Ok(match name {
        "any" => Type::Any,
        "string" => Type::String,
        "number" => Type::Number,
        "bool" => Type::Bool,
        "list" => Type::List(Box::new(Type::Any)),
        "set" => Type::Set(Box::new(Type::Any)),
        "map" => Type::Map(Box::new(Type::Any)),
        other => return Err(format!("`{other}` is not a type; there are any, string, number, bool, list, set, map, object and tuple")),
    })
}

fn constructed(call: &FuncCall) -> Result<Type, String> {
    let name = call.name.name.as_str();
    let arguments: Vec<&Expression> = call.args.iter().collect();
    let [argument] = arguments.as_slice() else {
        return Err(format!("{name}() takes one type"));
    };
    match (name, argument) {
        ("list", inner) => Ok(Type::List(Box::new(parse(inner)?))),
        ("set", inner) => Ok(Type::Set(Box::new(parse(inner)?))),
        ("map", inner) => Ok(Type::Map(Box::new(parse(inner)?))),
        ("tuple", Expression::Array(items)) => Ok(Type::Tuple(items.iter().map(parse).collect::<Result<_, _>>()?)),
        ("object", Expression::Object(object)) => {
            let mut attributes = BTreeMap::new();
            for (key, value) in object.iter() {
                let name = match key {
                    ObjectKey::Ident(name) => name.as_str(),
                    ObjectKey::Expression(Expression::Variable(name)) => name.as_str(),
                    ObjectKey::Expression(Expression::String(name)) => name.value(),
                    ObjectKey::Expression(_) => return Err("an attribute of object() is a plain name".to_owned()),
                };
                attributes.insert(name.to_owned(), attribute(value.expr())?);
            }
            Ok(Type::Object(attributes))
        }
        ("tuple" | "object", _) => Err("write tuple([type, ...]) or object({ name = type, ... })".to_owned()),
        _ => Err(format!("`{name}` is not a type constructor; there are list, set, map, object and tuple")),
    }
}

/// The type of an object's attribute, which may be `optional(type)` or `optional(type, default)`.
fn attribute(expr: &Expression) -> Result<(Type, Option<Value>), String> {
    if let Expression::FuncCall(call) = expr
        && call.name.name.as_str() == "optional"
    {
        let inner = call.args.get(0).ok_or("optional() takes a type")?;
        let inner = parse(inner)?;
        let default = match call.args.get(1) {
            None => Value::Null,
            Some(default) => {
                let meter = Meter::default();
                let value = evaluate(default, &Scope::root(None, &meter)).map_err(|error| error.message)?;
                inner.convert(&value).map_err(|problem| format!("the default of optional(): {problem}"))?
            }
        };
        return Ok((inner, Some(default)));
    }
    Ok((parse(expr)?, None))
}

impl Type {
    /// `value` as this type. Null is a value of every type.
    pub fn convert(&self, value: &Value) -> Result<Value, String> {
        let fail = || format!("{} is not {}", article(value), self.name());
        match (self, value) {
            (Self::Any, _) | (_, Value::Null) => Ok(value.clone()),
            (Self::String, _) => value.to_text().map(Value::String).ok_or_else(fail),
            (Self::Number, _) => value.to_number().map(Value::Number).ok_or_else(fail),
            (Self::Bool, _) => value.to_bool().map(Value::Bool).ok_or_else(fail),
            (Self::List(inner), Value::List(items)) => list(items.iter().map(|item| inner.convert(item))),
            (Self::Set(inner), Value::List(items)) => {
                let converted = items.iter().map(|item| inner.convert(item)).collect::<Result<Vec<_>, _>>()?;
                super::functions::set::set_of(converted).map_err(|error| error.to_string())
            }
            (Self::Map(inner), Value::Map(items)) => map(items.iter().map(|(key, item)| (key, inner.convert(item)))),
            (Self::Tuple(types), Value::List(items)) if types.len() == items.len() => {
                list(types.iter().zip(items.iter()).map(|(inner, item)| inner.convert(item)))
            }
            (Self::Object(attributes), Value::Map(items)) => {
                let mut converted = BTreeMap::new();
                for (name, (inner, default)) in attributes {
                    let item = match (items.get(name), default) {
                        // Null asks for the default too.
                        (None | Some(Value::Null), Some(default)) => default.clone(),
                        (Some(item), _) => inner.convert(item).map_err(|problem| format!("attribute `{name}`: {problem}"))?,
                        (None, None) => return Err(format!("attribute `{name}` is missing")),
                    };
                    converted.insert(name.clone(), item);
                }
                Value::map(converted).map_err(|error| error.to_string())
            }
            _ => Err(fail()),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Any => "a value".to_owned(),
            Self::String => "a string".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Bool => "a bool".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Set(_) => "a set".to_owned(),
            Self::Map(_) => "a map".to_owned(),
            Self::Object(_) => "an object".to_owned(),
            Self::Tuple(types) => format!("a tuple of {}", types.len()),
        }
    }

    /// Whether a variable of this type, given as plain text, is that text rather than an expression.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::String)
    }
}

fn list(items: impl Iterator<Item = Result<Value, String>>) -> Result<Value, String> {
    let converted = items
        .enumerate()
        .map(|(index, item)| item.map_err(|problem| format!("element {index}: {problem}")))
        .collect::<Result<Vec<_>, _>>()?;
    Value::list(converted).map_err(|error| error.to_string())
}

fn map<'a>(items: impl Iterator<Item = (&'a String, Result<Value, String>)>) -> Result<Value, String> {
    let converted = items
        .map(|(key, item)| item.map(|item| (key.clone(), item)).map_err(|problem| format!("element {key:?}: {problem}")))
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    Value::map(converted).map_err(|error| error.to_string())
}
