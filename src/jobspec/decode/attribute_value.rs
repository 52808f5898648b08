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
    convert(kind, &value).map_err(|problem| problem.located(name, expr, &value))
}

/// The value of `name` inside of a block that is a map of `kind`.
pub fn map_element(kind: Kind, name: &str, expr: &Expression, scope: &Scope<'_>) -> EvalResult<Json> {
    let inner = match kind {
        Kind::TextMap => Kind::Text,
        Kind::TextsMap => Kind::Texts,
        other => other,
    };
    let value = evaluate(expr, scope)?;
    convert(inner, &value).map_err(|problem| problem.located(name, expr, &value))
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
    fn located(self, name: &str, expr: &Expression, value: &Value) -> Box<EvalError> {
        let (message, help) = match self {
            Self::Wanted(wanted) => (format!("`{name}` must be {wanted}, not {}", article(value)), None),
            Self::Message(message, help) => (format!("`{name}`: {message}"), help),
        };
        // A lone name is taken for a reference to the node; mostly its quotes are missing.
        let unquoted = expr.as_variable().map(|name| format!("did you mean the text \"{}\", in quotes?", name.as_str()));
        let runtime = value.is_runtime_text().then(|| "`${...}` of the node is only known when the task runs".to_owned());
        EvalError::new("wrong-type", expr.span(), message).with_help(unquoted.or(help).or(runtime))
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

fn duration(value: &Value) -> Result<Json, Problem> {
    if let Value::Number(number) = value {
        return number.as_i64().filter(|nanos| *nanos >= 0).map(Json::from).ok_or(Problem::Wanted("a duration such as \"30s\""));
    }
    let text = text(value).map_err(|_| Problem::Wanted("a duration such as \"30s\""))?;
    let parsed = go_duration::parse(&text).map_err(|error| Problem::Message(error.to_string(), None))?;
    Ok(i64::try_from(parsed.as_nanos()).unwrap_or(i64::MAX).into())
}
