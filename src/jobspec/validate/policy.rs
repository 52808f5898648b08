//! Rules of policies.

use std::time::Duration;

use super::Rules;
use crate::model::policy::{DelayFunction, MigrateStrategy, ReschedulePolicy, RestartMode, RestartPolicy, UpdateStrategy};
use crate::util::go_duration::format;

pub fn restart(rules: &mut Rules<'_>, policy: &RestartPolicy) {
    let least = Duration::from_secs(5);
    rules.refuse_if(policy.interval < least, "interval", || format!("{} is less than {}", format(policy.interval), format(least)));
    rules.refuse_if(policy.attempts == 0 && policy.mode == RestartMode::Delay, "mode", || {
        "`delay` with 0 attempts would wait for ever".to_owned()
    });
    let needed = policy.delay.saturating_mul(policy.attempts);
    rules.refuse_if(needed > policy.interval, "interval", || {
        format!("{} attempts with a delay of {} do not fit into {}", policy.attempts, format(policy.delay), format(policy.interval))
    });
}

pub fn reschedule(rules: &mut Rules<'_>, policy: &ReschedulePolicy) {
    if policy.attempts == 0 && !policy.unlimited {
        return;
    }
    let least_delay = Duration::from_secs(5);
    rules.refuse_if(policy.delay < least_delay, "delay", || format!("{} is less than {}", format(policy.delay), format(least_delay)));
    let grows = policy.delay_function != DelayFunction::Constant;
    rules.refuse_if(grows && policy.max_delay < policy.delay, "max_delay", || {
        format!("{} is less than the delay", format(policy.max_delay))
    });
    if policy.unlimited {
        let both = policy.attempts > 0 && policy.interval > Duration::ZERO;
        rules
            .warn_if(both, "attempts", || "means nothing together with `unlimited`; set `unlimited = false` to have it counted".to_owned());
        return;
    }
    let least = Duration::from_secs(15);
    rules.refuse_if(policy.interval < least, "interval", || format!("{} is less than {}", format(policy.interval), format(least)));
    let needed = total_delay(policy);
    rules.refuse_if(needed > policy.interval, "interval", || {
        format!("{} attempts take at least {}, which does not fit into {}", policy.attempts, format(needed), format(policy.interval))
    });
}

/// The time that all attempts but the first one after the last wait for, stopping the count where it is hopeless.
fn total_delay(policy: &ReschedulePolicy) -> Duration {
    let mut total = Duration::ZERO;
    let (mut delay, mut before) = (policy.delay, Duration::ZERO);
    for _ in 0..policy.attempts {
        total = total.saturating_add(delay);
        if total > policy.interval {
            return total.min(Duration::from_nanos(i64::MAX as u64));
        }
        let next = match policy.delay_function {
            DelayFunction::Constant => delay,
            DelayFunction::Exponential => delay.saturating_mul(2),
            DelayFunction::Fibonacci => delay.saturating_add(if before.is_zero() { delay } else { before }),
        };
        before = delay;
        delay = if policy.max_delay.is_zero() { next } else { next.min(policy.max_delay) };
        // Attempts beyond this are equal; multiplying beats a loop over four billion.
        if delay == before {
            return total
                .saturating_add(delay.saturating_mul(policy.attempts.saturating_sub(1)))
                .min(policy.interval.saturating_add(delay));
        }
    }
    total
}

pub fn update(rules: &mut Rules<'_>, update: &UpdateStrategy) {
    rules.refuse_if(update.min_healthy_time >= update.healthy_deadline, "min_healthy_time", || {
        format!("{} is not less than healthy_deadline {}", format(update.min_healthy_time), format(update.healthy_deadline))
    });
    let has_deadline = !update.progress_deadline.is_zero();
    rules.refuse_if(has_deadline && update.healthy_deadline >= update.progress_deadline, "healthy_deadline", || {
        format!("{} is not less than progress_deadline {}", format(update.healthy_deadline), format(update.progress_deadline))
    });
    rules.refuse_if(update.auto_promote && update.canary == 0, "auto_promote", || "needs `canary` above 0".to_owned());
}

pub fn migrate(rules: &mut Rules<'_>, migrate: &MigrateStrategy) {
    rules.refuse_if(migrate.max_parallel == 0, "max_parallel", || "must be 1 or more".to_owned());
    rules.refuse_if(migrate.min_healthy_time >= migrate.healthy_deadline, "min_healthy_time", || {
        format!("{} is not less than healthy_deadline {}", format(migrate.min_healthy_time), format(migrate.healthy_deadline))
    });
}
