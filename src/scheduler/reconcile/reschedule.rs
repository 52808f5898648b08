//! When a failed allocation is placed again.

use std::time::Duration;

use crate::model::Allocation;
use crate::model::allocation::RescheduleEvent;
use crate::model::policy::{DelayFunction, ReschedulePolicy};
use crate::util::clock::Timestamp;

/// A due time this near counts as now: a follow-up evaluation for it would cost more than it saves.
const NOW_WINDOW: Duration = Duration::from_secs(1);

/// So many earlier tries are remembered at least; the Fibonacci delay needs two.
const REMEMBERED: usize = 5;

/// What the policy says about a failed allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Its attempts are used up.
    Never,
    Later(Timestamp),
    Now,
}

pub fn outlook(allocation: &Allocation, policy: &ReschedulePolicy, now: Timestamp) -> Outlook {
    if !may_try_again(allocation, policy, now) {
        return Outlook::Never;
    }
    let due = failed_at(allocation) + delay(allocation, policy);
    if due <= now + NOW_WINDOW { Outlook::Now } else { Outlook::Later(due) }
}

fn may_try_again(allocation: &Allocation, policy: &ReschedulePolicy, now: Timestamp) -> bool {
    if policy.unlimited {
        return true;
    }
    let recent = allocation.history.reschedules.iter().filter(|event| now.since(event.time) < policy.interval).count();
    recent < policy.attempts as usize
}

/// The latest end of a task; the last report when no task got that far.
fn failed_at(allocation: &Allocation) -> Timestamp {
    allocation.task_states.values().filter_map(|state| state.finished_at).max().unwrap_or(allocation.modify_time)
}

/// The wait before the next try.
pub fn delay(allocation: &Allocation, policy: &ReschedulePolicy) -> Duration {
    let events = &allocation.history.reschedules;
    let Some(last) = events.last() else {
        return policy.delay;
    };
    let grown = match policy.delay_function {
        DelayFunction::Constant => return policy.delay,
        DelayFunction::Exponential => last.delay.saturating_mul(2),
        // The first two waits of the sequence are equal.
        DelayFunction::Fibonacci if events.len() < 2 => policy.delay,
        DelayFunction::Fibonacci => last.delay.saturating_add(events[events.len() - 2].delay),
    };
    let capped = if policy.max_delay.is_zero() { grown } else { grown.min(policy.max_delay) };
    // Once at its longest, the wait starts over after an instance that lived longer than it.
    let lived = failed_at(allocation).since(last.time);
    if capped == policy.max_delay && lived > capped { policy.delay } else { capped.max(policy.delay) }
}

/// The tries to record on the replacement of `allocation`.
pub fn history(allocation: &Allocation, policy: &ReschedulePolicy, now: Timestamp) -> Vec<RescheduleEvent> {
    let kept = |(age, event): (usize, &RescheduleEvent)| {
        (age < REMEMBERED - 1 || (!policy.unlimited && now.since(event.time) < policy.interval)).then(|| event.clone())
    };
    let mut events: Vec<RescheduleEvent> = allocation.history.reschedules.iter().rev().enumerate().filter_map(kept).collect();
    events.reverse();
    events.push(RescheduleEvent {
        time: now,
        previous_alloc: allocation.id,
        previous_node: allocation.node_id,
        delay: delay(allocation, policy),
    });
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AllocId, JobType, NodeId};
    use crate::scheduler::testing::{allocation, job};

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    fn failed(delays: &[u64]) -> Allocation {
        let mut failed = allocation(&job("j", 1), 0, 1);
        failed.modify_time = at(1000);
        let event =
            |delay: &u64| RescheduleEvent { time: at(990), previous_alloc: AllocId(9), previous_node: NodeId(9), delay: secs(*delay) };
        failed.history.reschedules = delays.iter().map(event).collect();
        failed
    }

    fn policy(delay_function: DelayFunction) -> ReschedulePolicy {
        ReschedulePolicy { delay: secs(5), delay_function, max_delay: secs(40), ..ReschedulePolicy::default_for(JobType::Service) }
    }

    #[test]
    fn delays_grow_by_their_function() {
        for (function, delays, expected) in [
            (DelayFunction::Constant, &[][..], 5),
            (DelayFunction::Constant, &[5, 5], 5),
            (DelayFunction::Exponential, &[], 5),
            (DelayFunction::Exponential, &[5], 10),
            (DelayFunction::Exponential, &[5, 10, 20, 40], 40),
            (DelayFunction::Fibonacci, &[5], 5),
            (DelayFunction::Fibonacci, &[5, 5], 10),
            (DelayFunction::Fibonacci, &[5, 10], 15),
        ] {
            assert_eq!(delay(&failed(delays), &policy(function)), secs(expected), "{function:?} {delays:?}");
        }
        let mut long_lived = failed(&[20, 40]);
        long_lived.modify_time = at(990 + 41);
        assert_eq!(delay(&long_lived, &policy(DelayFunction::Exponential)), secs(5));
    }

    #[test]
    fn attempts_are_counted_within_the_interval() {
        let limited = ReschedulePolicy { unlimited: false, attempts: 2, interval: secs(60), ..policy(DelayFunction::Constant) };
        assert_eq!(outlook(&failed(&[5]), &limited, at(1000)), Outlook::Later(at(1005)));
        assert_eq!(outlook(&failed(&[5]), &limited, at(1004)), Outlook::Now);
        assert_eq!(outlook(&failed(&[5, 5]), &limited, at(1004)), Outlook::Never);
        assert_eq!(outlook(&failed(&[5, 5]), &limited, at(1050)), Outlook::Now, "the interval has passed");
        let disabled = ReschedulePolicy { attempts: 0, ..limited };
        assert_eq!(outlook(&failed(&[]), &disabled, at(2000)), Outlook::Never);
    }

    #[test]
    fn history_is_bounded() {
        let events = history(&failed(&[5, 5, 5, 5, 5, 7]), &policy(DelayFunction::Constant), at(1000));
        assert_eq!(events.len(), 5);
        assert_eq!(events[3].delay, secs(7));
        assert_eq!(events[4].previous_node, NodeId(1));
    }
}
