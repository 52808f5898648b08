//! Expressions over JSON.
//!
//! `null` stands for the empty value of whatever type the field has, as an unset Go field does. A missing key below the top level
//! (an absent map entry, or a field that only some drivers set) is empty too; an unknown top-level name is an error.

use serde_json::Value;

use super::{Expression, FilterError, Operator, Selector};

pub(super) fn evaluate(expression: &Expression, object: &Value) -> Result<bool, FilterError> {
    match expression {
        Expression::Any(parts) => {
            for part in parts {
                if evaluate(part, object)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Expression::All(parts) => {
            for part in parts {
                if !evaluate(part, object)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Expression::Not(inner) => evaluate(inner, object).map(|result| !result),
        Expression::Match { selector, operator, negated } => {
            let selected = select(selector, object)?;
            compare(selector, operator, selected).map(|result| result != *negated)
        }
    }
}

fn select<'a>(selector: &Selector, object: &'a Value) -> Result<&'a Value, FilterError> {
    static NULL: Value = Value::Null;
    let mut value = object;
    for (depth, step) in selector.path.iter().enumerate() {
        let found = match value {
            Value::Object(fields) => fields.get(step),
            Value::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
            Value::Null => None,
            scalar => {
                return Err(FilterError::Mismatch { selector: selector.path[..depth].join("."), kind: kind(scalar), operator: "." });
            }
        };
        value = match found {
            Some(value) => value,
            None if depth == 0 => return Err(FilterError::UnknownField { selector: selector.to_string() }),
            None => return Ok(&NULL),
        };
    }
    Ok(value)
}

fn compare(selector: &Selector, operator: &Operator, selected: &Value) -> Result<bool, FilterError> {
    let mismatch = || FilterError::Mismatch { selector: selector.to_string(), kind: kind(selected), operator: operator.name() };
    match operator {
        Operator::Equal(value) => equals(selector, selected, value),
        Operator::Contains(value) => match selected {
            Value::Array(items) => Ok(items.iter().any(|item| equals(selector, item, value).unwrap_or(false))),
            Value::Object(fields) => Ok(fields.contains_key(value)),
            Value::String(text) => Ok(text.contains(value.as_str())),
            Value::Null => Ok(false),
            Value::Bool(_) | Value::Number(_) => Err(mismatch()),
        },
        Operator::Matches(regex) => match selected {
            Value::String(text) => Ok(regex.is_match(text)),
            Value::Null => Ok(regex.is_match("")),
            _ => Err(mismatch()),
        },
        Operator::Empty => match selected {
            Value::Null => Ok(true),
            Value::String(text) => Ok(text.is_empty()),
            Value::Array(items) => Ok(items.is_empty()),
            Value::Object(fields) => Ok(fields.is_empty()),
            Value::Bool(_) | Value::Number(_) => Err(mismatch()),
        },
    }
}

/// Whether a scalar equals a value that was written as text.
fn equals(selector: &Selector, selected: &Value, value: &str) -> Result<bool, FilterError> {
    let wrong_value = |kind| FilterError::Value { selector: selector.to_string(), kind, value: value.to_owned() };
    match selected {
        Value::String(text) => Ok(text == value),
        Value::Null => Ok(value.is_empty()),
        Value::Bool(selected) => value.parse::<bool>().map(|value| value == *selected).map_err(|_| wrong_value("boolean")),
        // Integers exactly: indexes and times do not fit a float.
        Value::Number(selected) => match (value.parse::<i128>(), selected.as_i128()) {
            (Ok(value), Some(selected)) => Ok(value == selected),
            _ => value.parse::<f64>().map(|value| Some(value) == selected.as_f64()).map_err(|_| wrong_value("number")),
        },
        Value::Array(_) | Value::Object(_) => {
            Err(FilterError::Mismatch { selector: selector.to_string(), kind: kind(selected), operator: "==" })
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}
