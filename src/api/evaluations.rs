//! Evaluations: lists, one evaluation with its relatives, and what it placed.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::ApiError;
use super::call::{Answer, Call};
use super::convert::allocation::{self, StubFields};
use super::page::{self, CreatedKey, IdKey, Page, PageKey};
use super::query::{ListQuery, Namespace};
use super::types::evaluation::{Evaluation, EvaluationStub};
use crate::model::{self, EvalId};
use crate::state::{State, Table};

const NOT_FOUND: &str = "eval not found";

/// Which evaluations are asked for.
struct Wanted {
    namespace: Namespace,
    status: String,
    job: String,
}

impl Wanted {
    fn of(call: &Call, list: &ListQuery) -> Result<Self, ApiError> {
        let text = |name| call.query.get(name).unwrap_or_default().to_owned();
        let wanted = Self { namespace: call.query.namespace(), status: text("status"), job: text("job") };
        if list.filter.is_some() && !(wanted.status.is_empty() && wanted.job.is_empty()) {
            return Err(ApiError::bad_request("Filter expression cannot be used with other filter parameters"));
        }
        Ok(wanted)
    }

    fn includes(&self, row: &model::Evaluation) -> bool {
        self.namespace.includes(&row.job.namespace)
            && (self.status.is_empty() || self.status == row.status.name())
            && (self.job.is_empty() || *self.job == *row.job.id)
    }
}

pub async fn list(call: Call) -> Answer {
    let list = call.query.list()?;
    let wanted = Wanted::of(&call, &list)?;
    let view = call.view_of_tables(&[Table::Evaluations]).await?;
    call.rendered(&view, move |state| {
        let page = select(state, &wanted, &list)?;
        Ok(Page { rows: page.rows.into_iter().map(|row| Evaluation::from(&**row)).collect(), next_token: page.next_token })
    })
    .await
}

pub async fn count(call: Call) -> Answer {
    let list = call.query.list()?;
    let list = ListQuery { per_page: 0, next_token: None, ..list };
    let wanted = Wanted::of(&call, &list)?;
    let view = call.view_of_tables(&[Table::Evaluations]).await?;
    let count = select(&view.state, &wanted, &list)?.rows.len();
    call.found(&view, &json!({ "Count": count }))
}

fn select<'a>(state: &'a State, wanted: &Wanted, list: &ListQuery) -> Result<Page<&'a Arc<model::Evaluation>>, ApiError> {
    let rows = state.evaluations().filter(|row| wanted.includes(row));
    if list.prefix.is_empty() {
        return cut(rows.map(|row| (CreatedKey(row.create_index, row.id), row)).collect(), list);
    }
    let matching = rows.filter(|row| row.id.to_string().starts_with(&list.prefix));
    cut(matching.map(|row| (IdKey(row.id), row)).collect(), list)
}

fn cut<'a, Key: PageKey>(
    rows: Vec<(Key, &'a Arc<model::Evaluation>)>,
    list: &ListQuery,
) -> Result<Page<&'a Arc<model::Evaluation>>, ApiError> {
    page::cut(rows, list, |row| list.keeps(|_| serde_json::to_value(Evaluation::from(&***row)).unwrap_or_default()))
}

/// `related=true` adds stubs of the evaluations that this one led to or came from.
pub async fn read(call: Call) -> Answer {
    let id: EvalId = call.id(NOT_FOUND)?;
    let with_related = call.query.flag("related", false)?;
    let index_of = |state: &State| state.evaluation(id).map_or_else(|| state.table_index(Table::Evaluations), |row| row.modify_index);
    let view = call.view(&[Table::Evaluations], index_of).await?;
    let row = view.state.evaluation(id).ok_or_else(|| ApiError::not_found(NOT_FOUND))?;
    let mut shown = Evaluation::from(&**row);
    if with_related {
        shown.related_evals = related(&view.state, row);
    }
    call.found(&view, &shown)
}

/// Everything reachable over next, previous and blocked links.
fn related(state: &State, row: &model::Evaluation) -> Vec<EvaluationStub> {
    let mut met = BTreeSet::from([row.id]);
    let mut open = vec![row.id];
    let mut stubs = Vec::new();
    while let Some(row) = open.pop().and_then(|id| state.evaluation(id)) {
        for id in [row.next, row.previous, row.blocked].into_iter().flatten() {
            if met.insert(id)
                && let Some(linked) = state.evaluation(id)
            {
                stubs.push(EvaluationStub::from(&**linked));
                open.push(id);
            }
        }
    }
    stubs
}

pub async fn allocations(call: Call) -> Answer {
    let id: EvalId = call.id(NOT_FOUND)?;
    let view = call.view_of_tables(&[Table::Allocations]).await?;
    call.rendered(&view, move |state| {
        let fields = StubFields { resources: false, task_states: true };
        let rows = state.allocations_of_evaluation(id).map(|row| allocation::stub_in(state, row, fields)).collect();
        Ok(Page { rows, next_token: None })
    })
    .await
}
