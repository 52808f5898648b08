//! Deployments: lists, one deployment, and its allocations.

use std::sync::Arc;

use super::ApiError;
use super::call::{Answer, Call};
use super::convert::allocation::{self, StubFields};
use super::handles::DeploymentChange;
use super::page::{self, CreatedKey, IdKey, Page, PageKey};
use super::query::ListQuery;
use super::types::deployment::{
    Deployment, DeploymentAllocHealthRequest, DeploymentPauseRequest, DeploymentPromoteRequest, DeploymentUpdateResponse,
};
use crate::model::{self, AllocId, DeploymentId};
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

pub async fn fail(call: Call) -> Answer {
    let change = call.api.server.fail_deployment(call.id(NOT_FOUND)?).await?;
    changed(&call, &change)
}

pub async fn pause(call: Call) -> Answer {
    let request: DeploymentPauseRequest = call.json()?;
    check_body_id(&call, &request.deployment_id)?;
    let change = call.api.server.pause_deployment(call.id(NOT_FOUND)?, request.pause).await?;
    changed(&call, &change)
}

pub async fn promote(call: Call) -> Answer {
    let request: DeploymentPromoteRequest = call.json()?;
    check_body_id(&call, &request.deployment_id)?;
    if request.all != request.groups.is_empty() {
        return Err(ApiError::bad_request("name the groups to promote, or all of them"));
    }
    let groups = (!request.all).then_some(request.groups);
    let change = call.api.server.promote_deployment(call.id(NOT_FOUND)?, groups).await?;
    changed(&call, &change)
}

pub async fn set_health(call: Call) -> Answer {
    let request: DeploymentAllocHealthRequest = call.json()?;
    check_body_id(&call, &request.deployment_id)?;
    let healthy = allocation_ids(&request.healthy_allocation_ids)?;
    let unhealthy = allocation_ids(&request.unhealthy_allocation_ids)?;
    if healthy.is_empty() && unhealthy.is_empty() {
        return Err(ApiError::bad_request("name the allocations that are healthy or unhealthy"));
    }
    if healthy.iter().any(|id| unhealthy.contains(id)) {
        return Err(ApiError::bad_request("an allocation cannot be healthy and unhealthy"));
    }
    let change = call.api.server.set_allocation_health(call.id(NOT_FOUND)?, healthy, unhealthy).await?;
    changed(&call, &change)
}

pub async fn unblock(call: Call) -> Answer {
    let id: DeploymentId = call.id(NOT_FOUND)?;
    call.api.server.store().load().deployment(id).ok_or_else(|| ApiError::not_found(NOT_FOUND))?;
    Err(ApiError::bad_request("can't unblock a deployment that is not blocked: only deployments of several regions are"))
}

fn changed(call: &Call, change: &DeploymentChange) -> Answer {
    call.written(change.index, &DeploymentUpdateResponse::from(change))
}

fn allocation_ids(ids: &[String]) -> Result<Vec<AllocId>, ApiError> {
    ids.iter().map(|id| id.parse().map_err(|_| ApiError::bad_request(format!("invalid allocation id {id:?}")))).collect()
}

/// A body may repeat the deployment's id, and must then mean the one of the path.
fn check_body_id(call: &Call, id: &str) -> Result<(), ApiError> {
    if id.is_empty() || id == call.parameter() { Ok(()) } else { Err(ApiError::bad_request("Deployment ID does not match")) }
}
