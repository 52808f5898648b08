//! Numbers with a unit, as device attributes have them: `11 GiB`, `1590 MHz`, `250 W`.

/// Units that can be compared with each other, and what one of each is in the smallest of them.
const UNITS: [(&str, Family, f64); 26] = [
    ("B", Family::Bytes, 1.0),
    ("kB", Family::Bytes, 1e3),
    ("KB", Family::Bytes, 1e3),
    ("MB", Family::Bytes, 1e6),
    ("GB", Family::Bytes, 1e9),
    ("TB", Family::Bytes, 1e12),
    ("PB", Family::Bytes, 1e15),
    ("KiB", Family::Bytes, 1024.0),
    ("MiB", Family::Bytes, 1048576.0),
    ("GiB", Family::Bytes, 1073741824.0),
    ("TiB", Family::Bytes, 1099511627776.0),
    ("PiB", Family::Bytes, 1125899906842624.0),
    ("B/s", Family::BytesPerSecond, 1.0),
    ("kB/s", Family::BytesPerSecond, 1e3),
    ("MB/s", Family::BytesPerSecond, 1e6),
    ("GB/s", Family::BytesPerSecond, 1e9),
    ("KiB/s", Family::BytesPerSecond, 1024.0),
    ("MiB/s", Family::BytesPerSecond, 1048576.0),
    ("GiB/s", Family::BytesPerSecond, 1073741824.0),
    ("Hz", Family::Hertz, 1.0),
    ("MHz", Family::Hertz, 1e6),
    ("GHz", Family::Hertz, 1e9),
    ("mW", Family::Watts, 1e-3),
    ("W", Family::Watts, 1.0),
    ("kW", Family::Watts, 1e3),
    ("MW", Family::Watts, 1e6),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Bytes,
    BytesPerSecond,
    Hertz,
    Watts,
}

/// Both sides as plain numbers of one unit, when both are quantities of one kind; otherwise as they are.
pub fn comparable(left: &str, right: &str) -> Option<(String, String)> {
    let ((left_family, left), (right_family, right)) = (parse(left)?, parse(right)?);
    (left_family == right_family).then(|| (left.to_string(), right.to_string()))
}

fn parse(text: &str) -> Option<(Family, f64)> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))?;
    let (number, unit) = text.split_at(digits);
    let (_, family, scale) = UNITS.iter().find(|(name, _, _)| *name == unit.trim_start())?;
    Some((*family, number.parse::<f64>().ok()? * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_one_kind_compare_whatever_their_unit() {
        let order = |left, right| comparable(left, right).map(|(l, r)| l.parse::<f64>().unwrap().total_cmp(&r.parse::<f64>().unwrap()));
        use std::cmp::Ordering::{Equal, Greater, Less};
        for (left, right, expected) in [
            ("8 GiB", "8192 MiB", Some(Equal)),
            ("11 GiB", "8 GiB", Some(Greater)),
            ("11441MiB", "12 GB", Some(Less)),
            ("1.5 GHz", "1590 MHz", Some(Less)),
            ("250 W", "0.25 kW", Some(Equal)),
            ("8 GiB", "8 GHz", None),
            ("8", "8 GiB", None),
            ("GiB", "8 GiB", None),
            ("8 Gigs", "8 GiB", None),
        ] {
            assert_eq!(order(left, right), expected, "{left} {right}");
        }
    }
}
