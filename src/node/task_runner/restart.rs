//! The restart policy as a decision: how often a task ended lately decides whether and when it starts again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::policy::{RestartMode, RestartPolicy};
use crate::util::clock::Timestamp;
use crate::util::go_duration;

/// Restarts of the current interval. Journalled, so that an agent restart does not hand out fresh attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartTracker {
    window_start: Option<Timestamp>,
    used: u32,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Success,
    Failure,
    /// The task could not be started, and trying again cannot help.
    PermanentStartFailure,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Restart {
        after: Duration,
        reason: String,
    },
    /// It did its work.
    Done,
    /// It counts as failed.
    GiveUp {
        reason: String,
    },
}

impl RestartTracker {
    /// `random` spreads the restarts of many equal tasks by up to a quarter of the delay.
    pub fn decide(&mut self, policy: &RestartPolicy, restart_on_success: bool, ending: Ending, now: Timestamp, random: u64) -> Verdict {
        if ending == Ending::PermanentStartFailure {
            return Verdict::GiveUp { reason: "Error was unrecoverable".to_owned() };
        }
        let succeeded = ending == Ending::Success;
        if succeeded && (!restart_on_success || policy.attempts == 0) {
            return Verdict::Done;
        }
        if policy.attempts == 0 {
            return Verdict::GiveUp { reason: "Policy allows no restarts".to_owned() };
        }

        let window_end = self.window_start.map(|start| start + policy.interval);
        if window_end.is_none_or(|end| now >= end) {
            self.window_start = Some(now);
            self.used = 0;
        }
        if self.used < policy.attempts {
            self.used += 1;
            return Verdict::Restart { after: with_jitter(policy.delay, random), reason: "Restart within policy".to_owned() };
        }

        let allowed = format!("Exceeded allowed attempts {} in interval {}", policy.attempts, go_duration::format(policy.interval));
        match policy.mode {
            RestartMode::Fail => Verdict::GiveUp { reason: format!("{allowed} and mode is \"fail\"") },
            RestartMode::Delay => {
                let until_next_window = window_end.map_or(policy.delay, |end| end.since(now));
                Verdict::Restart { after: with_jitter(until_next_window, random), reason: format!("{allowed} and mode is \"delay\"") }
            }
        }
    }
}

/// `delay` plus up to a quarter of it.
fn with_jitter(delay: Duration, random: u64) -> Duration {
    let quarter = u64::try_from(delay.as_nanos() / 4).unwrap_or(u64::MAX);
    delay + Duration::from_nanos(random % quarter.saturating_add(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn policy(attempts: u32, mode: RestartMode) -> RestartPolicy {
        RestartPolicy { attempts, interval: 10 * MINUTE, delay: Duration::from_secs(16), mode, render_templates: false }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::default() + Duration::from_secs(seconds)
    }

    #[test]
    fn fails_when_the_attempts_of_an_interval_are_used_and_forgives_in_the_next() {
        let policy = policy(2, RestartMode::Fail);
        let mut tracker = RestartTracker::default();
        for second in [0, 100] {
            let verdict = tracker.decide(&policy, true, Ending::Failure, at(second), 0);
            assert_eq!(verdict, Verdict::Restart { after: policy.delay, reason: "Restart within policy".to_owned() });
        }
        let mut exhausted = tracker.clone();
        let verdict = exhausted.decide(&policy, true, Ending::Failure, at(599), 0);
        assert_eq!(verdict, Verdict::GiveUp { reason: "Exceeded allowed attempts 2 in interval 10m0s and mode is \"fail\"".to_owned() });
        assert!(matches!(tracker.decide(&policy, true, Ending::Failure, at(600), 0), Verdict::Restart { .. }));
    }

    #[test]
    fn mode_delay_waits_for_the_interval_to_end() {
        let policy = policy(1, RestartMode::Delay);
        let mut tracker = RestartTracker::default();
        tracker.decide(&policy, true, Ending::Failure, at(0), 0);
        let Verdict::Restart { after, .. } = tracker.decide(&policy, true, Ending::Failure, at(120), 0) else {
            panic!("mode delay never gives up");
        };
        assert_eq!(after, 8 * MINUTE);
        let verdict = tracker.decide(&policy, true, Ending::Failure, at(600), 0);
        assert!(matches!(verdict, Verdict::Restart { after, .. } if after == policy.delay));
    }

    #[test]
    fn jitter_is_at_most_a_quarter() {
        for random in [0, 1, 3_999_999_999, 4_000_000_001, u64::MAX] {
            let delay = with_jitter(Duration::from_secs(16), random);
            assert!(delay >= Duration::from_secs(16) && delay <= Duration::from_secs(20), "{delay:?}");
        }
        assert_eq!(with_jitter(Duration::ZERO, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn success_ends_batch_tasks_and_restarts_services() {
        let policy = policy(2, RestartMode::Fail);
        assert_eq!(RestartTracker::default().decide(&policy, false, Ending::Success, at(0), 0), Verdict::Done);
        assert!(matches!(RestartTracker::default().decide(&policy, true, Ending::Success, at(0), 0), Verdict::Restart { .. }));
    }

    #[test]
    fn no_attempts_and_permanent_errors_never_restart() {
        let none = policy(0, RestartMode::Fail);
        assert_eq!(RestartTracker::default().decide(&none, true, Ending::Success, at(0), 0), Verdict::Done);
        assert!(matches!(RestartTracker::default().decide(&none, true, Ending::Failure, at(0), 0), Verdict::GiveUp { .. }));
        let some = policy(9, RestartMode::Delay);
        let verdict = RestartTracker::default().decide(&some, true, Ending::PermanentStartFailure, at(0), 0);
        assert!(matches!(verdict, Verdict::GiveUp { .. }));
    }
}
