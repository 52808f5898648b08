//! The wall clock as a value. Decisions never read it: they are handed a [`Timestamp`].

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Nanoseconds since the Unix epoch (what the HTTP API calls `CreateTime`, `ModifyTime`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads the wall clock. Only drivers of decisions call this, never a decision itself.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
    }

    /// The time since `earlier`, zero when the clock went backwards.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whole seconds since the epoch.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// RFC 3339 in UTC with nanoseconds, as Go prints a `time.Time`.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).map_or_else(|_| "0001-01-01T00:00:00Z".to_owned(), |t| t.to_string())
    }
}

/// A wall clock that never goes back: read once, and carried on by the monotonic clock. For deadlines that are kept as
/// [`Timestamp`]s, which a wall clock that is set back would put off.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    start: Timestamp,
    started: Instant,
}

impl SteadyClock {
    /// Starts at the wall clock's time.
    pub fn start() -> Self {
        Self { start: Timestamp::now(), started: Instant::now() }
    }

    pub fn now(&self) -> Timestamp {
        self.start + self.started.elapsed()
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_clock_does_not_follow_the_wall_clock() {
        // As after the wall clock was set by decades since the start.
        let clock = SteadyClock { start: Timestamp(7), started: Instant::now() };
        let before = clock.started.elapsed();
        let now = clock.now();
        assert!((before..=clock.started.elapsed()).contains(&now.since(Timestamp(7))), "{now}");
    }
}
