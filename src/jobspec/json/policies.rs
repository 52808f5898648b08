//! Policies and comparisons between the API's form and the model's.

use super::into_model::Problems;
use super::nanos::Nanos;
use super::types::{
    ApiAffinity, ApiConstraint, ApiDisconnect, ApiMigrate, ApiReschedule, ApiRestart, ApiSpread, ApiSpreadTarget, ApiUpdate,
};
use crate::model::policy::{
    DelayFunction, DisconnectStrategy, HealthCheck, MigrateStrategy, Reconcile, ReschedulePolicy, RestartMode, RestartPolicy,
    UpdateStrategy,
};
use crate::model::{Affinity, Constraint, Operand, Spread, SpreadTarget};

const RESTART_MODES: &[(&str, RestartMode)] = &[("fail", RestartMode::Fail), ("delay", RestartMode::Delay)];
const DELAY_FUNCTIONS: &[(&str, DelayFunction)] =
    &[("constant", DelayFunction::Constant), ("exponential", DelayFunction::Exponential), ("fibonacci", DelayFunction::Fibonacci)];
const HEALTH_CHECKS: &[(&str, HealthCheck)] =
    &[("checks", HealthCheck::Checks), ("task_states", HealthCheck::TaskStates), ("manual", HealthCheck::Manual)];
const RECONCILES: &[(&str, Reconcile)] = &[
    ("best_score", Reconcile::BestScore),
    ("longest_running", Reconcile::LongestRunning),
    ("keep_original", Reconcile::KeepOriginal),
    ("keep_replacement", Reconcile::KeepReplacement),
];

/// The name of a variant; every variant has one.
pub fn name_of<T: PartialEq + Copy>(names: &[(&'static str, T)], value: T) -> Option<String> {
    names.iter().find(|(_, variant)| *variant == value).map(|(name, _)| (*name).to_owned())
}

pub fn restart_to_api(policy: &RestartPolicy) -> ApiRestart {
    ApiRestart {
        attempts: Some(i64::from(policy.attempts)),
        interval: Some(Nanos(policy.interval)),
        delay: Some(Nanos(policy.delay)),
        mode: name_of(RESTART_MODES, policy.mode),
        render_templates: Some(policy.render_templates),
    }
}

pub fn restart_to_model(policy: &ApiRestart, at: &mut Problems<'_>) -> RestartPolicy {
    RestartPolicy {
        attempts: at.integer("attempts", policy.attempts),
        interval: policy.interval.unwrap_or_default().0,
        delay: policy.delay.unwrap_or_default().0,
        mode: at.variant("mode", policy.mode.as_deref(), RESTART_MODES),
        render_templates: policy.render_templates.unwrap_or_default(),
    }
}

pub fn reschedule_to_api(policy: &ReschedulePolicy) -> ApiReschedule {
    ApiReschedule {
        attempts: Some(i64::from(policy.attempts)),
        interval: Some(Nanos(policy.interval)),
        delay: Some(Nanos(policy.delay)),
        delay_function: name_of(DELAY_FUNCTIONS, policy.delay_function),
        max_delay: Some(Nanos(policy.max_delay)),
        unlimited: Some(policy.unlimited),
    }
}

pub fn reschedule_to_model(policy: &ApiReschedule, at: &mut Problems<'_>) -> ReschedulePolicy {
    ReschedulePolicy {
        attempts: at.integer("attempts", policy.attempts),
        interval: policy.interval.unwrap_or_default().0,
        delay: policy.delay.unwrap_or_default().0,
        delay_function: at.variant("delay_function", policy.delay_function.as_deref(), DELAY_FUNCTIONS),
        max_delay: policy.max_delay.unwrap_or_default().0,
        unlimited: policy.unlimited.unwrap_or_default(),
    }
}

pub fn update_to_api(update: &UpdateStrategy) -> ApiUpdate {
    ApiUpdate {
        stagger: Some(Nanos(update.stagger)),
        max_parallel: Some(i64::from(update.max_parallel)),
        health_check: name_of(HEALTH_CHECKS, update.health_check),
        min_healthy_time: Some(Nanos(update.min_healthy_time)),
        healthy_deadline: Some(Nanos(update.healthy_deadline)),
        progress_deadline: Some(Nanos(update.progress_deadline)),
        auto_revert: Some(update.auto_revert),
        auto_promote: Some(update.auto_promote),
        canary: Some(i64::from(update.canary)),
    }
}

/// `None` for `max_parallel = 0`: everything is replaced at once.
pub fn update_to_model(update: &ApiUpdate, at: &mut Problems<'_>) -> Option<UpdateStrategy> {
    let max_parallel = at.integer("max_parallel", update.max_parallel);
    (max_parallel > 0).then(|| UpdateStrategy {
        stagger: update.stagger.unwrap_or_default().0,
        max_parallel,
        health_check: at.variant("health_check", update.health_check.as_deref(), HEALTH_CHECKS),
        min_healthy_time: update.min_healthy_time.unwrap_or_default().0,
        healthy_deadline: update.healthy_deadline.unwrap_or_default().0,
        progress_deadline: update.progress_deadline.unwrap_or_default().0,
        auto_revert: update.auto_revert.unwrap_or_default(),
        auto_promote: update.auto_promote.unwrap_or_default(),
        canary: at.integer("canary", update.canary),
    })
}

pub fn migrate_to_api(migrate: &MigrateStrategy) -> ApiMigrate {
    ApiMigrate {
        max_parallel: Some(i64::from(migrate.max_parallel)),
        health_check: name_of(HEALTH_CHECKS, migrate.health_check),
        min_healthy_time: Some(Nanos(migrate.min_healthy_time)),
        healthy_deadline: Some(Nanos(migrate.healthy_deadline)),
    }
}

pub fn migrate_to_model(migrate: &ApiMigrate, at: &mut Problems<'_>) -> MigrateStrategy {
    MigrateStrategy {
        max_parallel: at.integer("max_parallel", migrate.max_parallel.or(Some(1))),
        health_check: at.variant("health_check", migrate.health_check.as_deref(), HEALTH_CHECKS),
        min_healthy_time: migrate.min_healthy_time.unwrap_or_default().0,
        healthy_deadline: migrate.healthy_deadline.unwrap_or_default().0,
    }
}

pub fn disconnect_to_api(disconnect: &DisconnectStrategy) -> ApiDisconnect {
    ApiDisconnect {
        lost_after: disconnect.lost_after.map(Nanos),
        stop_on_client_after: disconnect.stop_on_client_after.map(Nanos),
        replace: Some(disconnect.replace),
        reconcile: name_of(RECONCILES, disconnect.reconcile),
    }
}

pub fn disconnect_to_model(disconnect: &ApiDisconnect, at: &mut Problems<'_>) -> DisconnectStrategy {
    let set = |duration: Option<Nanos>| duration.map(|nanos| nanos.0).filter(|duration| !duration.is_zero());
    DisconnectStrategy {
        lost_after: set(disconnect.lost_after),
        stop_on_client_after: set(disconnect.stop_on_client_after),
        replace: disconnect.replace.unwrap_or(true),
        reconcile: at.variant("reconcile", disconnect.reconcile.as_deref(), RECONCILES),
    }
}

pub fn constraint_to_api(constraint: &Constraint) -> ApiConstraint {
    ApiConstraint {
        left: Some(constraint.left.to_string()),
        right: Some(constraint.right.to_string()),
        operand: Some(constraint.operand.name().to_owned()),
        ignored: None,
    }
}

fn operand(name: Option<&str>, at: &mut Problems<'_>) -> Operand {
    let name = name.filter(|name| !name.is_empty()).unwrap_or("=");
    Operand::parse(name).unwrap_or_else(|| {
        let known: Vec<&str> = Operand::NAMES.iter().map(|(name, _)| *name).collect();
        at.add("operator", format!("{name:?} is not one of {}", known.join(", ")));
        Operand::Equal
    })
}

pub fn constraints_to_model(constraints: Option<Vec<ApiConstraint>>, at: &mut Problems<'_>) -> Vec<Constraint> {
    let asked = constraints.unwrap_or_default().into_iter().filter(|constraint| !constraint.ignored.unwrap_or_default());
    asked
        .enumerate()
        .map(|(index, constraint)| Constraint {
            left: constraint.left.unwrap_or_default().into(),
            operand: operand(constraint.operand.as_deref(), &mut at.inside(format!("constraint[{index}]"))),
            right: constraint.right.unwrap_or_default().into(),
        })
        .collect()
}

pub fn affinity_to_api(affinity: &Affinity) -> ApiAffinity {
    ApiAffinity {
        left: Some(affinity.left.to_string()),
        right: Some(affinity.right.to_string()),
        operand: Some(affinity.operand.name().to_owned()),
        weight: Some(i64::from(affinity.weight)),
    }
}

pub fn affinities_to_model(affinities: Option<Vec<ApiAffinity>>, at: &mut Problems<'_>) -> Vec<Affinity> {
    let mut list = Vec::new();
    for (index, affinity) in affinities.unwrap_or_default().into_iter().enumerate() {
        let mut here = at.inside(format!("affinity[{index}]"));
        list.push(Affinity {
            left: affinity.left.unwrap_or_default().into(),
            operand: operand(affinity.operand.as_deref(), &mut here),
            right: affinity.right.unwrap_or_default().into(),
            weight: here.integer("weight", affinity.weight.or(Some(50))),
        });
    }
    list
}

pub fn spread_to_api(spread: &Spread) -> ApiSpread {
    let target =
        |target: &SpreadTarget| ApiSpreadTarget { value: Some(target.value.to_string()), percent: Some(i64::from(target.percent)) };
    ApiSpread {
        attribute: Some(spread.attribute.to_string()),
        weight: Some(i64::from(spread.weight)),
        spread_target: Some(spread.targets.iter().map(target).collect()),
    }
}

pub fn spreads_to_model(spreads: Option<Vec<ApiSpread>>, at: &mut Problems<'_>) -> Vec<Spread> {
    let mut list = Vec::new();
    for (index, spread) in spreads.unwrap_or_default().into_iter().enumerate() {
        let mut here = at.inside(format!("spread[{index}]"));
        let mut targets = Vec::new();
        for target in spread.spread_target.unwrap_or_default() {
            let value = target.value.unwrap_or_default();
            let percent = here.inside(format!("target[{value}]")).integer("percent", target.percent);
            targets.push(SpreadTarget { value: value.into(), percent });
        }
        let weight = here.integer("weight", spread.weight.filter(|weight| *weight != 0).or(Some(50)));
        list.push(Spread { attribute: spread.attribute.unwrap_or_default().into(), weight, targets });
    }
    list
}
