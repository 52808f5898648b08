//! `root.attribute[index][*].more`, and references that only the node can resolve.

use std::ops::Range;

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::{Decorated, Span};

use super::eval::{article, evaluate as evaluate_expression, number_of, text_of};
use super::scope::{EvalError, EvalResult, Scope};
use super::value::Value;
use crate::jobspec::suggest::did_you_mean;

type Operators = [Decorated<TraversalOperator>];

pub fn evaluate(path: &Traversal, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    if let Expression::Variable(root) = &path.expr {
        return evaluate_root(root.as_str(), &path.operators, scope, span);
    }
    let base = evaluate_expression(&path.expr, scope)?;
    walk(base, &path.operators, scope, span.as_ref())
}

/// A path that starts with a name. A name nobody declared belongs to the node: the whole path stays as `${...}` text.
pub fn evaluate_root(root: &str, operators: &Operators, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    match scope.get(root) {
        Some(value) => {
            if let ("var" | "local", Value::Map(known), Some(name)) = (root, value, operators.first().map(Decorated::value))
                && let TraversalOperator::GetAttr(name) = name
                && !known.contains_key(name.as_str())
            {
                return Err(undeclared(root, name.as_str(), known.keys().map(String::as_str), name.span().or(span)));
            }
            walk(value.clone(), operators, scope, span.as_ref())
        }
        None => verbatim(root, operators, scope, span.as_ref()),
    }
}

fn undeclared<'a>(root: &str, name: &str, known: impl Iterator<Item = &'a str>, span: Option<Range<usize>>) -> Box<EvalError> {
    let declare = match root {
        "var" => format!("declare it with `variable {name:?} {{}}`"),
        _ => format!("declare it with `locals {{ {name} = ... }}`"),
    };
    EvalError::new("undeclared-name", span, format!("`{root}.{name}` is not declared"))
        .with_help(did_you_mean(name, known).or(Some(declare)))
}

fn verbatim(root: &str, operators: &Operators, scope: &Scope<'_>, span: Option<&Range<usize>>) -> EvalResult {
    let mut text = format!("${{{root}");
    for operator in operators {
        match operator.value() {
            TraversalOperator::GetAttr(name) => {
                text.push('.');
                text.push_str(name.as_str());
            }
            TraversalOperator::Index(key) => {
                let key = evaluate_expression(key, scope)?;
                match key {
                    Value::Number(n) => text.push_str(&format!("[{n}]")),
                    key => text.push_str(&format!("[\"{}\"]", text_of(&key, "the key", span.cloned())?)),
                }
            }
            TraversalOperator::LegacyIndex(index) => text.push_str(&format!(".{}", index.value())),
            TraversalOperator::AttrSplat(_) => text.push_str(".*"),
            TraversalOperator::FullSplat(_) => text.push_str("[*]"),
        }
    }
    text.push('}');
    Ok(text.into())
}

fn walk(mut value: Value, operators: &Operators, scope: &Scope<'_>, span: Option<&Range<usize>>) -> EvalResult {
    let mut rest = operators;
    while let Some((operator, tail)) = rest.split_first() {
        scope.spend(1, span.cloned())?;
        let here = operator.span().or_else(|| span.cloned());
        rest = tail;
        value = match operator.value() {
            TraversalOperator::GetAttr(name) => attribute(&value, name.as_str(), here)?,
            TraversalOperator::LegacyIndex(index) => element(&value, &Value::int(i64::try_from(*index.value()).unwrap_or(i64::MAX)), here)?,
            TraversalOperator::Index(key) => element(&value, &evaluate_expression(key, scope)?, here)?,
            TraversalOperator::AttrSplat(_) => {
                // `.*` takes the attributes after it along; an index is for the list of the results.
                let taken = tail.iter().take_while(|next| matches!(next.value(), TraversalOperator::GetAttr(_))).count();
                let (each, after) = tail.split_at(taken);
                rest = after;
                splat(&value, each, scope, span)?
            }
            TraversalOperator::FullSplat(_) => {
                rest = &[];
                splat(&value, tail, scope, span)?
            }
        };
    }
    Ok(value)
}

fn splat(value: &Value, each: &Operators, scope: &Scope<'_>, span: Option<&Range<usize>>) -> EvalResult {
    let items: Vec<Value> = match value {
        Value::Null => Vec::new(),
        Value::List(items) => items.to_vec(),
        single => vec![single.clone()],
    };
    let results = scope.nested(span.cloned(), || items.into_iter().map(|item| walk(item, each, scope, span)).collect())?;
    Scope::fits(Value::list(results), span.cloned())
}

fn attribute(value: &Value, name: &str, span: Option<Range<usize>>) -> EvalResult {
    let Value::Map(items) = value else {
        return Err(EvalError::new("wrong-type", span, format!("{} has no attributes", article(value))));
    };
    items.get(name).cloned().ok_or_else(|| {
        EvalError::new("unknown-key", span, format!("there is no attribute `{name}` here"))
            .with_help(did_you_mean(name, items.keys().map(String::as_str)))
    })
}

/// `value[key]`.
pub fn element(value: &Value, key: &Value, span: Option<Range<usize>>) -> EvalResult {
    match value {
        Value::List(items) => {
            let index = number_of(key, "the index", span.clone())?.as_i64();
            let found = index.and_then(|index| usize::try_from(index).ok()).and_then(|index| items.get(index));
            found.cloned().ok_or_else(|| {
                EvalError::new(
                    "bad-index",
                    span,
                    format!("index {} is outside of a list of {}", key.to_text().unwrap_or_default(), items.len()),
                )
            })
        }
        Value::Map(_) => attribute(value, &text_of(key, "the key", span.clone())?, span),
        other => Err(EvalError::new("wrong-type", span, format!("{} cannot be indexed", article(other)))),
    }
}
