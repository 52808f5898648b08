//! Moments as people read them.

use crate::util::clock::Timestamp;

const NEVER: &str = "N/A";
const UNITS: [(&str, u64); 5] = [("y", 31_536_000), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// How long ago, in its two largest units: `3d4h ago`. Unix nanoseconds; 0 is never.
pub fn ago(nanos: i64, now: Timestamp) -> String {
    if nanos <= 0 {
        return NEVER.to_owned();
    }
    format!("{} ago", span(now.since(Timestamp(nanos)).as_secs()))
}

/// Seconds in their two largest units: `1h2m`.
pub fn span(seconds: u64) -> String {
    let Some(first) = UNITS.iter().position(|(_, size)| seconds >= *size) else {
        return "0s".to_owned();
    };
    let (name, size) = UNITS[first];
    let mut text = format!("{}{name}", seconds / size);
    if let Some((name, next_size)) = UNITS.get(first + 1) {
        let rest = seconds % size / next_size;
        if rest > 0 {
            text.push_str(&format!("{rest}{name}"));
        }
    }
    text
}

/// RFC 3339 in UTC to the second. Unix nanoseconds; 0 is never.
pub fn at(nanos: i64) -> String {
    if nanos <= 0 {
        return NEVER.to_owned();
    }
    let seconds = jiff::Timestamp::from_second(Timestamp(nanos).seconds());
    seconds.map_or_else(|_| NEVER.to_owned(), |moment| moment.to_string())
}

/// RFC 3339 text to the second; nothing, null and Go's zero time are never.
pub fn at_text(text: Option<&str>) -> String {
    let moment = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    moment.map_or_else(|| NEVER.to_owned(), |moment| at(i64::try_from(moment.as_nanosecond()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_keep_two_units() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (65, "1m5s"), (3_600, "1h"), (3_665, "1h1m"), (400_000, "4d15h"), (31_536_060, "1y")]
        {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(ago(0, Timestamp(5)), "N/A");
        assert_eq!(ago(1_000_000_000, Timestamp(91_000_000_000)), "1m30s ago");
    }

    #[test]
    fn moments_are_utc_to_the_second() {
        assert_eq!(at(1_700_000_000_123_456_789), "2023-11-14T22:13:20Z");
        assert_eq!(at_text(Some("2023-11-14T23:13:20.5+01:00")), "2023-11-14T22:13:20Z");
        assert_eq!(at_text(Some("0001-01-01T00:00:00Z")), "N/A");
        assert_eq!(at_text(None), "N/A");
    }
}
