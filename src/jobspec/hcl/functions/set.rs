//! Lists as sets: each element once, texts and numbers in ascending order.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{ANY_NUMBER, Args, Function, Problem, function};
use crate::jobspec::hcl::value::{MAX_WEIGHT, TooBig, Value};

pub const FUNCTIONS: &[Function] = &[
    function("setintersection", 1, ANY_NUMBER, intersection),
    function("setproduct", 1, ANY_NUMBER, product),
    function("setunion", 1, ANY_NUMBER, union),
];

/// `items` as a set.
pub fn set_of(items: Vec<Value>) -> Result<Value, TooBig> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Value> = items.into_iter().filter(|item| seen.insert(identity(item))).collect();
    kept.sort_by(order);
    Value::set(kept)
}

/// That of HCL's sets. What has no order keeps the one that it came in.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.as_f64().total_cmp(&b.as_f64()),
        _ => Ordering::Equal,
    }
}

/// `items`, each once.
pub fn unique(items: Vec<Value>) -> Result<Value, TooBig> {
    let mut seen = BTreeSet::new();
    Value::list(items.into_iter().filter(|item| seen.insert(identity(item))).collect())
}

/// A text that is equal for equal values, so that membership needs no pairwise comparison.
fn identity(value: &Value) -> String {
    value.to_json().to_string()
}

fn union(args: &Args<'_>) -> Result<Value, Problem> {
    let mut all = Vec::new();
    for index in 0..args.len() {
        all.extend_from_slice(args.list(index)?);
    }
    Ok(set_of(all)?)
}

fn intersection(args: &Args<'_>) -> Result<Value, Problem> {
    let mut kept = args.list(0)?.to_vec();
    for index in 1..args.len() {
        let other: BTreeSet<String> = args.list(index)?.iter().map(identity).collect();
        kept.retain(|item| other.contains(&identity(item)));
    }
    Ok(set_of(kept)?)
}

fn product(args: &Args<'_>) -> Result<Value, Problem> {
    let mut lists = Vec::new();
    let mut size = 16 * args.len();
    for index in 0..args.len() {
        let items = args.list(index)?;
        size = size.saturating_mul(items.len());
        lists.push(items);
    }
    if size > MAX_WEIGHT {
        return Err(TooBig::Heavy.into());
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for items in lists {
        rows = rows.iter().flat_map(|row| items.iter().map(move |item| [row.as_slice(), std::slice::from_ref(item)].concat())).collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::list).collect::<Result<_, _>>()?)?)
}
