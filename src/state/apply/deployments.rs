//! Deployments: their counts follow the allocations, their verdicts come with plans and from operators.

use std::sync::Arc;

use super::super::changes::AllocationChange;
use super::super::command::Rejection;
use super::{Change, Transaction};
use crate::model::allocation::DeploymentHealth;
use crate::model::plan::DeploymentUpdate;
use crate::model::{AllocId, Allocation, Deployment, DeploymentId, DeploymentStatus, Job};
use crate::util::clock::Timestamp;

impl Transaction<'_> {
    /// The deployment as this command has left it so far, to be changed. A command that touches thousands of its allocations writes
    /// it once, when [`Self::settle_deployments`] is reached.
    fn deployment_mut(&mut self, id: DeploymentId) -> Option<&mut Deployment> {
        if !self.deployments.contains_key(&id) {
            let row = Deployment::clone(self.state.deployments.get(&id)?);
            self.deployments.insert(id, row);
        }
        self.deployments.get_mut(&id)
    }

    pub(super) fn new_deployment(&mut self, deployment: &Deployment) {
        self.deployments.insert(deployment.id, deployment.clone());
    }

    /// Writes every deployment that this command changed.
    pub(super) fn settle_deployments(&mut self) {
        for (id, deployment) in std::mem::take(&mut self.deployments) {
            let before = self.state.deployments.get(&id).cloned();
            if before.as_deref() == Some(&deployment) {
                continue;
            }
            let create_index = before.as_ref().map_or(self.index, |row| row.create_index);
            let row = Arc::new(Deployment { create_index, modify_index: self.index, ..deployment });
            self.state.deployments.insert(id, Arc::clone(&row));
            self.state.deployments_by_job.insert((row.job.key.clone(), id));
            self.changes.push(Change::Deployment { before, after: Some(row) });
        }
    }

    /// One more instance is in its deployment, new or taken over in place.
    pub(super) fn count_placed(&mut self, id: AllocId, deployment: Option<DeploymentId>, group: &str, canary: bool, at: Timestamp) {
        let Some(group) = deployment.and_then(|id| self.deployment_mut(id)).and_then(|row| row.groups.get_mut(group)) else { return };
        group.placed += 1;
        if canary {
            group.placed_canaries.push(id);
        }
        if group.require_progress_by.is_none() && !group.progress_deadline.is_zero() {
            group.require_progress_by = Some(at + group.progress_deadline);
        }
    }

    /// Sets an allocation's health and counts it; an unchanged verdict changes nothing.
    pub(super) fn judge(&mut self, allocation: &mut Allocation, healthy: bool, at: Timestamp) {
        let before = allocation.health();
        if before == Some(healthy) {
            return;
        }
        let canary = allocation.is_canary();
        allocation.deployment_health = Some(DeploymentHealth { healthy: Some(healthy), canary, timestamp: at, modify_index: self.index });
        let Some(row) = allocation.deployment.and_then(|id| self.deployment_mut(id)) else { return };
        row.modify_time = at;
        let Some(group) = row.groups.get_mut(&allocation.group) else { return };
        match before {
            Some(true) => group.healthy = group.healthy.saturating_sub(1),
            Some(false) => group.unhealthy = group.unhealthy.saturating_sub(1),
            None => {}
        }
        if !healthy {
            group.unhealthy += 1;
            return;
        }
        group.healthy += 1;
        if !group.progress_deadline.is_zero() {
            group.require_progress_by = Some(at + group.progress_deadline);
        }
    }

    /// Carries out a decision on a deployment, from a plan or an operator. One that is over stays as it is.
    pub(super) fn update_deployment(&mut self, update: &DeploymentUpdate, at: Timestamp) -> Result<(), Rejection> {
        let known = self.deployments.get(&update.id).or_else(|| self.state.deployments.get(&update.id).map(|row| &**row));
        let current = known.ok_or(Rejection::DeploymentNotFound)?;
        if !current.status.is_active() {
            return Err(Rejection::DeploymentOver);
        }
        let resumes = current.status == DeploymentStatus::Paused && update.status == DeploymentStatus::Running;
        let job = current.job.clone();
        let mut promoted = Vec::new();
        if let Some(row) = self.deployment_mut(update.id) {
            row.status = update.status;
            row.status_description = update.description.clone();
            row.modify_time = at;
            for (name, group) in &mut row.groups {
                let promotes = update.promote.contains(name) && !group.promoted;
                if promotes {
                    group.promoted = true;
                    promoted.extend(group.placed_canaries.iter().copied());
                }
                // The time that people took does not count as lack of progress.
                if (promotes || resumes) && group.require_progress_by.is_some() {
                    group.require_progress_by = Some(at + group.progress_deadline);
                }
            }
        }
        for id in promoted {
            self.end_canary(id, at);
        }
        if update.status == DeploymentStatus::Successful {
            // The version may be gone by now; then nobody can go back to it either.
            let _ = self.set_job_stability(&job.key, job.version, true);
        }
        if let Some(index) = update.revert_to {
            self.revert_job(&job, index, at)?;
        }
        Ok(())
    }

    fn end_canary(&mut self, id: AllocId, at: Timestamp) {
        let Some(current) = self.state.allocations.get(&id) else { return };
        let mut row = Allocation::clone(current);
        if let Some(health) = &mut row.deployment_health {
            health.canary = false;
            health.modify_index = self.index;
            row.modify_time = at;
            self.put_allocation(row, AllocationChange::Plan);
        }
    }

    /// Registers an older specification as the newest version, unless the job changed since its deployment was judged.
    fn revert_job(&mut self, deployed: &crate::model::JobRef, index: u64, at: Timestamp) -> Result<(), Rejection> {
        let is_current = self.state.jobs.get(&deployed.key).is_some_and(|job| job.reference() == *deployed && !job.stop);
        let Some(older) = self.state.specifications.get(&(deployed.key.clone(), index)).cloned() else { return Ok(()) };
        if !is_current {
            return Ok(());
        }
        let submission = self.state.submissions.get(&(deployed.key.clone(), index)).cloned();
        let job = Arc::new(Job { stop: false, ..Job::clone(&older) });
        self.register_job(&job, submission.as_ref(), None, at)
    }

    /// Verdicts of an operator.
    pub(super) fn set_allocation_health(
        &mut self,
        deployment: DeploymentId,
        healthy: &[AllocId],
        unhealthy: &[AllocId],
        at: Timestamp,
    ) -> Result<(), Rejection> {
        let row = self.state.deployments.get(&deployment).ok_or(Rejection::DeploymentNotFound)?;
        if !row.status.is_active() {
            return Err(Rejection::DeploymentOver);
        }
        let belongs = |id: &AllocId| self.state.allocations.get(id).is_some_and(|row| row.deployment == Some(deployment));
        if !healthy.iter().chain(unhealthy).all(belongs) {
            return Err(Rejection::AllocationNotFound);
        }
        for (ids, verdict) in [(healthy, true), (unhealthy, false)] {
            for id in ids {
                let Some(current) = self.state.allocations.get(id).cloned() else { continue };
                let mut row = Allocation::clone(&current);
                self.judge(&mut row, verdict, at);
                if row != *current {
                    row.modify_time = at;
                    self.put_allocation(row, AllocationChange::Client);
                }
            }
        }
        Ok(())
    }
}
