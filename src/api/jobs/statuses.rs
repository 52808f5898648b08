//! `/v1/jobs/statuses`: jobs with the state of their allocations, newest change first.

use serde::{Deserialize, Serialize};

use crate::api::call::{Answer, Call};
use crate::api::page::{self, Page};
use crate::api::{convert, job_json};
use crate::model::{Job, JobKey};
use crate::state::{State, Table};

const TABLES: [Table; 3] = [Table::Jobs, Table::Allocations, Table::Deployments];

/// Which jobs are asked for; none means all.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct StatusesRequest {
    jobs: Option<Vec<NamedJob>>,
    include_children: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NamedJob {
    #[serde(rename = "ID")]
    id: String,
    namespace: String,
}

/// One job with its allocations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct JobState {
    #[serde(rename = "ID")]
    id: String,
    namespace: String,
    name: String,
    r#type: &'static str,
    priority: u8,
    node_pool: String,
    datacenters: Vec<String>,
    version: u64,
    stop: bool,
    status: &'static str,
    #[serde(rename = "ParentID")]
    parent_id: String,
    submit_time: i64,
    modify_index: u64,
    group_count_sum: u64,
    child_statuses: Vec<&'static str>,
    #[serde(rename = "LatestDeployment")]
    latest_deployment: Option<LatestDeployment>,
    allocs: Vec<AllocationState>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AllocationState {
    #[serde(rename = "ID")]
    id: String,
    group: String,
    client_status: &'static str,
    #[serde(rename = "NodeID")]
    node_id: String,
    job_version: u64,
    followup_eval_id: String,
    has_paused_task: bool,
    deployment_status: Option<crate::api::types::allocation::AllocationDeploymentStatus>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LatestDeployment {
    #[serde(rename = "ID")]
    id: String,
    is_active: bool,
    job_version: u64,
    status: &'static str,
    status_description: String,
    all_auto_promote: bool,
    requires_promotion: bool,
}

pub async fn statuses(call: Call) -> Answer {
    let request: StatusesRequest = call.json_or_default()?;
    let mut list = call.query.list()?;
    // Newest first unless asked otherwise.
    list.reverse = !list.reverse;
    let namespace = call.query.namespace();
    let view = call.view_of_tables(&TABLES).await?;
    call.rendered(&view, move |state| {
        let rows: Vec<_> = match &request.jobs {
            Some(named) if !named.is_empty() => {
                let keys = named
                    .iter()
                    .map(|job| JobKey::new(if job.namespace.is_empty() { "default" } else { job.namespace.as_str() }, job.id.as_str()));
                keys.filter_map(|key| state.job(&key)).map(|job| (job.modify_index, job)).collect()
            }
            _ => {
                let wanted = |job: &Job| {
                    namespace.includes(&job.key.namespace)
                        && job.key.id.starts_with(&list.prefix)
                        && (request.include_children || job.parent_id.is_none())
                };
                state.jobs().filter(|job| wanted(job)).map(|job| (job.modify_index, job)).collect()
            }
        };
        let page = page::cut(rows, &list, |job| list.keeps(|_| job_json::to_value(job)))?;
        Ok(Page { rows: page.rows.into_iter().map(|job| job_state(state, job)).collect(), next_token: page.next_token })
    })
    .await
}

fn job_state(state: &State, job: &Job) -> JobState {
    let allocations = state.allocations_of_job(&job.key).map(|row| AllocationState {
        id: row.id.to_string(),
        group: row.group.to_string(),
        client_status: row.client_status.name(),
        node_id: row.node_id.to_string(),
        job_version: row.job.version,
        followup_eval_id: convert::optional_id(row.history.follow_up_eval),
        has_paused_task: false,
        deployment_status: row.deployment_health.as_ref().map(Into::into),
    });
    JobState {
        id: job.key.id.to_string(),
        namespace: job.key.namespace.to_string(),
        name: job.name.to_string(),
        r#type: job.job_type.name(),
        priority: job.priority,
        node_pool: job.node_pool.to_string(),
        datacenters: job.datacenters.iter().map(ToString::to_string).collect(),
        version: job.version,
        stop: job.stop,
        status: job.status.name(),
        parent_id: job.parent_id.as_deref().unwrap_or_default().to_owned(),
        submit_time: job.submit_time.0,
        modify_index: job.modify_index,
        group_count_sum: job.groups.iter().map(|group| u64::from(group.count)).sum(),
        child_statuses: state.children(&job.key).map(|child| child.status.name()).collect(),
        latest_deployment: latest_deployment(state, job),
        allocs: allocations.collect(),
    }
}

fn latest_deployment(state: &State, job: &Job) -> Option<LatestDeployment> {
    let latest = state.deployments_of_job(&job.key).max_by_key(|row| row.create_index)?;
    let awaiting = |group: &crate::model::DeploymentGroup| group.desired_canaries > 0 && !group.promoted;
    Some(LatestDeployment {
        id: latest.id.to_string(),
        is_active: latest.status.is_active(),
        job_version: latest.job.version,
        status: latest.status.name(),
        status_description: latest.status_description.to_string(),
        all_auto_promote: latest.groups.values().all(|group| group.auto_promote),
        requires_promotion: latest.status.is_active() && latest.groups.values().any(awaiting),
    })
}
