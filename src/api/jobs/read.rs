//! One job, and what belongs to it.

use super::{existing_job, index_of_job};
use crate::api::blocking::newest;
use crate::api::call::{Answer, Call};
use crate::api::convert::allocation::{self, StubFields};
use crate::api::page::Page;
use crate::api::types::deployment::Deployment;
use crate::api::types::evaluation::Evaluation;
use crate::api::{convert, job_json};
use crate::model::{Job, JobKey};
use crate::state::{State, Table};

pub async fn read(call: Call) -> Answer {
    let key = call.job_key()?;
    let view = call.view(&[Table::Jobs], |state| index_of_job(state, &key)).await?;
    let job = existing_job(&view.state, &key)?;
    call.found(&view, &job_json::to_value(job))
}

pub async fn summary(call: Call) -> Answer {
    let key = call.job_key()?;
    let tables = super::list::TABLES;
    let view = call.view_of_tables(&tables).await?;
    let job = existing_job(&view.state, &key)?;
    let mut summary = convert::job::summary(&view.state, job);
    summary.modify_index = newest(&view.state, &tables);
    call.found(&view, &summary)
}

/// `all=true` adds those of an earlier job with the same id.
pub async fn allocations(call: Call) -> Answer {
    let key = call.job_key()?;
    let all = call.query.flag("all", false)?;
    let view = call.view_of_tables(&[Table::Allocations]).await?;
    call.rendered(&view, move |state| {
        let rows = state.allocations_of_job(&key).filter(|row| all || is_of_current(state, &key, row.job.modify_index));
        let fields = StubFields { resources: false, task_states: true };
        let mut stubs: Vec<_> = rows.map(|row| allocation::stub_in(state, row, fields)).collect();
        stubs.sort_unstable_by(|a, b| (a.create_index, &a.id).cmp(&(b.create_index, &b.id)));
        Ok(Page { rows: stubs, next_token: None })
    })
    .await
}

pub async fn evaluations(call: Call) -> Answer {
    let key = call.job_key()?;
    let view = call.view_of_tables(&[Table::Evaluations]).await?;
    call.rendered(&view, move |state| {
        let mut rows: Vec<Evaluation> = state.evaluations_of_job(&key).map(|row| (&**row).into()).collect();
        rows.sort_unstable_by(|a, b| (b.create_index, &b.id).cmp(&(a.create_index, &a.id)));
        Ok(Page { rows, next_token: None })
    })
    .await
}

/// `all=true` adds those of an earlier job with the same id.
pub async fn deployments(call: Call) -> Answer {
    let key = call.job_key()?;
    let all = call.query.flag("all", false)?;
    let view = call.view_of_tables(&[Table::Deployments]).await?;
    call.rendered(&view, move |state| {
        let rows = state.deployments_of_job(&key).filter(|row| all || is_of_current(state, &key, row.job.modify_index));
        let mut rows: Vec<Deployment> = rows.map(|row| (&**row).into()).collect();
        rows.sort_unstable_by(|a, b| (b.create_index, &b.id).cmp(&(a.create_index, &a.id)));
        Ok(Page { rows, next_token: None })
    })
    .await
}

/// The newest deployment, or `null`.
pub async fn latest_deployment(call: Call) -> Answer {
    let key = call.job_key()?;
    let view = call.view_of_tables(&[Table::Deployments]).await?;
    let latest = view.state.deployments_of_job(&key).max_by_key(|row| row.create_index);
    let latest = latest.filter(|row| is_of_current(&view.state, &key, row.job.modify_index));
    call.found(&view, &latest.map(|row| Deployment::from(&**row)))
}

/// Whether a specification registered at `index` belongs to the job as it is registered now, rather than to a purged one.
fn is_of_current(state: &State, key: &JobKey, index: u64) -> bool {
    state.job(key).is_none_or(|job: &std::sync::Arc<Job>| index >= job.create_index)
}
