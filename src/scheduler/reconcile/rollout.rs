//! What the roll-out of the newest specification allows in one group.

use std::sync::Arc;

use super::Context;
use crate::model::policy::UpdateStrategy;
use crate::model::{AllocClientStatus, Allocation, Deployment, DeploymentGroup, DeploymentStatus, JobType, TaskGroup};
use crate::util::clock::Timestamp;

/// A group without a strategy (batch work, `max_parallel = 0`) is in no deployment: its changes come at once.
#[derive(Clone, Copy)]
pub struct Rollout<'a> {
    strategy: Option<&'a UpdateStrategy>,
    /// The deployment of the newest specification and the group's state in it.
    deployment: Option<(&'a Deployment, &'a DeploymentGroup)>,
    is_system: bool,
}

impl<'a> Rollout<'a> {
    pub fn of(context: &Context<'a>, group: &'a TaskGroup) -> Self {
        let takes_steps = !context.job.job_type.is_batch();
        let strategy = group.update.as_ref().filter(|update| takes_steps && update.max_parallel > 0);
        let state = |deployment: &'a Deployment| Some((deployment, deployment.groups.get(&group.name)?));
        let is_system = context.job.job_type == JobType::System;
        Self { strategy, deployment: context.deployment.and_then(state), is_system }
    }

    fn status(&self) -> Option<DeploymentStatus> {
        self.deployment.map(|(deployment, _)| deployment.status)
    }

    pub fn is_paused(&self) -> bool {
        self.status() == Some(DeploymentStatus::Paused)
    }

    pub fn has_failed(&self) -> bool {
        self.status() == Some(DeploymentStatus::Failed)
    }

    fn owns(&self, allocation: &Allocation) -> bool {
        self.deployment.is_some_and(|(deployment, _)| allocation.deployment == Some(deployment.id))
    }

    /// Instances that a failed deployment brought are not tried again: the version is what is wrong with them.
    pub fn has_given_up(&self, allocation: &Allocation) -> bool {
        self.has_failed() && self.owns(allocation) && !allocation.desired_transition.force_reschedule
    }

    /// Whether it runs beside the others until it is promoted. Promotion by this very plan counts.
    pub fn is_canary(&self, allocation: &Allocation) -> bool {
        allocation.is_canary() && !(self.owns(allocation) && self.deployment.is_some_and(|(_, state)| state.promoted))
    }

    /// Whether a canary belongs to the roll-out that goes on.
    pub fn wants_canary(&self, allocation: &Allocation) -> bool {
        self.owns(allocation) && !self.has_failed()
    }

    /// How many canaries there shall be while `outdated` instances wait for their replacement; 0 once they were promoted, or failed.
    /// A system job names a share of them in percent, of which at most `max_parallel` go at once.
    pub fn canaries(&self, outdated: usize) -> u32 {
        if let Some((_, state)) = self.deployment {
            return if state.awaits_promotion() && !self.has_failed() { state.desired_canaries } else { 0 };
        }
        match self.strategy {
            Some(strategy) if outdated > 0 && self.is_system => {
                let outdated = u64::try_from(outdated).unwrap_or(u64::MAX);
                let share = outdated.saturating_mul(u64::from(strategy.canary.min(100))).div_ceil(100);
                u32::try_from(share).unwrap_or(u32::MAX).min(strategy.max_parallel)
            }
            Some(strategy) if outdated > 0 => strategy.canary,
            _ => 0,
        }
    }

    /// Whether what is replaced for other reasons than the update keeps its version: none but canaries run the newest before they are
    /// promoted, and nothing is brought onto a version that failed or is held up.
    pub fn holds_back(&self, outdated: usize) -> bool {
        self.is_paused() || self.has_failed() || self.canaries(outdated) > 0
    }

    /// Whether an instance of the newest specification has proved itself.
    pub fn is_settled(&self, allocation: &Allocation) -> bool {
        if self.owns(allocation) {
            return allocation.health() == Some(true) && !allocation.is_client_terminal();
        }
        matches!(allocation.client_status, AllocClientStatus::Running | AllocClientStatus::Unknown)
    }

    /// How many instances may be replaced now: `max_parallel` less the `unsettled`, none while one is unhealthy.
    pub fn room(&self, outdated: usize, unsettled: u32, is_unhealthy: bool) -> usize {
        match self.strategy {
            None => usize::MAX,
            Some(_) if is_unhealthy || self.holds_back(outdated) => 0,
            Some(strategy) => strategy.max_parallel.saturating_sub(unsettled) as usize,
        }
    }

    /// When the next set of a system job's updates may go: `stagger` after the newest replacement. `None`: now, as far as this goes.
    pub fn next_set(&self, allocations: &[Arc<Allocation>], context: &Context<'_>) -> Option<Timestamp> {
        let strategy = self.strategy.filter(|_| self.is_system)?;
        let replacements =
            allocations.iter().filter(|row| row.job == context.reference && row.history.previous.is_some() && !row.is_canary());
        let newest = replacements.map(|row| row.create_time).max()?;
        Some(newest + strategy.stagger).filter(|at| *at > context.now)
    }

    pub fn is_unhealthy(&self, allocation: &Allocation) -> bool {
        self.owns(allocation) && allocation.health() == Some(false)
    }

    /// The group's state in a deployment that starts now.
    pub fn initial_state(&self, desired_total: u32, desired_canaries: u32) -> Option<DeploymentGroup> {
        let strategy = self.strategy.filter(|_| self.deployment.is_none())?;
        Some(DeploymentGroup {
            auto_revert: strategy.auto_revert,
            auto_promote: strategy.auto_promote,
            desired_canaries,
            desired_total,
            progress_deadline: strategy.progress_deadline,
            ..DeploymentGroup::default()
        })
    }

    pub fn is_deployed(&self) -> bool {
        self.deployment.is_some()
    }
}
