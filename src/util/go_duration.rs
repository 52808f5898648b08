//! Durations as Go writes them (`1h30m`, `250ms`), the notation of Nomad's jobspecs and API.

use std::fmt::Write as _;
use std::time::Duration;

/// What is wrong with a duration's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid duration {text:?}: expected a number with a unit, such as \"30s\", \"1h30m\" or \"250ms\"")]
pub struct InvalidDuration {
    pub text: String,
}

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses `1h30m`, `1.5s`, `0`. Negative durations are refused: no field of ours has a use for one.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration { text: text.to_owned() };
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let nanos_per_unit = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let mut nanos = whole.checked_mul(nanos_per_unit).ok_or_else(invalid)?;
        let mut scale = nanos_per_unit;
        for digit in fraction.chars() {
            scale /= 10;
            let part = u64::from(digit.to_digit(10).ok_or_else(invalid)?) * scale;
            nanos = nanos.checked_add(part).ok_or_else(invalid)?;
        }
        total = total.checked_add(nanos).ok_or_else(invalid)?;
        rest = next;
    }
    if i64::try_from(total).is_err() {
        return Err(invalid());
    }
    Ok(Duration::from_nanos(total))
}

/// Go's shortest form: `1h30m0s`, `1.5s`, `250ms`, `0s`.
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    if nanos < 1_000 {
        return format!("{nanos}ns");
    }
    if nanos < 1_000_000 {
        return format!("{}µs", decimal(nanos, 1_000));
    }
    if nanos < 1_000_000_000 {
        return format!("{}ms", decimal(nanos, 1_000_000));
    }
    let hours = duration.as_secs() / 3600;
    let minutes = duration.as_secs() / 60 % 60;
    let seconds = nanos % 60_000_000_000;
    let mut text = String::new();
    if hours > 0 {
        let _ = write!(text, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    let _ = write!(text, "{}s", decimal(seconds, 1_000_000_000));
    text
}

fn decimal(value: u128, unit: u128) -> String {
    let whole = value / unit;
    let mut fraction = value % unit;
    if fraction == 0 {
        return whole.to_string();
    }
    let mut width = unit.ilog10() as usize;
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        width -= 1;
    }
    format!("{whole}.{fraction:0width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_as_go_does() {
        for (text, canonical, nanos) in [
            ("1h30m", "1h30m0s", 5_400_000_000_000),
            ("1.5s", "1.5s", 1_500_000_000),
            ("250ms", "250ms", 250_000_000),
            ("0", "0s", 0),
            ("100us", "100µs", 100_000),
            ("1m", "1m0s", 60_000_000_000),
            (".5s", "500ms", 500_000_000),
        ] {
            let duration = parse(text).unwrap();
            assert_eq!(duration.as_nanos(), nanos, "{text}");
            assert_eq!(format(duration), canonical);
        }
        for bad in ["", "5", "s", "-3s", "1x", "1..2s", ".s", "9999999999h", "18446744073.999999999s"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
