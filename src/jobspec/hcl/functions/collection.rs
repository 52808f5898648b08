//! Lists and maps.

use std::collections::BTreeMap;

use super::{ANY_NUMBER, Args, Function, Problem, function, set};
use crate::jobspec::hcl::number::Number;
use crate::jobspec::hcl::value::{MAX_WEIGHT, TooBig, Value};

pub const FUNCTIONS: &[Function] = &[
    function("chunklist", 2, 2, chunk_list),
    function("coalesce", 1, ANY_NUMBER, coalesce),
    function("coalescelist", 1, ANY_NUMBER, coalesce_list),
    function("compact", 1, 1, compact),
    function("concat", 1, ANY_NUMBER, concat),
    function("contains", 2, 2, |args| Ok(args.list(0)?.contains(args.value(1)).into())),
    function("distinct", 1, 1, |args| Ok(set::unique(args.list(0)?.to_vec())?)),
    function("element", 2, 2, element),
    function("flatten", 1, 1, flatten),
    function("index", 2, 2, index),
    function("keys", 1, 1, |args| Ok(Value::strings(args.map(0)?.keys().map(String::as_str))?)),
    function("length", 1, 1, length),
    function("lookup", 2, 3, lookup),
    function("merge", 0, ANY_NUMBER, merge),
    function("range", 1, 3, range),
    function("reverse", 1, 1, |args| Ok(Value::list(args.list(0)?.iter().rev().cloned().collect())?)),
    function("slice", 3, 3, slice),
    function("sort", 1, 1, sort),
    function("values", 1, 1, |args| Ok(Value::list(args.map(0)?.values().cloned().collect())?)),
    function("zipmap", 2, 2, zip_map),
];

fn chunk_list(args: &Args<'_>) -> Result<Value, Problem> {
    let size = usize::try_from(args.int(1)?).map_err(|_| Problem::at(1, "must not be negative"))?;
    let items = args.list(0)?;
    // Size 0 is "all in one".
    let size = if size == 0 { items.len().max(1) } else { size };
    let chunks = items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect::<Result<_, _>>()?;
    Ok(Value::list(chunks)?)
}

fn coalesce(args: &Args<'_>) -> Result<Value, Problem> {
    let found = args.from(0).map(|(_, value)| value).find(|value| !matches!(value, Value::Null) && !is_empty_text(value));
    found.cloned().ok_or_else(|| Problem::new("no argument has a value"))
}

fn is_empty_text(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.is_empty())
}

fn coalesce_list(args: &Args<'_>) -> Result<Value, Problem> {
    for (index, value) in args.from(0) {
        if !args.list(index)?.is_empty() {
            return Ok(value.clone());
        }
    }
    Err(Problem::new("every list is empty"))
}

fn compact(args: &Args<'_>) -> Result<Value, Problem> {
    let kept = args.list(0)?.iter().filter(|item| !matches!(item, Value::Null) && !is_empty_text(item));
    Ok(Value::list(kept.cloned().collect())?)
}

fn concat(args: &Args<'_>) -> Result<Value, Problem> {
    let mut all = Vec::new();
    for index in 0..args.len() {
        all.extend_from_slice(args.list(index)?);
    }
    Ok(Value::list(all)?)
}

/// Beyond the end it starts over.
fn element(args: &Args<'_>) -> Result<Value, Problem> {
    let items = args.list(0)?;
    let index = usize::try_from(args.int(1)?).map_err(|_| Problem::at(1, "must not be negative"))?;
    if items.is_empty() {
        return Err(Problem::at(0, "the list is empty"));
    }
    Ok(items[index % items.len()].clone())
}

fn flatten(args: &Args<'_>) -> Result<Value, Problem> {
    fn gather(items: &[Value], into: &mut Vec<Value>) {
        for item in items {
            match item {
                Value::List(inner) => gather(inner, into),
                other => into.push(other.clone()),
            }
        }
    }
    let mut flat = Vec::new();
    gather(args.list(0)?, &mut flat);
    Ok(Value::list(flat)?)
}

fn index(args: &Args<'_>) -> Result<Value, Problem> {
    let found = args.list(0)?.iter().position(|item| item == args.value(1));
    found.and_then(|at| i64::try_from(at).ok()).map(Value::int).ok_or_else(|| Problem::at(1, "is not in the list"))
}

fn length(args: &Args<'_>) -> Result<Value, Problem> {
    let count = match args.value(0) {
        Value::List(items) => items.len(),
        Value::Map(items) => items.len(),
        Value::String(text) => text.chars().count(),
        _ => return Err(args.wanted(0, "a list, map or string")),
    };
    Ok(Value::int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn lookup(args: &Args<'_>) -> Result<Value, Problem> {
    let key = args.text(1)?;
    match args.map(0)?.get(&*key) {
        Some(value) => Ok(value.clone()),
        None if args.len() == 3 => Ok(args.value(2).clone()),
        None => Err(Problem::at(1, format!("the map has no key {key:?}"))),
    }
}

fn merge(args: &Args<'_>) -> Result<Value, Problem> {
    let mut merged = BTreeMap::new();
    for (index, value) in args.from(0) {
        if !matches!(value, Value::Null) {
            merged.extend(args.map(index)?.iter().map(|(key, item)| (key.clone(), item.clone())));
        }
    }
    Ok(Value::map(merged)?)
}

/// `range(limit)`, `range(start, limit)`, `range(start, limit, step)`; the limit is not part of it.
fn range(args: &Args<'_>) -> Result<Value, Problem> {
    let zero = Number::Int(0);
    let (start, limit) = if args.len() == 1 { (zero, args.number(0)?) } else { (args.number(0)?, args.number(1)?) };
    let downward = limit.compare(start).is_lt();
    let step = if args.len() == 3 { args.number(2)? } else { Number::Int(if downward { -1 } else { 1 }) };
    if step.is_zero() || (step.compare(zero).is_lt() != downward && limit != start) {
        return Err(Problem::at(args.len() - 1, "the step does not lead to the limit"));
    }
    let count = ((limit.as_f64() - start.as_f64()) / step.as_f64()).ceil().max(0.0);
    if count * 16.0 > MAX_WEIGHT as f64 {
        return Err(TooBig::Heavy.into());
    }
    let mut items = Vec::with_capacity(count as usize);
    let mut current = start;
    for _ in 0..count as usize {
        items.push(Value::Number(current));
        current = current.combine(step, i64::checked_add, |a, b| a + b).ok_or_else(|| Problem::new("the range is too wide"))?;
    }
    Ok(Value::list(items)?)
}

fn slice(args: &Args<'_>) -> Result<Value, Problem> {
    let items = args.list(0)?;
    let bounds = (usize::try_from(args.int(1)?), usize::try_from(args.int(2)?));
    match bounds {
        (Ok(start), Ok(end)) if start <= end && end <= items.len() => Ok(Value::list(items[start..end].to_vec())?),
        _ => Err(Problem::new(format!("the bounds must lie in 0..={} and not cross", items.len()))),
    }
}

fn sort(args: &Args<'_>) -> Result<Value, Problem> {
    let mut texts = args.texts(0)?;
    texts.sort();
    Ok(Value::strings(texts)?)
}

fn zip_map(args: &Args<'_>) -> Result<Value, Problem> {
    let (keys, values) = (args.texts(0)?, args.list(1)?);
    if keys.len() != values.len() {
        return Err(Problem::new(format!("there are {} keys for {} values", keys.len(), values.len())));
    }
    Ok(Value::map(keys.iter().map(|key| (**key).to_owned()).zip(values.iter().cloned()).collect())?)
}
