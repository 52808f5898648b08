//! Expressions to values.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{BinaryOperator, Conditional, Expression, ForExpr, FuncCall, Object, ObjectKey, UnaryOp, UnaryOperator};

use super::number::Number;
use super::scope::{EvalError, EvalResult, Scope};
use super::value::Value;
use super::{functions, operators, template, traversal, types};

/// Work of one round of a loop beside that of what it evaluates, see `Meter`: a scope with its names.
pub const COST_PER_ROUND: usize = 4;

/// The value of `expr`.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn evaluate(expr: &Expression, scope: &Scope<'_>) -> EvalResult {
    let span = expr.span();
    scope.spend(1, span.clone())?;
    scope.nested(span, || dispatch(expr, scope))
}

/// Each arm is a call, so that this frame, which repeats per level of nesting, stays small.
fn dispatch(expr: &Expression, scope: &Scope<'_>) -> EvalResult {
    match expr {
        Expression::Null(_) => Ok(Value::Null),
        Expression::Bool(value) => Ok(Value::Bool(*value.value())),
        Expression::Number(number) => literal_number(number.value(), expr.span()),
        Expression::String(text) => literal_string(text.value(), scope, expr.span()),
        Expression::Array(array) => list(array.iter(), scope, expr.span()),
        Expression::Object(object) => map(object, scope, expr.span()),
        Expression::StringTemplate(template) => template::evaluate_quoted(template, scope, expr.span().as_ref()),
        Expression::HeredocTemplate(heredoc) => template::evaluate_heredoc(heredoc, scope, expr.span().as_ref()),
        Expression::Parenthesis(inner) => evaluate(inner.inner(), scope),
        Expression::Variable(name) => traversal::evaluate_root(name.as_str(), &[], scope, expr.span()),
        Expression::Traversal(path) => traversal::evaluate(path, scope, expr.span()),
        Expression::Conditional(choice) => conditional(choice, scope),
        Expression::FuncCall(call) => function_call(call, scope, expr.span()),
        Expression::UnaryOp(operation) => unary(operation, scope, expr.span()),
        Expression::BinaryOp(operation) => {
            binary(&operation.lhs_expr, *operation.operator.value(), &operation.rhs_expr, scope, expr.span())
        }
        Expression::ForExpr(comprehension) => for_expression(comprehension, scope, expr.span()),
    }
}

fn literal_number(number: &hcl_edit::Number, span: Option<Range<usize>>) -> EvalResult {
    let exact = number.as_i64().map(Number::Int);
    exact
        .or_else(|| number.as_f64().and_then(Number::from_f64))
        .map(Value::Number)
        .ok_or_else(|| EvalError::new("bad-number", span, "the number is out of range"))
}

fn literal_string(text: &str, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    scope.spend(text.len() / 16, span)?;
    Ok(Value::string(text))
}

fn list<'a>(items: impl Iterator<Item = &'a Expression>, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    let items = items.map(|item| evaluate(item, scope)).collect::<EvalResult<Vec<_>>>()?;
    Scope::fits(Value::list(items), span)
}

fn map(object: &Object, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    let mut items = BTreeMap::new();
    for (key, value) in object.iter() {
        let name = match key {
            ObjectKey::Ident(name) => name.as_str().to_owned(),
            // A bare name in front of `=` is the key itself, not a variable.
            ObjectKey::Expression(Expression::Variable(name)) => name.as_str().to_owned(),
            ObjectKey::Expression(expr) => text_of(&evaluate(expr, scope)?, "a map's key", expr.span())?.to_string(),
        };
        items.insert(name, evaluate(value.expr(), scope)?);
    }
    Scope::fits(Value::map(items), span)
}

fn conditional(choice: &Conditional, scope: &Scope<'_>) -> EvalResult {
    let condition = evaluate(&choice.cond_expr, scope)?;
    if bool_of(&condition, "the condition", choice.cond_expr.span())? {
        evaluate(&choice.true_expr, scope)
    } else {
        evaluate(&choice.false_expr, scope)
    }
}

fn unary(operation: &UnaryOp, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    let value = evaluate(&operation.expr, scope)?;
    match operation.operator.value() {
        UnaryOperator::Not => Ok(Value::Bool(!bool_of(&value, "the operand of `!`", span)?)),
        UnaryOperator::Neg => {
            let number = number_of(&value, "the operand of `-`", span)?;
            Ok(Value::Number(match number {
                Number::Int(n) => n.checked_neg().map_or(Number::Float(-(n as f64)), Number::Int),
                Number::Float(n) => Number::Float(-n),
            }))
        }
    }
}

fn binary(left: &Expression, operator: BinaryOperator, right: &Expression, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    let left_value = evaluate(left, scope)?;
    if matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
        // The right side is not looked at when the left one decides.
        let decided = bool_of(&left_value, "the left operand", left.span())?;
        if decided == (operator == BinaryOperator::Or) {
            return Ok(Value::Bool(decided));
        }
        return Ok(Value::Bool(bool_of(&evaluate(right, scope)?, "the right operand", right.span())?));
    }
    let right_value = evaluate(right, scope)?;
    if matches!(operator, BinaryOperator::Eq | BinaryOperator::NotEq) {
        scope.spend(left_value.weight().min(right_value.weight()) / 16, span)?;
        return Ok(Value::Bool((left_value == right_value) == (operator == BinaryOperator::Eq)));
    }
    let is_text = |value: &Value| matches!(value, Value::String(_));
    let joins = operator == BinaryOperator::Plus && (is_text(&left_value) || is_text(&right_value));
    let hint = |error: Box<EvalError>| {
        let help =
            error.help.clone().or(joins.then(|| "`+` adds numbers; texts are put together as \"${a}${b}\", or with join()".to_owned()));
        error.with_help(help)
    };
    let a = number_of(&left_value, "the left operand", left.span()).map_err(hint)?;
    let b = number_of(&right_value, "the right operand", right.span()).map_err(hint)?;
    operators::arithmetic(a, operator, b).map_err(|problem| EvalError::new("bad-arithmetic", span, problem))
}

fn function_call(call: &FuncCall, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    let name = call.name.name.as_str();
    if call.name.is_namespaced() {
        return Err(EvalError::new("unknown-function", span, "functions have no namespaces in a jobspec"));
    }
    let arguments: Vec<&Expression> = call.args.iter().collect();
    match (name, arguments.as_slice()) {
        ("try", [_, ..]) => return try_each(&arguments, scope, span),
        ("can", [expr]) => return Ok(Value::Bool(succeeds(expr, scope)?)),
        ("convert", [value, kind]) => {
            let target = types::parse(kind).map_err(|problem| EvalError::new("bad-type", kind.span(), problem))?;
            let value = evaluate(value, scope)?;
            return target.convert(&value).map_err(|problem| EvalError::new("wrong-type", span, problem));
        }
        _ => {}
    }
    let mut values = arguments.iter().map(|argument| evaluate(argument, scope)).collect::<EvalResult<Vec<_>>>()?;
    if call.args.expand_final() {
        match values.pop() {
            Some(Value::List(items)) => values.extend(items.iter().cloned()),
            _ => return Err(EvalError::new("wrong-type", span, "only a list can be expanded with `...`")),
        }
    }
    scope.spend(values.iter().map(Value::weight).sum::<usize>() / 16, span.clone())?;
    scope.spend(functions::extra_work(name, &values), span.clone())?;
    let result = functions::call(name, &values, scope.files).map_err(|problem| problem.located(name, &arguments, span.clone()))?;
    scope.spend(result.weight() / 16, span)?;
    Ok(result)
}

fn try_each(arguments: &[&Expression], scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    let mut last = None;
    for argument in arguments {
        match evaluate(argument, scope) {
            Ok(value) => return Ok(value),
            Err(error) if error.is_final() => return Err(error),
            Err(error) => last = Some(error.message),
        }
    }
    Err(EvalError::new("try-failed", span, format!("none of the arguments of try() has a value; the last: {}", last.unwrap_or_default())))
}

fn succeeds(expr: &Expression, scope: &Scope<'_>) -> EvalResult<bool> {
    match evaluate(expr, scope) {
        Ok(_) => Ok(true),
        Err(error) if error.is_final() => Err(error),
        Err(_) => Ok(false),
    }
}

fn for_expression(comprehension: &ForExpr, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult {
    let intro = &comprehension.intro;
    let collection = evaluate(&intro.collection_expr, scope)?;
    let mut list = Vec::new();
    let mut map: BTreeMap<String, Value> = BTreeMap::new();
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, item) in elements(&collection, intro.collection_expr.span())? {
        scope.spend(COST_PER_ROUND, intro.collection_expr.span())?;
        let mut inner = Scope::child(scope);
        if let Some(name) = &intro.key_var {
            inner.set(name.as_str(), key);
        }
        inner.set(intro.value_var.as_str(), item);
        if let Some(filter) = &comprehension.cond
            && !bool_of(&evaluate(&filter.expr, &inner)?, "the condition of `for`", filter.expr.span())?
        {
            continue;
        }
        let value = evaluate(&comprehension.value_expr, &inner)?;
        let Some(key_expr) = &comprehension.key_expr else {
            list.push(value);
            continue;
        };
        let name = text_of(&evaluate(key_expr, &inner)?, "the key", key_expr.span())?.to_string();
        if comprehension.grouping {
            groups.entry(name).or_default().push(value);
        } else if map.insert(name.clone(), value).is_some() {
            return Err(EvalError::new("duplicate-key", key_expr.span(), format!("two elements have the key {name:?}"))
                .with_help(Some("group them with `...` after the value")));
        }
    }
    if comprehension.key_expr.is_none() {
        return Scope::fits(Value::list(list), span);
    }
    for (name, values) in groups {
        map.insert(name, Scope::fits(Value::list(values), span.clone())?);
    }
    Scope::fits(Value::map(map), span)
}

/// The keys and elements of a collection, in order: what `for`, `%{for}` and `for_each` walk over.
pub fn elements(collection: &Value, span: Option<Range<usize>>) -> EvalResult<Vec<(Value, Value)>> {
    match collection {
        Value::List(items) if items.is_set() => Ok(items.iter().map(|item| (item.clone(), item.clone())).collect()),
        Value::List(items) => Ok((0i64..).zip(items.iter()).map(|(index, item)| (Value::int(index), item.clone())).collect()),
        Value::Map(items) => Ok(items.iter().map(|(key, item)| (Value::string(key.as_str()), item.clone())).collect()),
        other => Err(EvalError::new("wrong-type", span, format!("only a list or a map can be walked over, this is {}", article(other)))),
    }
}

pub fn bool_of(value: &Value, what: &str, span: Option<Range<usize>>) -> EvalResult<bool> {
    value.to_bool().ok_or_else(|| wrong(value, what, "a bool", span))
}

pub fn number_of(value: &Value, what: &str, span: Option<Range<usize>>) -> EvalResult<Number> {
    value.to_number().ok_or_else(|| wrong(value, what, "a number", span))
}

pub fn text_of(value: &Value, what: &str, span: Option<Range<usize>>) -> EvalResult<std::sync::Arc<str>> {
    value.to_text().ok_or_else(|| wrong(value, what, "a string", span))
}

fn wrong(value: &Value, what: &str, wanted: &str, span: Option<Range<usize>>) -> Box<EvalError> {
    let error = EvalError::new("wrong-type", span, format!("{what} must be {wanted}, not {}", article(value)));
    error.with_help(value.is_runtime_text().then_some("`${...}` of the node is only known when the task runs"))
}

/// A value in a sentence: itself when it is short, else its kind.
pub fn article(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) if text.chars().count() <= 40 => format!("{text:?}"),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        other => format!("a {}", other.kind()),
    }
}
