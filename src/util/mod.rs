//! What every room may use and nothing that knows what a job is: time, ids' raw bytes, durations
//! in Go's notation, byte sizes, back-off.

pub mod backoff;
pub mod clock;
pub mod cron;
pub mod go_duration;
pub mod go_regex;
pub mod metrics;
pub mod random;
