//! One attribute's expression as the kind of value that its table asks for.

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use serde_json::Value as Json;

use super::schema::Kind;
use crate::jobspec::hcl::eval::{article, evaluate};
use crate::jobspec::hcl::number::Number;
use crate::jobspec::hcl::{EvalError, EvalResult, Scope, Value};
use crate::jobspec::suggest::did_you_mean;
use crate::util::go_duration;

/// The value of the attribute `name`, as JSON.
pub fn decode(kind: Kind, name: &str, expr: &Expression, scope: &Scope<'_>) -> EvalResult<Json> {
    let value = evaluate(expr, scope)?;
    if matches!(value, Value::Null) {
        return Ok(Json::Null);
    }
    scope.spend(value.weight(), expr.span())?;
    convert(kind, &value).map_err(|problem| problem.located(kind, name, expr, &value))
}

/// The value of `name` inside of a block that is a map of `kind`.
pub fn map_element(kind: Kind, name: &str, expr: &Expression, scope: &Scope<'_>) -> EvalResult<Json> {
    let inner = match kind {
        Kind::TextMap => Kind::Text,
        Kind::TextsMap => Kind::Texts,
        other => other,
    };
    let value = evaluate(expr, scope)?;
    convert(inner, &value).map_err(|problem| problem.located(inner, name, expr, &value))
}

/// Any value at all, as in a driver's `config`.
pub fn open(expr: &Expression, scope: &Scope<'_>) -> EvalResult<Json> {
    let value = evaluate(expr, scope)?;
    scope.spend(value.weight(), expr.span())?;
    Ok(value.to_json())
}

enum Problem {
    /// What was wanted.
    Wanted(&'static str),
    Message(String, Option<String>),
}

impl Problem {
    fn located(self, kind: Kind, name: &str, expr: &Expression, value: &Value) -> Box<EvalError> {
        let (message, help) = match self {
            Self::Wanted(wanted) => (format!("`{name}` must be {wanted}, not {}", article(value)), None),
            Self::Message(message, help) => (format!("`{name}`: {message}"), help),
        };
        // A lone name is taken for a reference to the node; mostly its quotes are missing.
        let unquoted = expr.as_variable().map(|name| format!("did you mean the text \"{}\", in quotes?", name.as_str()));
        let slip = slip(kind, value);
        let runtime = value.is_runtime_text().then(|| "`${...}` of the node is only known when the task runs".to_owned());
        EvalError::new("wrong-type", expr.span(), message).with_help(unquoted.or(help).or(runtime).or(slip))
    }
}

/// What would have been right, where that can be guessed.
fn slip(kind: Kind, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim(),
        _ => return None,
    };
    match kind {
        Kind::Texts if !text.is_empty() => Some(format!("write [{text:?}]")),
        Kind::Int => {
            let digits = &text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())];
            let unit = text[digits.len()..].trim();
            let is_unit = !digits.is_empty() && !unit.is_empty() && unit.chars().all(char::is_alphabetic);
            is_unit.then(|| "the number stands without a unit: cpu in MHz, memory and disk in MiB".to_owned())
        }
        _ => None,
    }
}

fn convert(kind: Kind, value: &Value) -> Result<Json, Problem> {
    match kind {
        Kind::Text => text(value).map(Json::from),
        Kind::Bool => value.to_bool().map(Json::from).ok_or(Problem::Wanted("true or false")),
        Kind::Int => value.to_number().and_then(Number::as_i64).map(Json::from).ok_or(Problem::Wanted("a whole number")),
        Kind::Float => value.to_number().map(|number| Json::from(number.as_f64())).ok_or(Problem::Wanted("a number")),
        Kind::Duration => duration(value),
        Kind::Texts => match value {
            Value::List(items) => items.iter().map(text).collect::<Result<Vec<_>, _>>().map(Json::from),
            _ => Err(Problem::Wanted("a list of strings")),
        },
        Kind::Ints => match value {
            Value::List(items) => items.iter().map(|item| convert(Kind::Int, item)).collect::<Result<Vec<_>, _>>().map(Json::from),
            _ => Err(Problem::Wanted("a list of whole numbers")),
        },
        Kind::TextMap => match value {
            Value::Map(items) => {
                items.iter().map(|(key, item)| Ok((key.clone(), Json::from(text(item)?)))).collect::<Result<_, _>>().map(Json::Object)
            }
            _ => Err(Problem::Wanted("a map of strings")),
        },
        Kind::TextsMap => match value {
            Value::Map(items) => {
                items.iter().map(|(key, item)| Ok((key.clone(), convert(Kind::Texts, item)?))).collect::<Result<_, _>>().map(Json::Object)
            }
            _ => Err(Problem::Wanted("a map of lists of strings")),
        },
        Kind::Config => match value {
            Value::Map(_) => Ok(value.to_json()),
            _ => Err(Problem::Wanted("a map")),
        },
        Kind::OneOf(names) => {
            let given = text(value)?;
            if names.contains(&given.as_str()) {
                return Ok(given.into());
            }
            let known: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            let help = did_you_mean(&given, names.iter().copied());
            Err(Problem::Message(format!("{given:?} is not one of {}", known.join(", ")), help))
        }
    }
}

fn text(value: &Value) -> Result<String, Problem> {
    value.to_text().map(|text| (*text).to_owned()).ok_or(Problem::Wanted("a string"))
}

/// What was meant by what is no duration: a bare number, or days.
fn duration_help(text: &str) -> Option<String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = text.strip_suffix(unit).filter(|number| !number.is_empty())?;
    match unit.trim() {
        "" => Some(format!("write \"{number}s\" for seconds")),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(format!("write \"{number}s\"")),
        "min" | "mins" | "minute" | "minutes" => Some(format!("write \"{number}m\"")),
        "hour" | "hours" => Some(format!("write \"{number}h\"")),
        "d" | "day" | "days" => number
            .parse::<u64>()
            .ok()
            .and_then(|days| days.checked_mul(24))
            .map(|hours| format!("write \"{hours}h\": the longest unit is the hour")),
        _ => None,
    }
}

fn duration(value: &Value) -> Result<Json, Problem> {
    if let Value::Number(number) = value {
        return number.as_i64().filter(|nanos| *nanos >= 0).map(Json::from).ok_or(Problem::Wanted("a duration such as \"30s\""));
    }
    let text = text(value).map_err(|_| Problem::Wanted("a duration such as \"30s\""))?;
    let parsed = go_duration::parse(&text).map_err(|error| Problem::Message(error.to_string(), duration_help(&text)))?;
    Ok(i64::try_from(parsed.as_nanos()).unwrap_or(i64::MAX).into())
}
