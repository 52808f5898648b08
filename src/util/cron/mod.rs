//! Time tables in the notation of cron, with the dialect that Nomad's jobspecs use.
//!
//! ```text
//! [second] minute hour day-of-month month day-of-week [year]
//! ```
//!
//! Five fields are the classic ones, a sixth is the year, and with seven the first is the second. Each field takes `*`, numbers, ranges
//! (`1-5`), steps (`*/15`, `10-50/20`, `5/10`) and lists of these; months and weekdays take English names; Sunday is 0 or 7. `?` is `*`.
//! Days of the month also take `L` (the last), `15W` (the weekday nearest to the 15th) and `LW` (the last weekday); days of the week take
//! `5L` (the last Friday of the month) and `MON#2` (the second Monday). When both day fields are restricted, either is enough.
//! `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`, `@midnight` and `@hourly` stand for the obvious.
//!
//! # Clocks that change
//!
//! Times are those of a wall clock in the job's time zone, and twice a year such a clock jumps. What is tied to an hour (`30 2 * * *`) runs
//! once on each of its days: in spring, a time that the clock skips is made up for at the moment of the jump; in autumn, a time
//! that comes twice counts the first time. What is not tied to an hour (the hour field is `*` or a step of it, as in `*/15 * * * *`) goes on
//! at its pace: skipped times are skipped, and repeated ones run again. This is what Vixie's cron made the custom of Unix: nothing is
//! lost, and nothing runs twice. Nomad only advises against time zones other than UTC.
//!
//! The crates for this (`croner`, `cron`, `saffron`) either bring a second library of calendars and time zones or read six fields with the
//! seconds first; the rules fit into three small files.

mod days;
mod field;
#[cfg(test)]
mod tests;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use self::days::Days;
use self::field::{FieldKind, Values};
use super::clock::Timestamp;

const NANOS: i64 = 1_000_000_000;

const ALIASES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// What is wrong with a time table or its time zone; says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    #[error("{0}")]
    Spec(String),
    #[error("{0:?} is not a time zone: expected a name of the IANA database, such as \"UTC\" or \"Europe/Berlin\"")]
    Zone(String),
}

/// A parsed time table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    seconds: Values,
    minutes: Values,
    hours: Values,
    /// The hour is any, or one in so many: the table is a pace, not a time of day.
    is_paced: bool,
    days: Days,
    months: Values,
    years: Values,
}

impl Cron {
    /// # Errors
    /// When the text is no time table.
    pub fn parse(spec: &str) -> Result<Self, CronError> {
        let wrong = |message: String| CronError::Spec(message);
        let mut text = spec.trim();
        if text.starts_with('@') {
            let names: Vec<&str> = ALIASES.iter().map(|(name, _)| *name).collect();
            let known = ALIASES.iter().find(|(name, _)| *name == text);
            text = known.map(|(_, spec)| *spec).ok_or_else(|| wrong(format!("{spec:?} is not one of {}", names.join(", "))))?;
        }
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (second, classic, year) = match parts.as_slice() {
            classic if classic.len() == 5 => ("0", classic, "*"),
            [classic @ .., year] if classic.len() == 5 => ("0", classic, *year),
            [second, classic @ .., year] if classic.len() == 5 => (*second, classic, *year),
            _ => {
                let help = "there are 5 (minute, hour, day of the month, month, day of the week) to 7";
                return Err(wrong(format!("{spec:?} has {} fields; {help}", parts.len())));
            }
        };
        let plain = |kind: FieldKind, text: &str| kind.values(text).map_err(wrong);
        Ok(Self {
            seconds: plain(FieldKind::Second, second)?,
            minutes: plain(FieldKind::Minute, classic[0])?,
            hours: plain(FieldKind::Hour, classic[1])?,
            is_paced: classic[1].starts_with(['*', '?']),
            days: Days::parse(classic[2], classic[4]).map_err(wrong)?,
            months: plain(FieldKind::Month, classic[3])?,
            years: plain(FieldKind::Year, year)?,
        })
    }

    /// The first time of the table after `after`, by the wall clock of `zone`; `None` when there is none before the year 2100.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut at = jiff::Timestamp::from_second(after.0.div_euclid(NANOS) + 1).ok()?;
        // Each turn passes one change of the zone's clock, and no table looks further ahead than its last year.
        loop {
            let offset = zone.to_offset(at);
            let local = offset.to_datetime(at);
            let from = if self.is_paced { local } else { end_of_repetition(zone, at).map_or(local, |end| end.max(local)) };
            let found = self.next_civil(from)?;
            let moment = offset.to_timestamp(found).ok()?;
            let Some(change) = zone.following(at).next().filter(|change| change.timestamp() <= moment) else {
                return from_jiff(moment);
            };
            let resumes = change.offset().to_datetime(change.timestamp());
            if !self.is_paced && found < resumes {
                // The clock skips this time.
                return from_jiff(change.timestamp());
            }
            at = change.timestamp();
        }
    }

    /// The first wall-clock time of the table at or after `from`.
    fn next_civil(&self, from: DateTime) -> Option<DateTime> {
        let mut time_of_day = self.next_time(from.time());
        let mut date = if time_of_day.is_some() { from.date() } else { from.date().tomorrow().ok()? };
        let first = date;
        date = self.next_date(date)?;
        if date != first || time_of_day.is_none() {
            time_of_day = self.next_time(Time::midnight());
        }
        Some(date.to_datetime(time_of_day?))
    }

    fn next_time(&self, from: Time) -> Option<Time> {
        let number = |value: i8| u32::try_from(value).unwrap_or(0);
        let (hour, minute, second) = (number(from.hour()), number(from.minute()), number(from.second()));
        let (first_minute, first_second) = (self.minutes.first()?, self.seconds.first()?);
        let same_hour = self.hours.contains(hour);
        if same_hour
            && self.minutes.contains(minute)
            && let Some(second) = self.seconds.at_or_after(second)
        {
            return time(hour, minute, second);
        }
        if same_hour && let Some(minute) = self.minutes.at_or_after(minute + 1) {
            return time(hour, minute, first_second);
        }
        time(self.hours.at_or_after(hour + 1)?, first_minute, first_second)
    }

    fn next_date(&self, from: Date) -> Option<Date> {
        let mut earliest = from;
        loop {
            let year = self.years.at_or_after(u32::try_from(earliest.year()).ok()?)?;
            if i16::try_from(year).ok()? > earliest.year() {
                earliest = Date::new(i16::try_from(year).ok()?, 1, 1).ok()?;
            }
            let month = u32::try_from(earliest.month()).ok()?;
            match self.months.at_or_after(month) {
                Some(next) => {
                    if next > month {
                        earliest = Date::new(earliest.year(), i8::try_from(next).ok()?, 1).ok()?;
                    }
                    if let Some(day) = self.days.at_or_after(earliest) {
                        return Date::new(earliest.year(), earliest.month(), day).ok();
                    }
                    earliest = earliest.last_of_month().tomorrow().ok()?;
                }
                None => earliest = Date::new(earliest.year() + 1, 1, 1).ok()?,
            }
        }
    }
}

/// The first time of any of `specs` after `after`, in the zone of this name.
///
/// # Errors
/// When a table or the zone is none.
pub fn next_of_all<S: AsRef<str>>(
    specs: impl IntoIterator<Item = S>,
    zone_name: &str,
    after: Timestamp,
) -> Result<Option<Timestamp>, CronError> {
    let zone = zone(zone_name)?;
    let mut earliest: Option<Timestamp> = None;
    for spec in specs {
        let next = Cron::parse(spec.as_ref())?.next_after(after, &zone);
        earliest = earliest.into_iter().chain(next).min();
    }
    Ok(earliest)
}

/// The time zone of this name: the machine's database first, then the one that is built in.
///
/// # Errors
/// When there is none. `Local` is none either: a cluster has many clocks.
pub fn zone(name: &str) -> Result<TimeZone, CronError> {
    TimeZone::get(name).map_err(|_| CronError::Zone(name.to_owned()))
}

/// The end of the hour that the clock of `zone` showed before, and shows for the second time at `at`.
fn end_of_repetition(zone: &TimeZone, at: jiff::Timestamp) -> Option<DateTime> {
    // Transitions before `at + 1 ns` are those at or before `at`.
    let after = at.checked_add(jiff::SignedDuration::from_nanos(1)).ok()?;
    let change = zone.preceding(after).next()?;
    let before = change.timestamp().checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?;
    Some(zone.to_offset(before).to_datetime(change.timestamp()))
}

fn time(hour: u32, minute: u32, second: u32) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, 0).ok()
}

fn from_jiff(moment: jiff::Timestamp) -> Option<Timestamp> {
    Some(Timestamp(moment.as_second().checked_mul(NANOS)?))
}
