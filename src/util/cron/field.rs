//! One field of a time table: which numbers it allows.

/// Numbers in ascending order, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values(Vec<u32>);

impl Values {
    pub fn first(&self) -> Option<u32> {
        self.0.first().copied()
    }

    pub fn contains(&self, value: u32) -> bool {
        self.0.binary_search(&value).is_ok()
    }

    pub fn at_or_after(&self, value: u32) -> Option<u32> {
        let at = self.0.partition_point(|own| *own < value);
        self.0.get(at).copied()
    }
}

impl From<Vec<u32>> for Values {
    fn from(mut values: Vec<u32>) -> Self {
        values.sort_unstable();
        values.dedup();
        Self(values)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
    Year,
}

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

impl FieldKind {
    fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of the month",
            Self::Month => "month",
            Self::DayOfWeek => "day of the week",
            Self::Year => "year",
        }
    }

    fn bounds(self) -> (u32, u32) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 7),
            Self::Year => (1970, 2099),
        }
    }

    /// Every number that a field of plain items allows.
    pub fn values(self, text: &str) -> Result<Values, String> {
        let mut values = Vec::new();
        for item in text.split(',') {
            values.extend(self.item(item).ok_or_else(|| self.problem(item))?);
        }
        Ok(values.into())
    }

    /// The numbers of one item: a number, a range or a step.
    pub fn item(self, item: &str) -> Option<impl Iterator<Item = u32>> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0)?)),
            None => (item, None),
        };
        let (least, most) = self.bounds();
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (least, if self == Self::DayOfWeek { 6 } else { most }),
            Some((from, to)) => {
                let (from, to) = (self.number(from)?, self.number(to)?);
                // `FRI-SUN`: Sunday ends a week as well as it begins one.
                (from, if self == Self::DayOfWeek && to == 0 && from > 0 { 7 } else { to })
            }
            // `5/10`: from 5 on.
            None if step.is_some() => (self.number(range)?, most),
            None => (self.number(range)?, self.number(range)?),
        };
        (from <= to).then(|| (from..=to).step_by(step.unwrap_or(1) as usize))
    }

    pub fn number(self, text: &str) -> Option<u32> {
        let (least, most) = self.bounds();
        let names: &[&str] = match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &DAYS,
            _ => &[],
        };
        let lower = text.to_lowercase();
        let named = names.iter().position(|name| lower == *name || lower == name[..3]);
        let value = match named {
            Some(position) => u32::try_from(position).ok()? + least,
            // Not "+5", which the standard library reads.
            None => text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())??,
        };
        (least..=most).contains(&value).then_some(value)
    }

    pub fn problem(self, item: &str) -> String {
        let (least, most) = self.bounds();
        let more = match self {
            Self::Month => ", JAN to DEC",
            Self::DayOfWeek => ", SUN to SAT, `5L`, `MON#2`",
            Self::DayOfMonth => ", `L`, `15W`, `LW`",
            _ => "",
        };
        format!("{item:?} is no {}: {least} to {most}{more}, `*`, ranges `a-b` and steps `*/n`", self.name())
    }
}
