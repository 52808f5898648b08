//! Jobs, one file per kind of question about them.

pub mod launch;
pub mod list;
pub mod parse;
pub mod plan;
pub mod read;
pub mod register;
pub mod scale;
pub mod statuses;
pub mod versions;

use std::sync::Arc;

use super::ApiError;
use crate::model::{Job, JobKey};
use crate::state::{State, Table};

/// The index of one job: its own, or that of the table while there is no such job, so that a waiting query sees it come.
fn index_of_job(state: &State, key: &JobKey) -> u64 {
    state.job(key).map_or_else(|| state.table_index(Table::Jobs), |job| job.modify_index)
}

fn existing_job<'a>(state: &'a State, key: &JobKey) -> Result<&'a Arc<Job>, ApiError> {
    state.job(key).ok_or_else(|| ApiError::not_found("job not found"))
}
