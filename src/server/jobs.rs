//! Verbs on jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Registered, Server, ServerError, View, evaluation_of};
use crate::model::scaling::ScalingEvent;
use crate::model::{ConfigValue, EvalTrigger, Evaluation, Job, JobKey, TaskGroup, Text};
use crate::scheduler::{DryRun, Explanation, dry_run, explain};
use crate::state::{Command, Submission};
use crate::util::clock::Timestamp;

/// A registration, already parsed and validated at the edge.
#[derive(Clone, Debug)]
pub struct RegisterJob {
    pub job: Job,
    pub submission: Option<Submission>,
    /// Only if the job's modify index is this; 0: only if it does not exist.
    pub enforce_index: Option<u64>,
    pub eval_priority: Option<u8>,
    /// Keep the counts that the job has now.
    pub preserve_counts: bool,
}

/// What is wanted of a group's count.
#[derive(Clone, Debug)]
pub struct ScaleRequest {
    pub group: Text,
    /// `None`: nothing changes, the message is kept.
    pub count: Option<u32>,
    pub message: Text,
    /// The message tells of an error.
    pub error: bool,
    pub meta: ConfigValue,
    /// Only if the job's modify index is this.
    pub enforce_index: Option<u64>,
}

/// What registering a job would do now.
#[derive(Clone, Debug)]
pub struct DryRunResult {
    pub groups: DryRun,
    /// 0: the job does not exist yet.
    pub job_modify_index: u64,
    /// The specification that stands now.
    pub current: Option<Arc<Job>>,
}

impl Server {
    pub async fn register_job(&self, request: RegisterJob) -> Result<Registered, ServerError> {
        let state = self.store().load();
        if state.scheduler_config().reject_job_registration {
            return Err(ServerError::RegistrationDisabled);
        }
        let mut job = request.job;
        if request.preserve_counts
            && let Some(current) = state.job(&job.key)
        {
            keep_counts(&mut job.groups, &current.groups);
        }
        self.register(job, request.submission, request.enforce_index, request.eval_priority, EvalTrigger::JobRegister).await
    }

    async fn register(
        &self,
        job: Job,
        submission: Option<Submission>,
        enforce_index: Option<u64>,
        eval_priority: Option<u8>,
        trigger: EvalTrigger,
    ) -> Result<Registered, ServerError> {
        let now = Timestamp::now();
        let key = job.key.clone();
        let evaluation = (!job.is_template()).then(|| Box::new(with_priority(evaluation_of(&job, trigger, now), eval_priority)));
        let eval_id = evaluation.as_ref().map(|evaluation| evaluation.id);
        let submission = submission.map(Arc::new);
        let reply = self.propose(Command::RegisterJob { job: Arc::new(job), submission, enforce_index, evaluation, at: now }).await?;
        let job_modify_index = self.store().load().job(&key).map_or(reply.index, |job| job.job_modify_index);
        Ok(Registered { eval_id, index: reply.index, job_modify_index })
    }

    /// Stops a job: its allocations go, its record stays unless `purge`.
    pub async fn deregister_job(
        &self,
        key: JobKey,
        purge: bool,
        no_shutdown_delay: bool,
        eval_priority: Option<u8>,
    ) -> Result<Registered, ServerError> {
        let now = Timestamp::now();
        let job = self.existing_job(&key)?;
        let evaluation =
            (!job.is_template()).then(|| Box::new(with_priority(evaluation_of(&job, EvalTrigger::JobDeregister, now), eval_priority)));
        let eval_id = evaluation.as_ref().map(|evaluation| evaluation.id);
        let reply = self.propose(Command::DeregisterJob { key, purge, evaluation, no_shutdown_delay, at: now }).await?;
        Ok(Registered { eval_id, index: reply.index, job_modify_index: reply.index })
    }

    /// Sets a group's count, or only keeps the message when there is none; both are among the job's scaling events afterwards.
    pub async fn scale_job(&self, key: JobKey, request: ScaleRequest) -> Result<Registered, ServerError> {
        let now = Timestamp::now();
        let current = self.existing_job(&key)?;
        if current.stop && request.count.is_some() {
            return Err(ServerError::Invalid(vec!["job is stopped: start it before scaling".to_owned()]));
        }
        let mut job = Job::clone(&current);
        let target = job.groups.iter_mut().find(|row| row.name == request.group);
        let target = target.ok_or_else(|| ServerError::Invalid(vec![format!("task group {:?} does not exist in job", request.group)]))?;
        let previous_count = target.count;
        let mut event = ScalingEvent {
            at: now,
            count: request.count,
            previous_count,
            error: request.error,
            message: request.message,
            meta: request.meta,
            eval_id: None,
            create_index: 0,
        };
        let command = match request.count {
            None => Command::ScaleJob {
                key: key.clone(),
                group: request.group,
                event: Box::new(event),
                job: None,
                submission: None,
                enforce_index: None,
                evaluation: None,
                at: now,
            },
            Some(count) => {
                check_bounds(target, count)?;
                target.count = count;
                let evaluation = (!job.is_template()).then(|| Box::new(evaluation_of(&job, EvalTrigger::JobScaling, now)));
                event.eval_id = evaluation.as_ref().map(|evaluation| evaluation.id);
                let submission = self.store().load().submission(&current.reference()).cloned();
                Command::ScaleJob {
                    key: key.clone(),
                    group: request.group,
                    event: Box::new(event),
                    job: Some(Arc::new(job)),
                    submission,
                    // Against a lost update: somebody else's registration in between is a conflict, not overwritten.
                    enforce_index: request.enforce_index.or(Some(current.job_modify_index)),
                    evaluation,
                    at: now,
                }
            }
        };
        let eval_id = match &command {
            Command::ScaleJob { event, .. } => event.eval_id,
            _ => None,
        };
        let reply = self.propose(command).await?;
        let job_modify_index = self.store().load().job(&key).map_or(reply.index, |job| job.job_modify_index);
        Ok(Registered { eval_id, index: reply.index, job_modify_index })
    }

    /// Registers an earlier version again, as a new version.
    pub async fn revert_job(&self, key: JobKey, version: u64, enforce_prior: Option<u64>) -> Result<Registered, ServerError> {
        let current = self.existing_job(&key)?;
        if let Some(expected) = enforce_prior.filter(|expected| *expected != current.version) {
            return Err(ServerError::Invalid(vec![format!("Current job has version {}; enforcing version {expected}", current.version)]));
        }
        if version == current.version {
            return Err(ServerError::Invalid(vec![format!("can't revert to current version {version}")]));
        }
        let state = self.store().load();
        let earlier = state.job_versions(&key).into_iter().find(|job| job.version == version);
        let earlier = earlier.ok_or(ServerError::NotFound("job version not found"))?;
        let submission = state.submission(&earlier.reference()).map(|row| Submission::clone(row));
        let job = Job { stop: false, ..Job::clone(&earlier) };
        self.register(job, submission, Some(current.job_modify_index), None, EvalTrigger::JobRegister).await
    }

    pub async fn set_job_stability(&self, key: JobKey, version: u64, stable: bool) -> Result<u64, ServerError> {
        Ok(self.propose(Command::SetJobStability { key, version, stable }).await?.index)
    }

    /// What registering `job` would do now; nothing is changed.
    pub fn plan_job(&self, job: &Job) -> DryRunResult {
        let state = self.store().load();
        let current = state.job(&job.key).cloned();
        DryRunResult {
            groups: dry_run(&View(&state), job, Timestamp::now()),
            job_modify_index: current.as_ref().map_or(0, |job| job.job_modify_index),
            current,
        }
    }

    /// Why the job's instances are where they are, or nowhere.
    pub fn explain_job(&self, key: &JobKey) -> Result<Explanation, ServerError> {
        let state = self.store().load();
        explain(&View(&state), key, Timestamp::now()).ok_or(ServerError::NotFound("job not found"))
    }

    pub(super) fn existing_job(&self, key: &JobKey) -> Result<Arc<Job>, ServerError> {
        self.store().load().job(key).cloned().ok_or(ServerError::NotFound("job not found"))
    }
}

fn check_bounds(group: &TaskGroup, count: u32) -> Result<(), ServerError> {
    let Some(scaling) = group.scaling.as_ref().filter(|scaling| !(scaling.min..=scaling.max).contains(&count)) else { return Ok(()) };
    let problem = format!("group count {count} must be between the scaling policy's minimum {} and maximum {}", scaling.min, scaling.max);
    Err(ServerError::Invalid(vec![problem]))
}

fn with_priority(evaluation: Evaluation, priority: Option<u8>) -> Evaluation {
    Evaluation { priority: priority.unwrap_or(evaluation.priority), ..evaluation }
}

fn keep_counts(groups: &mut [TaskGroup], current: &[TaskGroup]) {
    let counts: BTreeMap<&Text, u32> = current.iter().map(|group| (&group.name, group.count)).collect();
    for group in groups {
        if let Some(count) = counts.get(&group.name) {
            group.count = *count;
        }
    }
}
