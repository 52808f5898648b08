//! Exponential back-off as a pure sequence of delays.

use std::time::Duration;

/// Doubles from `base` to `max`; [`Backoff::reset`] starts over after a success.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { base, max, failures: 0 }
    }

    /// The delay before the next try.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.base.saturating_mul(1u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        delay.min(self.max)
    }

    pub fn reset(&mut self) {
        self.failures = 0;
    }
}
