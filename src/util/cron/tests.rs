//! Tables of cases: what is a time table, and when its next times are. Dates and weekdays of 2026 were checked with `cal` and `date`.

use super::{Cron, CronError, next_of_all, zone};
use crate::util::clock::Timestamp;

/// `2026-03-29T02:00:00Z`.
fn moment(text: &str) -> Timestamp {
    let parsed: jiff::Timestamp = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    Timestamp(i64::try_from(parsed.as_nanosecond()).unwrap())
}

fn next_times(spec: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let zone = zone(zone_name).unwrap();
    let cron = Cron::parse(spec).unwrap_or_else(|error| panic!("{error}"));
    let mut at = moment(after);
    let mut times = Vec::new();
    while times.len() < count
        && let Some(next) = cron.next_after(at, &zone)
    {
        assert!(next > at, "{spec}: {next} after {at}");
        times.push(next.rfc3339());
        at = next;
    }
    times
}

#[test]
fn the_next_time_of_each_table() {
    let cases: &[(&str, &str, &str)] = &[
        // Minutes and hours.
        ("* * * * *", "2026-11-21T14:42:21Z", "2026-11-21T14:43:00Z"),
        ("* * * * *", "2026-11-21T14:42:00Z", "2026-11-21T14:43:00Z"),
        ("*/15 * * * *", "2026-11-21T14:45:00Z", "2026-11-21T15:00:00Z"),
        ("5/20 * * * *", "2026-11-21T14:26:00Z", "2026-11-21T14:45:00Z"),
        ("5/20 * * * *", "2026-11-21T14:46:00Z", "2026-11-21T15:05:00Z"),
        ("10-30/10 * * * *", "2026-11-21T14:31:00Z", "2026-11-21T15:10:00Z"),
        ("3,1,2 * * * *", "2026-11-21T14:01:00Z", "2026-11-21T14:02:00Z"),
        ("59 23 31 12 *", "2026-12-31T23:58:59Z", "2026-12-31T23:59:00Z"),
        ("59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"),
        ("0 9-17 * * *", "2026-11-21T17:00:00Z", "2026-11-22T09:00:00Z"),
        ("0 9-17/4 * * *", "2026-11-21T09:30:00Z", "2026-11-21T13:00:00Z"),
        ("30 2 * * *", "2026-11-21T02:30:00Z", "2026-11-22T02:30:00Z"),
        // Days of the month.
        ("0 0 1 * *", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("0 0 31 * *", "2026-11-01T00:00:00Z", "2026-12-31T00:00:00Z"),
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 29 2 *", "2096-03-01T00:00:00Z", ""),
        ("0 0 30 2 *", "2026-01-01T00:00:00Z", ""),
        ("0 0 L * *", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"),
        ("0 0 L 2 *", "2027-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 15W * *", "2026-11-01T00:00:00Z", "2026-11-16T00:00:00Z"),
        ("0 0 15W * *", "2026-08-01T00:00:00Z", "2026-08-14T00:00:00Z"),
        ("0 0 1W * *", "2026-07-31T12:00:00Z", "2026-08-03T00:00:00Z"),
        ("0 0 31W * *", "2026-05-01T00:00:00Z", "2026-05-29T00:00:00Z"),
        ("0 0 LW * *", "2026-02-01T00:00:00Z", "2026-02-27T00:00:00Z"),
        ("0 0 lw * *", "2026-10-01T00:00:00Z", "2026-10-30T00:00:00Z"),
        ("0 0 1,L * *", "2026-11-02T00:00:00Z", "2026-11-30T00:00:00Z"),
        ("0 0 */10 * *", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("0 0 10-12 * ?", "2026-11-12T01:00:00Z", "2026-12-10T00:00:00Z"),
        // Months.
        ("0 0 1 JAN *", "2026-11-21T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("0 0 1 jan-mar/2 *", "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("0 0 1 february *", "2026-11-21T00:00:00Z", "2027-02-01T00:00:00Z"),
        ("0 0 1 */3 *", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        // Days of the week. The 21st of November 2026 is a Saturday.
        ("0 0 * * SUN", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 * * 0", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 * * 7", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 * * Monday", "2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("0 0 * * MON-FRI", "2026-11-20T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("0 0 * * FRI-SUN", "2026-11-22T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("0 0 * * 5-7", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 * * 5L", "2026-11-01T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("0 0 * * friL", "2026-11-28T00:00:00Z", "2026-12-25T00:00:00Z"),
        ("0 0 * * MON#1", "2026-11-21T00:00:00Z", "2026-12-07T00:00:00Z"),
        ("0 0 * * 2#5", "2026-11-21T00:00:00Z", "2026-12-29T00:00:00Z"),
        ("0 0 ? * 3", "2026-11-21T00:00:00Z", "2026-11-25T00:00:00Z"),
        // Both kinds of days: either is enough.
        ("0 0 13 * FRI", "2026-11-21T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("0 0 13 * FRI", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z"),
        ("0 0 */1 * FRI", "2026-11-21T00:00:00Z", "2026-11-27T00:00:00Z"),
        // Seconds and years.
        ("*/30 * * * * * *", "2026-11-21T14:42:21Z", "2026-11-21T14:42:30Z"),
        ("5 0 0 * * * *", "2026-11-21T00:00:05Z", "2026-11-22T00:00:05Z"),
        ("15,45 59 23 31 12 ? 2026", "2026-12-31T23:59:15Z", "2026-12-31T23:59:45Z"),
        ("15,45 59 23 31 12 ? 2026", "2026-12-31T23:59:45Z", ""),
        ("0 0 1 1 * 2030", "2026-11-21T00:00:00Z", "2030-01-01T00:00:00Z"),
        ("0 0 1 1 * 2028-2040/4", "2028-01-01T00:00:00Z", "2032-01-01T00:00:00Z"),
        ("0 0 * * * 2025", "2026-01-01T00:00:00Z", ""),
        ("* * * * * 2027", "2026-11-21T14:42:21Z", "2027-01-01T00:00:00Z"),
        // Aliases and white space.
        ("@yearly", "2026-11-21T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("@annually", "2026-11-21T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("@monthly", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("@weekly", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("@daily", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("@midnight", "2026-11-21T14:00:00Z", "2026-11-22T00:00:00Z"),
        ("@hourly", "2026-11-21T14:42:00Z", "2026-11-21T15:00:00Z"),
        ("  0   0\t* *  * ", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
    ];
    assert!(cases.len() >= 60);
    for (spec, after, expected) in cases {
        assert_eq!(next_times(spec, "UTC", after, 1).concat(), *expected, "{spec} after {after}");
    }
}

#[test]
fn clocks_that_change() {
    // In Berlin the clock goes from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC, and from 03:00 back to 02:00 on 2026-10-25 at 01:00 UTC.
    let berlin: &[(&str, &str, &[&str])] = &[
        // Tied to an hour that is skipped: at the jump, once.
        ("30 2 * * *", "2026-03-28T00:00:00Z", &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        ("0,30 2 * * *", "2026-03-28T02:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"]),
        // ... and not once more for a time that coincides with the end of the jump.
        ("30 2,3 * * *", "2026-03-28T03:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]),
        ("0 2,3 * * *", "2026-03-28T03:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T01:00:00Z"]),
        // Tied to an hour that comes twice: the first time.
        ("30 2 * * *", "2026-10-24T12:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("0,30 2 * * *", "2026-10-24T12:00:00Z", &["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:00:00Z"]),
        // ... whenever one asks: within the second time, too.
        ("45 2 * * *", "2026-10-25T01:10:00Z", &["2026-10-26T01:45:00Z"]),
        ("0 3 * * *", "2026-10-25T01:10:00Z", &["2026-10-25T02:00:00Z"]),
        ("0 3 * * *", "2026-10-24T12:00:00Z", &["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"]),
        // A pace goes on: through the jump ...
        ("*/30 * * * *", "2026-03-29T00:15:00Z", &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
        ("15 */2 * * *", "2026-03-28T23:30:00Z", &["2026-03-29T02:15:00Z", "2026-03-29T04:15:00Z"]),
        // ... and through the hour that comes twice.
        (
            "*/30 * * * *",
            "2026-10-25T00:15:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"],
        ),
        ("0 * * * *", "2026-10-24T23:30:00Z", &["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]),
        // Days are days of the zone.
        ("0 0 * * *", "2026-06-30T12:00:00Z", &["2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"]),
        ("0 0 1 * *", "2026-11-21T00:00:00Z", &["2026-11-30T23:00:00Z"]),
    ];
    for (spec, after, expected) in berlin {
        assert_eq!(next_times(spec, "Europe/Berlin", after, expected.len()), *expected, "{spec} after {after}");
    }
    // Elsewhere: half an hour (Lord Howe), at midnight (Beirut), a whole day (Apia left out 2011-12-30), no change at all, and half-hour offsets.
    let elsewhere: &[(&str, &str, &str, &[&str])] = &[
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-03T20:00:00Z", &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]),
        ("0 0 * * *", "Asia/Beirut", "2026-03-27T23:00:00Z", &["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"]),
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", &["2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]),
        ("0 9 * * *", "Asia/Kolkata", "2026-11-21T00:00:00Z", &["2026-11-21T03:30:00Z"]),
    ];
    for (spec, zone, after, expected) in elsewhere {
        assert_eq!(next_times(spec, zone, after, expected.len()), *expected, "{spec} in {zone} after {after}");
    }
}

#[test]
fn other_text_is_refused_with_a_reason() {
    for (spec, reason) in [
        ("", "has 0 fields"),
        ("* * *", "has 3 fields"),
        ("* * * * * * * *", "has 8 fields"),
        ("60 * * * *", "\"60\" is no minute: 0 to 59"),
        ("* 24 * * *", "is no hour: 0 to 23"),
        ("* 5-3 * * *", "\"5-3\" is no hour"),
        ("*/0 * * * *", "\"*/0\" is no minute"),
        ("* * 0 * *", "is no day of the month"),
        ("* * 32W * *", "is no day of the month"),
        ("* * * 13 *", "is no month"),
        ("* * * foo *", "JAN to DEC"),
        ("* * * * 8", "is no day of the week"),
        ("* * * * L", "is no day of the week"),
        ("* * * * MON#6", "is no day of the week"),
        ("* * * * * 1969", "is no year: 1970 to 2099"),
        ("60 * * * * * *", "is no second"),
        ("+5 * * * *", "is no minute"),
        ("1, * * * *", "is no minute"),
        ("@often", "is not one of @yearly"),
        ("@every 5m", "is not one of @yearly"),
    ] {
        let error = Cron::parse(spec).expect_err(spec).to_string();
        assert!(error.contains(reason), "{spec}: {error}");
    }
    assert_eq!(zone("Mars/Olympus"), Err(CronError::Zone("Mars/Olympus".to_owned())));
    assert!(zone("Local").is_err(), "whose?");
}

#[test]
fn the_earliest_of_several_tables_counts() {
    let next = next_of_all(["0 5 * * *", "30 4 * * *", "0 0 1 1 * 2020"], "UTC", moment("2026-11-21T00:00:00Z"));
    assert_eq!(next, Ok(Some(moment("2026-11-21T04:30:00Z"))));
    assert_eq!(next_of_all(["0 0 1 1 * 2020"], "UTC", moment("2026-11-21T00:00:00Z")), Ok(None));
}

/// The slow way: every minute of the zone's clock in turn.
#[test]
fn a_walk_minute_by_minute_finds_the_same_times() {
    let berlin = zone("Europe/Berlin").unwrap();
    for spec in ["*/7 */3 * * *", "13 * 29,25 * 2", "50 4 L,15W * *", "5 */1 * 3,10 SUN#4"] {
        let cron = Cron::parse(spec).unwrap();
        for start in ["2026-03-27T00:00:00Z", "2026-10-23T00:00:00Z", "2028-02-26T00:00:00Z"] {
            let start = moment(start);
            let minutes = (1..4 * 24 * 60).map(|minute| start + std::time::Duration::from_secs(minute * 60));
            let walked: Vec<Timestamp> = minutes
                .filter(|at| {
                    let local = berlin.to_datetime(jiff::Timestamp::from_second(at.seconds()).unwrap());
                    cron.next_civil(local) == Some(local)
                })
                .collect();
            let mut found = Vec::new();
            let mut at = start;
            while let Some(next) = cron.next_after(at, &berlin).filter(|next| *next < start + std::time::Duration::from_secs(4 * 24 * 3600))
            {
                found.push(next);
                at = next;
            }
            assert_eq!(found, walked, "{spec} after {start}");
        }
    }
}
