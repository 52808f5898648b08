//! What a deployment calls for: to go on, to be promoted, to fail and perhaps go back, to be over.
//!
//! Everything is decided when the job is evaluated: verdicts of nodes and operators bring an evaluation with them, and the passing
//! of a progress deadline is made one by the server's watcher.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reconcile::{Outlook, outlook};
use super::view::StateView;
use crate::model::deployment::description;
use crate::model::plan::DeploymentUpdate;
use crate::model::{AllocClientStatus, Allocation, Deployment, DeploymentGroup, DeploymentId, DeploymentStatus, EvalId, Job, Text};
use crate::util::clock::Timestamp;

/// Sets the stream of deployment ids apart from the others of the same seed.
const DEPLOYMENT_STREAM: u128 = 0x6465_706c_6f79_6d65_6e74_5f69_6473_0001;

/// What is known of a job's roll-out before its groups are looked at.
#[derive(Debug, Default)]
pub struct Standing {
    /// The deployment of the newest specification, as it is after `update`; it may have failed, or be paused.
    pub current: Option<Deployment>,
    pub update: Option<DeploymentUpdate>,
}

/// Brings the latest deployment of a running job up to date.
pub fn standing(view: &dyn StateView, job: &Job, allocations: &[Arc<Allocation>], now: Timestamp) -> Standing {
    let Some(latest) = view.latest_deployment(&job.key) else {
        return Standing::default();
    };
    if latest.job != job.reference() {
        let update = latest.status.is_active().then(|| ended(&latest, DeploymentStatus::Cancelled, description::NEWER_JOB));
        return Standing { current: None, update };
    }
    let mut current = Deployment::clone(&latest);
    let update = match latest.status {
        DeploymentStatus::Successful | DeploymentStatus::Cancelled => return Standing::default(),
        DeploymentStatus::Failed | DeploymentStatus::Paused => None,
        DeploymentStatus::Running => match verdict(view, &latest, job, allocations, now) {
            Verdict::GoOn => None,
            Verdict::Promote(groups) => Some(promotion(&latest, groups)),
            Verdict::Fail(why) => Some(failure(view, &latest, why)),
        },
    };
    if let Some(update) = &update {
        current.status = update.status;
        for name in &update.promote {
            if let Some(group) = current.groups.get_mut(name) {
                group.promoted = true;
            }
        }
    }
    Standing { current: Some(current), update }
}

/// The end of a deployment whose job shall not run any more.
pub fn cancelled_with_job(view: &dyn StateView, key: &crate::model::JobKey) -> Option<DeploymentUpdate> {
    let latest = view.latest_deployment(key).filter(|latest| latest.status.is_active())?;
    Some(ended(&latest, DeploymentStatus::Cancelled, description::JOB_STOPPED))
}

pub fn succeeded(deployment: &Deployment) -> DeploymentUpdate {
    ended(deployment, DeploymentStatus::Successful, description::SUCCESSFUL)
}

fn ended(deployment: &Deployment, status: DeploymentStatus, description: &str) -> DeploymentUpdate {
    DeploymentUpdate { id: deployment.id, status, description: description.into(), promote: Vec::new(), revert_to: None }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    GoOn,
    Promote(Vec<Text>),
    Fail(&'static str),
}

fn verdict(view: &dyn StateView, deployment: &Deployment, job: &Job, allocations: &[Arc<Allocation>], now: Timestamp) -> Verdict {
    let is_hopeless = |row: &Arc<Allocation>| {
        row.deployment == Some(deployment.id) && row.health() == Some(false) && fails_deployment(deployment, job, row, now)
    };
    if allocations.iter().any(is_hopeless) {
        return Verdict::Fail(description::UNHEALTHY);
    }
    if deployment.groups.values().any(|group| deadline(view, group).is_some_and(|deadline| deadline <= now)) {
        return Verdict::Fail(description::NO_PROGRESS);
    }
    let waiting: Vec<_> = deployment.groups.iter().filter(|(_, group)| group.awaits_promotion()).collect();
    let is_ready = |group: &DeploymentGroup| group.auto_promote && healthy_canaries(view, group) >= group.desired_canaries;
    if !waiting.is_empty() && waiting.iter().all(|(_, group)| is_ready(group)) {
        return Verdict::Promote(waiting.into_iter().map(|(name, _)| name.clone()).collect());
    }
    Verdict::GoOn
}

/// Whether an unhealthy instance ends the deployment at once: no deadline gives it another chance, or no try is left.
fn fails_deployment(deployment: &Deployment, job: &Job, row: &Allocation, now: Timestamp) -> bool {
    let Some(state) = deployment.groups.get(&row.group) else {
        return false;
    };
    if state.progress_deadline.is_zero() {
        return true;
    }
    let is_over = row.client_status == AllocClientStatus::Failed && row.history.next.is_none() && !row.is_server_terminal();
    let gave_up = |group: &crate::model::TaskGroup| outlook(row, &group.reschedule, now) == Outlook::Never;
    is_over && !row.desired_transition.force_reschedule && job.group(&row.group).is_some_and(gave_up)
}

/// When the group must have made progress; `None` while it has to make none.
fn deadline(view: &dyn StateView, group: &DeploymentGroup) -> Option<Timestamp> {
    let waits_for_people = group.awaits_promotion() && healthy_canaries(view, group) >= group.desired_canaries;
    if group.is_complete() || waits_for_people { None } else { group.require_progress_by }
}

/// The first time at which a running deployment fails unless something becomes healthy before.
pub fn next_deadline(view: &dyn StateView, deployment: &Deployment) -> Option<Timestamp> {
    let is_running = deployment.status == DeploymentStatus::Running;
    deployment.groups.values().filter(|_| is_running).filter_map(|group| deadline(view, group)).min()
}

fn healthy_canaries(view: &dyn StateView, group: &DeploymentGroup) -> u32 {
    let is_healthy = |row: &Arc<Allocation>| row.health() == Some(true) && !row.is_terminal();
    let healthy = group.placed_canaries.iter().filter_map(|id| view.allocation(*id)).filter(is_healthy);
    u32::try_from(healthy.count()).unwrap_or(u32::MAX)
}

/// A failed deployment; groups with `auto_revert` take the job back to its newest stable version.
pub fn failure(view: &dyn StateView, deployment: &Deployment, why: &str) -> DeploymentUpdate {
    let mut update = ended(deployment, DeploymentStatus::Failed, why);
    if !deployment.groups.values().any(|group| group.auto_revert) {
        return update;
    }
    let versions = view.job_versions(&deployment.job.key);
    let failed = versions.iter().find(|job| job.reference() == deployment.job);
    let stable = versions.iter().find(|job| job.stable && !job.stop && job.version < deployment.job.version);
    let Some(stable) = stable else {
        update.description = format!("{why} - no stable job version to auto revert to").into();
        return update;
    };
    let version = stable.version;
    if failed.is_some_and(|failed| failed.same_specification(stable)) {
        let why_not = "as current job has same specification";
        update.description = format!("{why} - not rolling back to stable job version {version} {why_not}").into();
        return update;
    }
    update.description = format!("{why} - rolling back to job version {version}").into();
    update.revert_to = Some(stable.job_modify_index);
    update
}

/// What promotion makes of a deployment.
pub fn promotion(deployment: &Deployment, groups: Vec<Text>) -> DeploymentUpdate {
    let remaining = deployment.groups.iter().filter(|(name, _)| !groups.contains(name)).map(|(_, group)| group);
    let description = running_description(remaining).into();
    DeploymentUpdate { id: deployment.id, status: deployment.status, description, promote: groups, revert_to: None }
}

/// A paused deployment goes on.
pub fn resumption(deployment: &Deployment) -> DeploymentUpdate {
    ended(deployment, DeploymentStatus::Running, running_description(deployment.groups.values()))
}

fn running_description<'a>(groups: impl Iterator<Item = &'a DeploymentGroup>) -> &'static str {
    let mut description = description::RUNNING;
    for group in groups.filter(|group| group.awaits_promotion()) {
        if !group.auto_promote {
            return description::NEEDS_PROMOTION;
        }
        description = description::AWAITS_AUTO_PROMOTION;
    }
    description
}

/// The groups that promoting means: those named, or all that wait for it.
///
/// # Errors
/// Says what stands against it.
pub fn promotable(view: &dyn StateView, deployment: &Deployment, named: Option<&[String]>) -> Result<Vec<Text>, String> {
    if let Some(unknown) = named.into_iter().flatten().find(|name| !deployment.groups.contains_key(name.as_str())) {
        return Err(format!("task group {unknown:?} is not part of the deployment"));
    }
    let is_meant = |name: &Text| named.is_none_or(|named| named.iter().any(|wanted| **wanted == **name));
    let waiting = || deployment.groups.iter().filter(|(name, group)| is_meant(name) && group.awaits_promotion());
    let unhealthy: Vec<String> = waiting()
        .map(|(name, group)| (name, healthy_canaries(view, group), group.desired_canaries))
        .filter(|(_, healthy, desired)| healthy < desired)
        .map(|(name, healthy, desired)| format!("Task group {name:?} has {healthy}/{desired} healthy allocations"))
        .collect();
    if !unhealthy.is_empty() {
        return Err(unhealthy.join("\n"));
    }
    let groups: Vec<Text> = waiting().map(|(name, _)| name.clone()).collect();
    if groups.is_empty() { Err("no canaries to promote".to_owned()) } else { Ok(groups) }
}

/// A deployment that starts with this plan.
pub fn started(job: &Job, groups: BTreeMap<Text, DeploymentGroup>, id: DeploymentId, now: Timestamp) -> Deployment {
    let description = running_description(groups.values());
    Deployment {
        id,
        job: job.reference(),
        job_create_index: job.create_index,
        groups,
        status: DeploymentStatus::Running,
        status_description: description.into(),
        create_index: 0,
        modify_index: 0,
        create_time: now,
        modify_time: now,
    }
}

/// The id of the deployment that an evaluation starts.
pub fn id_for(seed: u128, eval: EvalId) -> DeploymentId {
    DeploymentId::derive(seed ^ DEPLOYMENT_STREAM, (eval.0 ^ (eval.0 >> 64)) as u64)
}
