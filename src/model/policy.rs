//! Policies of a group, with Nomad's defaults (`reference/nomad-behaviour.md` 3.6).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::JobType;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What happens on the node when a task ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    pub attempts: u32,
    pub interval: Duration,
    pub delay: Duration,
    pub mode: RestartMode,
    pub render_templates: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestartMode {
    /// Give up when the attempts of an interval are used.
    Fail,
    /// Wait for the next interval.
    Delay,
}

impl RestartPolicy {
    pub fn default_for(job_type: JobType) -> Self {
        let (attempts, interval) = if job_type.is_batch() { (3, secs(24 * 3600)) } else { (2, secs(30 * 60)) };
        Self { attempts, interval, delay: secs(15), mode: RestartMode::Fail, render_templates: false }
    }
}

/// Whether and when a failed allocation is placed again, elsewhere if possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReschedulePolicy {
    pub attempts: u32,
    pub interval: Duration,
    pub delay: Duration,
    pub delay_function: DelayFunction,
    pub max_delay: Duration,
    pub unlimited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DelayFunction {
    Constant,
    Exponential,
    Fibonacci,
}

impl ReschedulePolicy {
    pub fn default_for(job_type: JobType) -> Self {
        match job_type {
            JobType::Service => Self {
                attempts: 0,
                interval: Duration::ZERO,
                delay: secs(30),
                delay_function: DelayFunction::Exponential,
                max_delay: secs(3600),
                unlimited: true,
            },
            JobType::Batch => Self {
                attempts: 1,
                interval: secs(24 * 3600),
                delay: secs(5),
                delay_function: DelayFunction::Constant,
                max_delay: Duration::ZERO,
                unlimited: false,
            },
            JobType::System | JobType::SysBatch => Self {
                attempts: 0,
                interval: Duration::ZERO,
                delay: Duration::ZERO,
                delay_function: DelayFunction::Constant,
                max_delay: Duration::ZERO,
                unlimited: false,
            },
        }
    }
}

/// How a new version rolls out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateStrategy {
    pub stagger: Duration,
    pub max_parallel: u32,
    pub health_check: HealthCheck,
    pub min_healthy_time: Duration,
    pub healthy_deadline: Duration,
    pub progress_deadline: Duration,
    pub auto_revert: bool,
    pub auto_promote: bool,
    pub canary: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthCheck {
    Checks,
    TaskStates,
    Manual,
}

impl Default for UpdateStrategy {
    fn default() -> Self {
        Self {
            stagger: secs(30),
            max_parallel: 1,
            health_check: HealthCheck::Checks,
            min_healthy_time: secs(10),
            healthy_deadline: secs(300),
            progress_deadline: secs(600),
            auto_revert: false,
            auto_promote: false,
            canary: 0,
        }
    }
}

/// How allocations leave a draining node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrateStrategy {
    pub max_parallel: u32,
    pub health_check: HealthCheck,
    pub min_healthy_time: Duration,
    pub healthy_deadline: Duration,
}

impl Default for MigrateStrategy {
    fn default() -> Self {
        Self { max_parallel: 1, health_check: HealthCheck::Checks, min_healthy_time: secs(10), healthy_deadline: secs(300) }
    }
}

/// What happens to allocations of a node that lost its servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisconnectStrategy {
    pub lost_after: Option<Duration>,
    pub stop_on_client_after: Option<Duration>,
    pub replace: bool,
    pub reconcile: Reconcile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reconcile {
    BestScore,
    LongestRunning,
    KeepOriginal,
    KeepReplacement,
}

impl Default for DisconnectStrategy {
    fn default() -> Self {
        Self { lost_after: None, stop_on_client_after: None, replace: true, reconcile: Reconcile::BestScore }
    }
}
