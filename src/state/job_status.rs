//! A job's status, derived from its specification, allocations and evaluations.

use super::State;
use crate::model::{Job, JobStatus, JobType};

/// `running` while anything of it lives or (for templates and system jobs) while it is not stopped; `pending` while an evaluation is
/// open or nothing happened yet; `dead` otherwise.
pub(super) fn of(state: &State, job: &Job) -> JobStatus {
    let allocations = || state.allocations_of_job(&job.key).filter(|row| row.create_index >= job.create_index);
    if allocations().any(|row| !row.is_terminal()) {
        return JobStatus::Running;
    }
    if job.stop {
        return JobStatus::Dead;
    }
    if job.is_template() || job.job_type == JobType::System {
        return JobStatus::Running;
    }
    if state.evaluations_of_job(&job.key).any(|row| !row.is_terminal()) {
        return JobStatus::Pending;
    }
    if allocations().next().is_some() || state.evaluations_of_job(&job.key).any(|row| row.create_index >= job.create_index) {
        return JobStatus::Dead;
    }
    if job.groups.iter().all(|group| group.count == 0) { JobStatus::Dead } else { JobStatus::Pending }
}
