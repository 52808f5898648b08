//! `GET /v1/jobs`.

use crate::api::call::{Answer, Call};
use crate::api::page::{self, NamedKey, Page};
use crate::api::{convert, job_json};
use crate::model::Job;
use crate::state::Table;

/// The tables a row is made of: its counts come from allocations and evaluations.
pub const TABLES: [Table; 3] = [Table::Jobs, Table::Allocations, Table::Evaluations];

/// `meta=true` adds each job's metadata.
pub async fn list(call: Call) -> Answer {
    let list = call.query.list()?;
    let namespace = call.query.namespace();
    let with_meta = call.query.flag("meta", false)?;
    let view = call.view_of_tables(&TABLES).await?;
    call.rendered(&view, move |state| {
        let wanted = |job: &Job| namespace.includes(&job.key.namespace) && job.key.id.starts_with(&list.prefix);
        let rows = state.jobs().filter(|job| wanted(job)).map(|job| (NamedKey(job.key.clone()), job)).collect();
        let page = page::cut(rows, &list, |job| list.keeps(|_| job_json::to_value(job)))?;
        Ok(Page { rows: page.rows.into_iter().map(|job| convert::job::stub(state, job, with_meta)).collect(), next_token: page.next_token })
    })
    .await
}
