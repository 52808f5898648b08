//! Whether a text is a time table: `minute hour day-of-month month day-of-week`, with a year behind and seconds in front if wanted.

const ALIASES: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
    /// Whether `L`, `W` and `#` mean something.
    is_day: bool,
}

const fn field(name: &'static str, least: u32, most: u32) -> Field {
    Field { name, least, most, names: &[], is_day: false }
}

const FIELDS: [Field; 7] = [
    field("second", 0, 59),
    field("minute", 0, 59),
    field("hour", 0, 23),
    Field { name: "day of the month", least: 1, most: 31, names: &[], is_day: true },
    Field { name: "month", least: 1, most: 12, names: &MONTHS, is_day: false },
    Field { name: "day of the week", least: 0, most: 7, names: &DAYS, is_day: true },
    field("year", 1970, 2099),
];

/// What is wrong with `spec`.
pub fn problem(spec: &str) -> Option<String> {
    if spec.starts_with('@') {
        let is_known = ALIASES.contains(&spec);
        return (!is_known).then(|| format!("{spec:?} is not one of {}", ALIASES.join(", ")));
    }
    let parts: Vec<&str> = spec.split_whitespace().collect();
    let fields = match parts.len() {
        5 => &FIELDS[1..6],
        6 => &FIELDS[1..7],
        7 => &FIELDS[..],
        count => {
            let help = "there are 5 (minute, hour, day of the month, month, day of the week) to 7";
            return Some(format!("{spec:?} has {count} fields; {help}"));
        }
    };
    fields.iter().zip(&parts).find_map(|(field, part)| field.problem(part))
}

impl Field {
    fn problem(&self, part: &str) -> Option<String> {
        let wrong = part.split(',').find(|item| !self.accepts(item))?;
        let names = match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => format!(" or {}-{}", first.to_uppercase(), last.to_uppercase()),
            _ => String::new(),
        };
        Some(format!("{wrong:?} is no {}: {} to {}{names}, `*`, ranges `a-b` and steps `*/n`", self.name, self.least, self.most))
    }

    fn accepts(&self, item: &str) -> bool {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
            return false;
        }
        if matches!(range, "*" | "?") {
            return true;
        }
        if self.is_day {
            if range.eq_ignore_ascii_case("l") || range.eq_ignore_ascii_case("lw") {
                return true;
            }
            if let Some((day, nth)) = range.split_once('#') {
                return self.number(day).is_some() && nth.parse::<u32>().is_ok_and(|nth| (1..=5).contains(&nth));
            }
            if let Some(day) = range.strip_suffix(['L', 'l', 'W', 'w']) {
                return self.number(day).is_some();
            }
        }
        match range.split_once('-') {
            None => self.number(range).is_some(),
            Some((from, to)) => self.number(from).zip(self.number(to)).is_some_and(|(from, to)| from <= to),
        }
    }

    fn number(&self, text: &str) -> Option<u32> {
        let lower = text.to_lowercase();
        let named = self.names.iter().zip(self.least..).find(|(name, _)| lower.starts_with(**name) && text.len() <= 9);
        let value = named.map(|(_, value)| value).or_else(|| text.parse().ok())?;
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn time_tables_are_told_from_other_text() {
        for spec in
            ["* * * * *", "*/15 0-5,12 1,L * MON-FRI", "0 0 3 15W jan ? 2030", "0 0 * * 5L", "0 0 * * MON#2", "@daily", "5 4 * * sunday"]
        {
            assert_eq!(problem(spec), None, "{spec}");
        }
        for spec in ["", "* * *", "60 * * * *", "* 5-3 * * *", "*/0 * * * *", "* * 0 * *", "* * * foo *", "@often", "a b c d e"] {
            assert!(problem(spec).is_some(), "{spec}");
        }
    }
}
