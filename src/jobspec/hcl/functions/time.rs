//! Times, always as RFC 3339 text.

use std::fmt::Write as _;

use jiff::fmt::strtime;
use jiff::{SignedDuration, Zoned};

use super::{Args, Function, Problem, function};
use crate::jobspec::hcl::value::Value;
use crate::util::go_duration;

pub const FUNCTIONS: &[Function] = &[function("formatdate", 2, 2, format_date), function("timeadd", 2, 2, time_add)];

/// The time with the offset it was written with.
fn parse(args: &Args<'_>, index: usize) -> Result<Zoned, Problem> {
    let text = args.text(index)?;
    let bad = || Problem::at(index, format!("{text:?} is not a time such as 2026-01-31T10:00:00Z"));
    let pieces = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text.as_bytes()).map_err(|_| bad())?;
    let offset = pieces.to_numeric_offset().ok_or_else(bad)?;
    let time = pieces.time().ok_or_else(bad)?;
    offset.to_timestamp(pieces.date().to_datetime(time)).map(|at| at.to_zoned(offset.to_time_zone())).map_err(|_| bad())
}

fn time_add(args: &Args<'_>) -> Result<Value, Problem> {
    let at = parse(args, 0)?;
    let text = args.text(1)?;
    let (negative, magnitude) = text.strip_prefix('-').map_or((false, &*text), |rest| (true, rest));
    let duration = go_duration::parse(magnitude).map_err(|error| Problem::at(1, error.to_string()))?;
    let signed = SignedDuration::try_from(duration).map_err(|_| Problem::at(1, "the duration is too long"))?;
    let moved = at.checked_add(if negative { -signed } else { signed }).map_err(|_| Problem::new("the result is out of range"))?;
    Ok(rfc3339(&moved).into())
}

fn rfc3339(at: &Zoned) -> String {
    let offset = offset(at, "Z", true);
    format!("{}{offset}", strtime::format("%Y-%m-%dT%H:%M:%S", at).unwrap_or_default())
}

fn offset(at: &Zoned, zero: &str, colon: bool) -> String {
    let seconds = at.offset().seconds();
    if seconds == 0 && !zero.is_empty() {
        return zero.to_owned();
    }
    let minutes = seconds.abs() / 60;
    let separator = if colon { ":" } else { "" };
    format!("{}{:02}{separator}{:02}", if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

/// HCL's own date language: runs of one letter, and text in single quotes.
fn format_date(args: &Args<'_>) -> Result<Value, Problem> {
    let format = args.text(0)?;
    let at = parse(args, 1)?;
    let mut text = String::new();
    let mut rest = &*format;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = quoted(&rest[1..], &mut text)?;
            continue;
        }
        let end = rest.find(|c| c != first).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        rest = tail;
        if !first.is_ascii_alphabetic() {
            text.push_str(run);
            continue;
        }
        text.push_str(&piece(run, &at)?);
    }
    Ok(text.into())
}

/// Copies a quoted text, in which `''` is a quote, and returns what follows it.
fn quoted<'a>(mut rest: &'a str, text: &mut String) -> Result<&'a str, Problem> {
    loop {
        let end = rest.find('\'').ok_or_else(|| Problem::at(0, "a quote is not closed"))?;
        text.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if !rest.starts_with('\'') {
            return Ok(rest);
        }
        text.push('\'');
        rest = &rest[1..];
    }
}

fn piece(run: &str, at: &Zoned) -> Result<String, Problem> {
    let with = |pattern: &str| strtime::format(pattern, at).unwrap_or_default();
    let hour_of_12 = (at.hour() + 11) % 12 + 1;
    let mut text = String::new();
    let written = match run {
        "YYYY" => return Ok(with("%Y")),
        "YY" => return Ok(with("%y")),
        "MMMM" => return Ok(with("%B")),
        "MMM" => return Ok(with("%b")),
        "MM" => write!(text, "{:02}", at.month()),
        "M" => write!(text, "{}", at.month()),
        "DD" => write!(text, "{:02}", at.day()),
        "D" => write!(text, "{}", at.day()),
        "EEEE" => return Ok(with("%A")),
        "EEE" => return Ok(with("%a")),
        "hh" => write!(text, "{:02}", at.hour()),
        "h" => write!(text, "{}", at.hour()),
        "HH" => write!(text, "{hour_of_12:02}"),
        "H" => write!(text, "{hour_of_12}"),
        "AA" => write!(text, "{}", if at.hour() < 12 { "AM" } else { "PM" }),
        "aa" => write!(text, "{}", if at.hour() < 12 { "am" } else { "pm" }),
        "mm" => write!(text, "{:02}", at.minute()),
        "m" => write!(text, "{}", at.minute()),
        "ss" => write!(text, "{:02}", at.second()),
        "s" => write!(text, "{}", at.second()),
        "ZZZZZ" => return Ok(offset(at, "", true)),
        "ZZZZ" => return Ok(offset(at, "", false)),
        "ZZZ" => return Ok(offset(at, "UTC", false)),
        "Z" => return Ok(offset(at, "Z", true)),
        other => return Err(Problem::at(0, format!("{other:?} has no meaning; put text in single quotes"))),
    };
    written.map_err(|_| Problem::new("cannot be written"))?;
    Ok(text)
}
