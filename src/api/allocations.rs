//! Allocations: lists, one allocation, and stopping it.

use std::sync::Arc;

use super::ApiError;
use super::call::{Answer, Call};
use super::convert::allocation::{self, StubFields};
use super::convert::optional_id;
use super::page::{self, CreatedKey, IdKey, Page, PageKey};
use super::query::ListQuery;
use super::types::allocation::AllocationStopResponse;
use crate::model::{AllocId, Allocation};
use crate::state::{State, Table};

const NOT_FOUND: &str = "alloc not found";

/// `resources` (default false) and `task_states` (default true) say what each row shows.
pub async fn list(call: Call) -> Answer {
    let list = call.query.list()?;
    let namespace = call.query.namespace();
    let fields = StubFields { resources: call.query.flag("resources", false)?, task_states: call.query.flag("task_states", true)? };
    let view = call.view_of_tables(&[Table::Allocations]).await?;
    call.rendered(&view, move |state| {
        let rows = state.allocations().filter(|row| namespace.includes(&row.job.key.namespace));
        let page = if list.prefix.is_empty() {
            cut(state, rows.map(|row| (CreatedKey(row.create_index, row.id), row)).collect(), &list)?
        } else {
            let matching = rows.filter(|row| row.id.to_string().starts_with(&list.prefix));
            cut(state, matching.map(|row| (IdKey(row.id), row)).collect(), &list)?
        };
        let stubs = page.rows.into_iter().map(|row| allocation::stub_in(state, row, fields)).collect();
        Ok(Page { rows: stubs, next_token: page.next_token })
    })
    .await
}

fn cut<'a, Key: PageKey>(
    state: &State,
    rows: Vec<(Key, &'a Arc<Allocation>)>,
    list: &ListQuery,
) -> Result<Page<&'a Arc<Allocation>>, ApiError> {
    page::cut(rows, list, |row| {
        list.keeps(|filter| serde_json::to_value(allocation::full_in(state, row, filter.mentions("Job"))).unwrap_or_default())
    })
}

pub async fn read(call: Call) -> Answer {
    let id: AllocId = call.id(NOT_FOUND)?;
    let index_of = |state: &State| state.allocation(id).map_or_else(|| state.table_index(Table::Allocations), |row| row.modify_index);
    let view = call.view(&[Table::Allocations], index_of).await?;
    let row = view.state.allocation(id).ok_or_else(|| ApiError::not_found(NOT_FOUND))?;
    call.found(&view, &allocation::full_in(&view.state, row, true))
}

pub async fn stop(call: Call) -> Answer {
    let no_shutdown_delay = call.query.flag("no_shutdown_delay", false)?;
    let stopped = call.api.server.stop_allocation(call.id(NOT_FOUND)?, no_shutdown_delay).await?;
    let response = AllocationStopResponse { eval_id: optional_id(stopped.eval_id), index: stopped.index };
    call.written(stopped.index, &response)
}
