//! The two fields about days, which only mean something together and within a month.

use jiff::civil::{Date, Weekday};

use super::field::FieldKind;

/// Which days of a month a table allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days {
    /// `None`: any. When both are restricted, either is enough.
    of_month: Option<Vec<MonthDay>>,
    of_week: Option<Vec<WeekDay>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MonthDay {
    Plain(i8),
    Last,
    /// The weekday (Monday to Friday) nearest to this day, within the month.
    Nearest(i8),
    LastWeekday,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WeekDay {
    Plain(Weekday),
    /// The last one in the month.
    Last(Weekday),
    /// The n-th one in the month.
    Nth(Weekday, i8),
}

impl Days {
    pub fn parse(of_month: &str, of_week: &str) -> Result<Self, String> {
        Ok(Self {
            of_month: items(of_month, FieldKind::DayOfMonth, month_days)?,
            of_week: items(of_week, FieldKind::DayOfWeek, week_days)?,
        })
    }

    /// The first allowed day in the month of `from`, at or after it.
    pub fn at_or_after(&self, from: Date) -> Option<i8> {
        (from.day()..=from.days_in_month()).find(|day| from.with().day(*day).build().is_ok_and(|date| self.allows(date)))
    }

    fn allows(&self, date: Date) -> bool {
        let by_month = |items: &Vec<MonthDay>| items.iter().any(|item| item.is(date));
        let by_week = |items: &Vec<WeekDay>| items.iter().any(|item| item.is(date));
        match (&self.of_month, &self.of_week) {
            (None, None) => true,
            (Some(month), None) => by_month(month),
            (None, Some(week)) => by_week(week),
            (Some(month), Some(week)) => by_month(month) || by_week(week),
        }
    }
}

impl MonthDay {
    fn is(self, date: Date) -> bool {
        match self {
            Self::Plain(day) => date.day() == day,
            Self::Last => date.day() == date.days_in_month(),
            Self::Nearest(day) => nearest_weekday(date, day) == Some(date.day()),
            Self::LastWeekday => nearest_weekday(date, date.days_in_month()) == Some(date.day()),
        }
    }
}

impl WeekDay {
    fn is(self, date: Date) -> bool {
        match self {
            Self::Plain(weekday) => date.weekday() == weekday,
            Self::Last(weekday) => date.weekday() == weekday && date.day() + 7 > date.days_in_month(),
            Self::Nth(weekday, nth) => date.weekday() == weekday && (date.day() - 1) / 7 + 1 == nth,
        }
    }
}

/// The weekday nearest to a day of the month of `date`, without leaving the month.
fn nearest_weekday(date: Date, day: i8) -> Option<i8> {
    let wanted = date.with().day(day).build().ok()?;
    let shift = match wanted.weekday() {
        Weekday::Saturday if day == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if day == date.days_in_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    Some(day + shift)
}

/// `None` for a field that allows every day.
fn items<T>(text: &str, kind: FieldKind, read: fn(&str) -> Option<Vec<T>>) -> Result<Option<Vec<T>>, String> {
    let mut all = Vec::new();
    let mut is_any = false;
    for item in text.split(',') {
        is_any |= matches!(item, "*" | "?" | "*/1");
        all.extend(read(item).ok_or_else(|| kind.problem(item))?);
    }
    Ok((!is_any).then_some(all))
}

fn month_days(item: &str) -> Option<Vec<MonthDay>> {
    let number = |text: &str| i8::try_from(FieldKind::DayOfMonth.number(text)?).ok();
    let upper = item.to_uppercase();
    if upper == "L" {
        return Some(vec![MonthDay::Last]);
    }
    if upper == "LW" {
        return Some(vec![MonthDay::LastWeekday]);
    }
    if let Some(day) = upper.strip_suffix('W') {
        return Some(vec![MonthDay::Nearest(number(day)?)]);
    }
    Some(FieldKind::DayOfMonth.item(item)?.filter_map(|day| i8::try_from(day).ok()).map(MonthDay::Plain).collect())
}

fn week_days(item: &str) -> Option<Vec<WeekDay>> {
    let day = |text: &str| weekday(FieldKind::DayOfWeek.number(text)?);
    if let Some((name, nth)) = item.split_once('#') {
        let nth = nth.parse::<i8>().ok().filter(|nth| (1..=5).contains(nth))?;
        return Some(vec![WeekDay::Nth(day(name)?, nth)]);
    }
    if let Some(name) = item.strip_suffix(['L', 'l']) {
        return Some(vec![WeekDay::Last(day(name)?)]);
    }
    Some(FieldKind::DayOfWeek.item(item)?.filter_map(weekday).map(WeekDay::Plain).collect())
}

/// 0 and 7 are Sunday.
fn weekday(number: u32) -> Option<Weekday> {
    Weekday::from_sunday_zero_offset(i8::try_from(number % 7).ok()?).ok()
}
