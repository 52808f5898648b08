//! Text. Positions count characters.

use super::{ANY_NUMBER, Args, Function, Problem, function};
use crate::jobspec::hcl::value::{MAX_WEIGHT, TooBig, Value};
use crate::util::go_regex;

pub const FUNCTIONS: &[Function] = &[
    function("chomp", 1, 1, |args| Ok(Value::string(args.text(0)?.trim_end_matches(['\r', '\n'])))),
    function("indent", 2, 2, indent),
    function("join", 1, ANY_NUMBER, join),
    function("lower", 1, 1, |args| Ok(Value::string(args.text(0)?.to_lowercase()))),
    function("regex_replace", 3, 3, regex_replace),
    function("replace", 3, 3, replace),
    function("split", 2, 2, split),
    function("strlen", 1, 1, |args| Ok(Value::int(i64::try_from(args.text(0)?.chars().count()).unwrap_or(i64::MAX)))),
    function("strrev", 1, 1, |args| Ok(Value::string(args.text(0)?.chars().rev().collect::<String>()))),
    function("substr", 3, 3, substr),
    function("title", 1, 1, title),
    function("trim", 2, 2, trim),
    function("trimprefix", 2, 2, |args| {
        let (text, prefix) = (args.text(0)?, args.text(1)?);
        Ok(Value::string(text.strip_prefix(&*prefix).unwrap_or(&text)))
    }),
    function("trimspace", 1, 1, |args| Ok(Value::string(args.text(0)?.trim()))),
    function("trimsuffix", 2, 2, |args| {
        let (text, suffix) = (args.text(0)?, args.text(1)?);
        Ok(Value::string(text.strip_suffix(&*suffix).unwrap_or(&text)))
    }),
    function("upper", 1, 1, |args| Ok(Value::string(args.text(0)?.to_uppercase()))),
];

/// All lines but the first get the indentation.
fn indent(args: &Args<'_>) -> Result<Value, Problem> {
    let spaces = usize::try_from(args.int(0)?).map_err(|_| Problem::at(0, "must not be negative"))?;
    let text = args.text(1)?;
    let lines = text.matches('\n').count();
    if lines.saturating_mul(spaces) > MAX_WEIGHT {
        return Err(TooBig::Heavy.into());
    }
    Ok(Value::string(text.replace('\n', &format!("\n{}", " ".repeat(spaces)))))
}

fn join(args: &Args<'_>) -> Result<Value, Problem> {
    let separator = args.text(0)?;
    let mut parts = Vec::new();
    for index in 1..args.len() {
        parts.extend(args.texts(index)?);
    }
    bounded(parts.len(), separator.len())?;
    Ok(parts.join(&separator).into())
}

/// Refuses a result of `count` pieces of `size` bytes before it is made.
fn bounded(count: usize, size: usize) -> Result<(), Problem> {
    if count.saturating_mul(size) > MAX_WEIGHT { Err(TooBig::Heavy.into()) } else { Ok(()) }
}

fn replace(args: &Args<'_>) -> Result<Value, Problem> {
    let (text, pattern, with) = (args.text(0)?, args.text(1)?, args.text(2)?);
    bounded(text.matches(&*pattern).count(), with.len())?;
    Ok(text.replace(&*pattern, &with).into())
}

fn regex_replace(args: &Args<'_>) -> Result<Value, Problem> {
    let (text, pattern, with) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let regex = go_regex::compile(&pattern).map_err(|error| Problem::at(1, format!("bad regular expression: {error}")))?;
    // A reference such as `$1` may stand for all of a match.
    let references = with.matches('$').count();
    bounded(regex.find_iter(&text).count(), with.len())?;
    bounded(references, text.len())?;
    Ok(Value::string(regex.replace_all(&text, &*with)))
}

fn split(args: &Args<'_>) -> Result<Value, Problem> {
    let (separator, text) = (args.text(0)?, args.text(1)?);
    if separator.is_empty() {
        return Ok(Value::strings(text.chars().map(String::from))?);
    }
    Ok(Value::strings(text.split(&*separator))?)
}

/// `substr(text, offset, length)`: a negative offset counts from the end, length -1 is "the rest".
fn substr(args: &Args<'_>) -> Result<Value, Problem> {
    let (text, offset, length) = (args.text(0)?, args.int(1)?, args.int(2)?);
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let start = if offset < 0 { count.saturating_add(offset).max(0) } else { offset };
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(text.chars().skip(start).take(length).collect::<String>().into())
}

fn title(args: &Args<'_>) -> Result<Value, Problem> {
    let mut in_word = false;
    let mut titled = String::new();
    for c in args.text(0)?.chars() {
        if in_word {
            titled.push(c);
        } else {
            titled.extend(c.to_uppercase());
        }
        in_word = c.is_alphanumeric() || matches!(c, '_' | '\'');
    }
    Ok(titled.into())
}

fn trim(args: &Args<'_>) -> Result<Value, Problem> {
    let (text, set) = (args.text(0)?, args.text(1)?);
    Ok(Value::string(text.trim_matches(|c| set.contains(c))))
}
