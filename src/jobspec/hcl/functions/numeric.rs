//! Numbers.

use super::{ANY_NUMBER, Args, Function, Problem, function};
use crate::jobspec::hcl::number::Number;
use crate::jobspec::hcl::value::Value;

pub const FUNCTIONS: &[Function] = &[
    function("abs", 1, 1, abs),
    function("ceil", 1, 1, |args| whole(args, f64::ceil)),
    function("floor", 1, 1, |args| whole(args, f64::floor)),
    function("log", 2, 2, |args| float(args.number(0)?.as_f64().log(args.number(1)?.as_f64()))),
    function("max", 1, ANY_NUMBER, |args| extreme(args, |candidate, best| candidate.compare(best).is_gt())),
    function("min", 1, ANY_NUMBER, |args| extreme(args, |candidate, best| candidate.compare(best).is_lt())),
    function("parseint", 2, 2, parse_int),
    function("pow", 2, 2, pow),
    function("signum", 1, 1, |args| Ok(Value::int(args.number(0)?.as_f64().partial_cmp(&0.0).map_or(0, |order| order as i64)))),
];

fn float(value: f64) -> Result<Value, Problem> {
    Number::from_f64(value).map(Value::Number).ok_or_else(|| Problem::new("the result is not a number"))
}

fn abs(args: &Args<'_>) -> Result<Value, Problem> {
    match args.number(0)? {
        Number::Int(n) => Ok(n.checked_abs().map_or(Number::Float((n as f64).abs()), Number::Int).into()),
        Number::Float(n) => float(n.abs()),
    }
}

fn whole(args: &Args<'_>, round: fn(f64) -> f64) -> Result<Value, Problem> {
    match args.number(0)? {
        Number::Int(n) => Ok(Value::int(n)),
        Number::Float(n) => float(round(n)),
    }
}

fn extreme(args: &Args<'_>, better: fn(Number, Number) -> bool) -> Result<Value, Problem> {
    let mut best = args.number(0)?;
    for index in 1..args.len() {
        let candidate = args.number(index)?;
        if better(candidate, best) {
            best = candidate;
        }
    }
    Ok(best.into())
}

fn parse_int(args: &Args<'_>) -> Result<Value, Problem> {
    let text = args.text(0)?;
    let base = u32::try_from(args.int(1)?).ok().filter(|base| (2..=36).contains(base));
    let base = base.ok_or_else(|| Problem::at(1, "the base must be 2 to 36"))?;
    i64::from_str_radix(&text, base).map(Value::int).map_err(|_| Problem::at(0, format!("{text:?} is not a number in base {base}")))
}

fn pow(args: &Args<'_>) -> Result<Value, Problem> {
    let (base, exponent) = (args.number(0)?, args.number(1)?);
    if let (Number::Int(base), Number::Int(exponent)) = (base, exponent)
        && let Some(exact) = u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent))
    {
        return Ok(Value::int(exact));
    }
    float(base.as_f64().powf(exponent.as_f64()))
}
