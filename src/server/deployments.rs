//! Verbs on deployments, and the watcher that has jobs looked at when a progress deadline passes.
//!
//! Nothing is decided here: the scheduler says what a deployment comes to whenever its job is evaluated.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::{Server, ServerError, View, evaluation_of};
use crate::model::deployment::description;
use crate::model::plan::DeploymentUpdate;
use crate::model::{AllocId, Deployment, DeploymentId, DeploymentStatus, EvalId, EvalStatus, EvalTrigger, Evaluation};
use crate::scheduler;
use crate::state::{Command, State, Table};
use crate::util::clock::Timestamp;

/// What became of a verb on a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentChange {
    pub eval_id: Option<EvalId>,
    pub index: u64,
    /// The version that the job went back to.
    pub reverted_to: Option<u64>,
}

impl Server {
    /// Fails a deployment; its job goes back to its stable version where it asks for that.
    pub async fn fail_deployment(&self, id: DeploymentId) -> Result<DeploymentChange, ServerError> {
        let state = self.store().load();
        let deployment = active(&state, id, "can't fail deployment that is terminal")?;
        let update = scheduler::failure(&View(&state), &deployment, description::FAILED_BY_USER);
        let reverted_to = update.revert_to.and_then(|index| {
            let versions = state.job_versions(&deployment.job.key);
            versions.into_iter().find(|job| job.job_modify_index == index).map(|job| job.version)
        });
        Ok(DeploymentChange { reverted_to, ..self.update_deployment(&state, &deployment, update).await? })
    }

    /// Holds a deployment up, or lets it go on.
    pub async fn pause_deployment(&self, id: DeploymentId, pause: bool) -> Result<DeploymentChange, ServerError> {
        let state = self.store().load();
        let over = if pause { "can't pause deployment that is terminal" } else { "can't resume deployment that is terminal" };
        let deployment = active(&state, id, over)?;
        let update = if pause {
            let status = DeploymentStatus::Paused;
            DeploymentUpdate { id, status, description: description::PAUSED.into(), promote: Vec::new(), revert_to: None }
        } else {
            scheduler::resumption(&deployment)
        };
        self.update_deployment(&state, &deployment, update).await
    }

    /// Lets the canaries of the named groups, or of all, go on as ordinary instances; the others follow.
    pub async fn promote_deployment(&self, id: DeploymentId, groups: Option<Vec<String>>) -> Result<DeploymentChange, ServerError> {
        let state = self.store().load();
        let deployment = active(&state, id, "can't promote deployment that is terminal")?;
        let groups = scheduler::promotable(&View(&state), &deployment, groups.as_deref());
        let groups = groups.map_err(|problem| ServerError::Invalid(vec![problem]))?;
        let update = scheduler::promotion(&deployment, groups);
        self.update_deployment(&state, &deployment, update).await
    }

    /// An operator's verdict on instances, for `health_check = "manual"` or against that of their node.
    pub async fn set_allocation_health(
        &self,
        id: DeploymentId,
        healthy: Vec<AllocId>,
        unhealthy: Vec<AllocId>,
    ) -> Result<DeploymentChange, ServerError> {
        let now = Timestamp::now();
        let state = self.store().load();
        let deployment = active(&state, id, "can't set health of allocations for a deployment that is terminal")?;
        let evaluation = deployment_evaluation(&state, &deployment, now);
        let eval_id = evaluation.as_ref().map(|evaluation| evaluation.id);
        let evaluation = evaluation.map(Box::new);
        let command = Command::SetAllocationHealth { deployment: id, healthy, unhealthy, evaluation, at: now };
        let reply = self.propose(command).await?;
        Ok(DeploymentChange { eval_id, index: reply.index, reverted_to: None })
    }

    async fn update_deployment(
        &self,
        state: &State,
        deployment: &Deployment,
        update: DeploymentUpdate,
    ) -> Result<DeploymentChange, ServerError> {
        let now = Timestamp::now();
        let evaluation = deployment_evaluation(state, deployment, now);
        let eval_id = evaluation.as_ref().map(|evaluation| evaluation.id);
        let reply = self.propose(Command::UpdateDeployment { update, evaluation: evaluation.map(Box::new), at: now }).await?;
        Ok(DeploymentChange { eval_id, index: reply.index, reverted_to: None })
    }
}

fn active(state: &State, id: DeploymentId, over: &str) -> Result<Arc<Deployment>, ServerError> {
    let deployment = state.deployment(id).ok_or(ServerError::NotFound("deployment not found"))?;
    if deployment.status.is_active() { Ok(Arc::clone(deployment)) } else { Err(ServerError::Invalid(vec![over.to_owned()])) }
}

/// `None` once the job is gone.
pub(super) fn deployment_evaluation(state: &State, deployment: &Deployment, now: Timestamp) -> Option<Evaluation> {
    let job = state.job(&deployment.job.key)?;
    Some(Evaluation { deployment_id: Some(deployment.id), ..evaluation_of(job, EvalTrigger::DeploymentWatcher, now) })
}

/// Evaluations for deployments whose deadline has passed, and when the next one does.
fn overdue(state: &State, now: Timestamp) -> (Vec<Evaluation>, Option<Timestamp>) {
    let view = View(state);
    let mut evaluations = Vec::new();
    let mut next: Option<Timestamp> = None;
    for deployment in state.deployments().filter(|row| row.status == DeploymentStatus::Running) {
        let Some(deadline) = scheduler::next_deadline(&view, deployment) else { continue };
        if deadline > now {
            next = next.into_iter().chain([deadline]).min();
        } else if !is_about_to_be_evaluated(state, deployment) {
            evaluations.extend(deployment_evaluation(state, deployment, now));
        }
    }
    (evaluations, next)
}

fn is_about_to_be_evaluated(state: &State, deployment: &Deployment) -> bool {
    state.evaluations_of_job(&deployment.job.key).any(|row| row.status == EvalStatus::Pending && row.wait_until.is_none())
}

/// Watches progress deadlines while this server leads.
pub(super) async fn watch(server: &Server) {
    let mut deployments = server.store().watch_table(Table::Deployments);
    loop {
        deployments.mark_unchanged();
        let now = Timestamp::now();
        let (evaluations, next) = overdue(&server.store().load(), now);
        if !evaluations.is_empty()
            && let Err(error) = server.propose(Command::UpsertEvaluations { evaluations }).await
        {
            warn!(%error, "a deployment's deadline passed, and its job could not be evaluated; trying again");
            tokio::time::sleep(super::RETRY).await;
            continue;
        }
        tokio::select! {
            changed = deployments.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(next.map_or(Duration::from_secs(3600), |next| next.since(now))) => {}
        }
    }
}
