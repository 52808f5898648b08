//! What is shown of jobs that launch others.

use serde_json::Value;

use crate::api::client::{Client, ClientError};
use crate::api::types::job::{JobListStub, JobSummary};
use crate::cli::table::{Cell, Table};
use crate::cli::time;
use crate::util::clock::Timestamp;
use crate::util::cron;

fn is_set(job: &Value, field: &str) -> bool {
    job.get(field).is_some_and(|value| !value.is_null())
}

/// Whether a job only runs through its children.
pub fn is_template(job: &Value) -> bool {
    let is_dispatched = job.get("Dispatched").and_then(Value::as_bool).unwrap_or(false);
    is_set(job, "Periodic") || (is_set(job, "ParameterizedJob") && !is_dispatched)
}

/// The title of the list of children.
pub fn heading(job: &Value) -> &'static str {
    if is_set(job, "Periodic") { "Previously Launched Jobs" } else { "Dispatched Jobs" }
}

/// The children, newest first.
///
/// # Errors
/// When the agent cannot be asked.
pub async fn list(client: &Client, parent: &str) -> Result<Vec<JobListStub>, ClientError> {
    let mut children = client.list_jobs(&format!("{parent}/")).await?;
    children.retain(|job| job.parent_id == parent);
    children.sort_by(|a, b| (b.create_index, &b.id).cmp(&(a.create_index, &a.id)));
    Ok(children)
}

pub fn summary_table(summary: &JobSummary) -> Table {
    let counts = summary.children.clone().unwrap_or_default();
    let mut table = Table::new(["Pending", "Running", "Dead"]);
    table.row([counts.pending.into(), counts.running.into(), counts.dead.into()]);
    table
}

pub fn table(children: &[JobListStub]) -> Table {
    let mut table = Table::new(["ID", "Status"]);
    for child in children {
        table.row([(&child.id).into(), Cell::status(&child.status)]);
    }
    table
}

/// The next time of a periodic job and how far it is away; `None` when it is not launched by itself.
pub fn next_launch(job: &Value, now: Timestamp) -> Option<String> {
    let periodic = job.get("Periodic").filter(|periodic| !periodic.is_null())?;
    let is_on = |field: &str| periodic.get(field).and_then(Value::as_bool);
    let is_stopped = job.get("Stop").and_then(Value::as_bool).unwrap_or(false);
    if is_stopped || is_on("Enabled") == Some(false) {
        return None;
    }
    let single = periodic.get("Spec").and_then(Value::as_str).filter(|spec| !spec.is_empty());
    let several = periodic.get("Specs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let zone = periodic.get("TimeZone").and_then(Value::as_str).filter(|zone| !zone.is_empty()).unwrap_or("UTC");
    let next = cron::next_of_all(single.into_iter().chain(several), zone, now).ok()??;
    Some(format!("{} ({} from now)", time::at(next.0), time::span(next.since(now).as_secs())))
}
