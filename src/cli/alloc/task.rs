//! Which allocation and which of its tasks a command means.

use anyhow::{anyhow, bail};

use crate::api::types::allocation::{Allocation, AllocationListStub};
use crate::cli::connection::Session;
use crate::cli::resolve;

/// The allocation of `prefix`, or with `-job` one of that job, a running one if there is any.
///
/// # Errors
/// When there is none, or several begin with `prefix`.
pub async fn allocation(session: &Session, prefix: &str, is_job: bool) -> anyhow::Result<Allocation> {
    let id = if is_job {
        let target = resolve::job(session, prefix).await?;
        let rows = target.client.job_allocations(&target.id, false).await?;
        newest(&rows).ok_or_else(|| anyhow!("job {:?} has no allocations", target.id))?.id.clone()
    } else {
        resolve::allocation(session, prefix).await?
    };
    resolve::or_missing("allocation", &id, session.client.allocation(&id).await)
}

fn newest(rows: &[AllocationListStub]) -> Option<&AllocationListStub> {
    rows.iter().max_by_key(|row| (row.client_status == "running", row.create_index))
}

/// The task named, or the only one.
///
/// # Errors
/// When there is no such task, or none was named and there are several.
pub fn task(allocation: &Allocation, named: Option<&str>) -> anyhow::Result<String> {
    let mut tasks: Vec<&str> = allocation.task_states.keys().map(String::as_str).collect();
    if let Some(resources) = &allocation.allocated_resources {
        tasks.extend(resources.tasks.keys().map(String::as_str));
    }
    tasks.sort_unstable();
    tasks.dedup();
    match (named, tasks.as_slice()) {
        (Some(name), tasks) if tasks.contains(&name) => Ok(name.to_owned()),
        (Some(name), tasks) => bail!("allocation {:?} has no task {name:?}, only {}", allocation.id, tasks.join(", ")),
        (None, [only]) => Ok((*only).to_owned()),
        (None, []) => bail!("allocation {:?} has no tasks", allocation.id),
        (None, tasks) => bail!("allocation {:?} has several tasks: name one of {}", allocation.id, tasks.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_task_needs_no_name() {
        let one: Allocation = serde_json::from_value(serde_json::json!({"ID": "a", "TaskStates": {"web": {}}})).unwrap();
        assert_eq!(task(&one, None).unwrap(), "web");
        assert!(task(&one, Some("db")).unwrap_err().to_string().contains("only web"));
        let two: Allocation =
            serde_json::from_value(serde_json::json!({"ID": "a", "TaskStates": {"web": {}}, "AllocatedResources": {"Tasks": {"db": {}}}}))
                .unwrap();
        assert!(task(&two, None).unwrap_err().to_string().contains("db, web"));
        assert_eq!(task(&two, Some("db")).unwrap(), "db");
    }

    #[test]
    fn a_running_allocation_is_preferred() {
        let rows: Vec<AllocationListStub> = serde_json::from_value(serde_json::json!([
            {"ID": "old", "ClientStatus": "running", "CreateIndex": 1}, {"ID": "new", "ClientStatus": "failed", "CreateIndex": 2},
        ]))
        .unwrap();
        assert_eq!(newest(&rows).unwrap().id, "old");
        assert!(newest(&[]).is_none());
    }
}
