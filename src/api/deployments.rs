//! Deployments: lists, one deployment, and its allocations.

use std::sync::Arc;

use super::ApiError;
use super::call::{Answer, Call};
use super::convert::allocation::{self, StubFields};
use super::page::{self, CreatedKey, IdKey, Page, PageKey};
use super::query::ListQuery;
use super::types::deployment::Deployment;
use crate::model::{self, DeploymentId};
use crate::state::{State, Table};

const NOT_FOUND: &str = "deployment not found";

pub async fn list(call: Call) -> Answer {
    let list = call.query.list()?;
    let namespace = call.query.namespace();
    let view = call.view_of_tables(&[Table::Deployments]).await?;
    call.rendered(&view, move |state| {
        let rows = state.deployments().filter(|row| namespace.includes(&row.job.key.namespace));
        let page = if list.prefix.is_empty() {
            cut(rows.map(|row| (CreatedKey(row.create_index, row.id), row)).collect(), &list)?
        } else {
            let matching = rows.filter(|row| row.id.to_string().starts_with(&list.prefix));
            cut(matching.map(|row| (IdKey(row.id), row)).collect(), &list)?
        };
        Ok(Page { rows: page.rows.into_iter().map(|row| Deployment::from(&**row)).collect(), next_token: page.next_token })
    })
    .await
}

fn cut<'a, Key: PageKey>(
    rows: Vec<(Key, &'a Arc<model::Deployment>)>,
    list: &ListQuery,
) -> Result<Page<&'a Arc<model::Deployment>>, ApiError> {
    page::cut(rows, list, |row| list.keeps(|_| serde_json::to_value(Deployment::from(&***row)).unwrap_or_default()))
}

pub async fn read(call: Call) -> Answer {
    let id: DeploymentId = call.id(NOT_FOUND)?;
    let index_of = |state: &State| state.deployment(id).map_or_else(|| state.table_index(Table::Deployments), |row| row.modify_index);
    let view = call.view(&[Table::Deployments], index_of).await?;
    let row = view.state.deployment(id).ok_or_else(|| ApiError::not_found(NOT_FOUND))?;
    call.found(&view, &Deployment::from(&**row))
}

pub async fn allocations(call: Call) -> Answer {
    let id: DeploymentId = call.id(NOT_FOUND)?;
    let view = call.view_of_tables(&[Table::Allocations]).await?;
    let job = view.state.deployment(id).ok_or_else(|| ApiError::not_found(NOT_FOUND))?.job.key.clone();
    call.rendered(&view, move |state| {
        let fields = StubFields { resources: false, task_states: true };
        let rows = state.allocations_of_job(&job).filter(|row| row.deployment == Some(id));
        Ok(Page { rows: rows.map(|row| allocation::stub_in(state, row, fields)).collect(), next_token: None })
    })
    .await
}
