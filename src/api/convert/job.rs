//! Jobs as rows of a list, their summaries, and what writing one is answered with.

use std::collections::BTreeMap;

use super::{optional_id, strings};
use crate::api::handles::{DesiredChanges, Registered};
use crate::api::types::job::{
    DesiredUpdates, JobChildrenSummary, JobDeregisterResponse, JobListStub, JobRegisterResponse, JobSubmission, JobSummary,
    TaskGroupSummary,
};
use crate::model::{Job, JobStatus, Text};
use crate::state::summary::GroupSummary;
use crate::state::{State, Submission};

/// A row of a list.
pub fn stub(state: &State, job: &Job, with_meta: bool) -> JobListStub {
    JobListStub {
        id: job.key.id.to_string(),
        parent_id: job.parent_id.as_deref().unwrap_or_default().to_owned(),
        name: job.name.to_string(),
        namespace: job.key.namespace.to_string(),
        datacenters: job.datacenters.iter().map(ToString::to_string).collect(),
        node_pool: job.node_pool.to_string(),
        r#type: job.job_type.name().to_owned(),
        priority: job.priority.into(),
        periodic: job.periodic.is_some(),
        parameterized_job: job.parameterized.is_some() && !job.dispatched,
        stop: job.stop,
        status: job.status.name().to_owned(),
        status_description: String::new(),
        job_summary: Some(summary(state, job)),
        create_index: job.create_index,
        modify_index: job.modify_index,
        job_modify_index: job.job_modify_index,
        submit_time: job.submit_time.0,
        meta: if with_meta { strings(&job.meta) } else { BTreeMap::new() },
    }
}

/// A job's allocations counted by state, and the children of a periodic or parameterized job.
pub fn summary(state: &State, job: &Job) -> JobSummary {
    let groups = state.summary(&job.key);
    JobSummary {
        job_id: job.key.id.to_string(),
        namespace: job.key.namespace.to_string(),
        summary: groups.iter().map(|(name, group)| (name.to_string(), group.into())).collect(),
        children: job.is_template().then(|| children(state, job)),
        create_index: job.create_index,
        modify_index: job.modify_index,
    }
}

fn children(state: &State, parent: &Job) -> JobChildrenSummary {
    let mut counts = JobChildrenSummary::default();
    for child in state.children(&parent.key) {
        match child.status {
            JobStatus::Pending => counts.pending += 1,
            JobStatus::Running => counts.running += 1,
            JobStatus::Dead => counts.dead += 1,
        }
    }
    counts
}

impl From<&GroupSummary> for TaskGroupSummary {
    fn from(group: &GroupSummary) -> Self {
        Self {
            queued: group.queued.into(),
            complete: group.complete.into(),
            failed: group.failed.into(),
            running: group.running.into(),
            starting: group.starting.into(),
            lost: group.lost.into(),
            unknown: group.unknown.into(),
        }
    }
}

impl From<&Registered> for JobRegisterResponse {
    fn from(registered: &Registered) -> Self {
        Self {
            eval_id: optional_id(registered.eval_id),
            eval_create_index: registered.eval_id.map_or(0, |_| registered.index),
            job_modify_index: registered.job_modify_index,
            warnings: String::new(),
            index: registered.index,
        }
    }
}

impl From<&Registered> for JobDeregisterResponse {
    fn from(registered: &Registered) -> Self {
        Self {
            eval_id: optional_id(registered.eval_id),
            eval_create_index: registered.eval_id.map_or(0, |_| registered.index),
            job_modify_index: registered.job_modify_index,
            index: registered.index,
        }
    }
}

impl From<&DesiredChanges> for DesiredUpdates {
    fn from(changes: &DesiredChanges) -> Self {
        Self {
            ignore: changes.ignore,
            place: changes.place,
            migrate: changes.migrate,
            stop: changes.stop,
            in_place_update: changes.in_place,
            destructive_update: changes.destructive,
            canary: changes.canary,
            preemptions: changes.preemptions,
            disconnect: changes.disconnect,
            reconnect: changes.reconnect,
            reschedule_now: changes.reschedule_now,
            reschedule_later: changes.reschedule_later,
        }
    }
}

impl From<&Submission> for JobSubmission {
    fn from(submission: &Submission) -> Self {
        Self {
            source: submission.source.to_string(),
            format: submission.format.to_string(),
            variable_flags: strings(&submission.variable_flags),
            variables: submission.variables.to_string(),
        }
    }
}

impl From<JobSubmission> for Submission {
    fn from(submission: JobSubmission) -> Self {
        let flags = submission.variable_flags.into_iter().map(|(name, value)| (Text::from(name), Text::from(value)));
        Self {
            source: submission.source.into(),
            format: submission.format.into(),
            variable_flags: flags.collect(),
            variables: submission.variables.into(),
        }
    }
}
