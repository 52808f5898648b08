//! `job allocs`: the allocations of a job.

use clap::Args;

use crate::api::types::allocation::AllocationListStub;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::progress::short;
use crate::cli::table::{Cell, Table};
use crate::cli::{resolve, time};
use crate::util::clock::Timestamp;

/// List the allocations of a job
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job allocs web
  pannier job allocs -all -json web")]
pub struct AllocsArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Show allocations of an earlier job with the same id too
    #[arg(long)]
    all: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl AllocsArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let target = resolve::job(&session, &self.job).await?;
        let rows = target.client.job_allocations(&target.id, self.all).await?;
        if self.json {
            print_json(&rows)?;
        } else if rows.is_empty() {
            print("No allocations placed")?;
        } else {
            print(&allocation_table(&rows, self.verbose, Timestamp::now()).render(session.style))?;
        }
        Ok(Exit::Ok)
    }
}

/// Newest first.
pub fn allocation_table(rows: &[AllocationListStub], verbose: bool, now: Timestamp) -> Table {
    let mut newest_first: Vec<&AllocationListStub> = rows.iter().collect();
    newest_first.sort_by_key(|row| std::cmp::Reverse(row.create_index));
    let id = |id: &str| -> Cell { if verbose { id.into() } else { short(id).into() } };
    let mut table = Table::new(["ID", "Node ID", "Task Group", "Version", "Desired", "Status", "Created", "Modified"]);
    for row in newest_first {
        table.row([
            id(&row.id),
            id(&row.node_id),
            (&row.task_group).into(),
            row.job_version.into(),
            (&row.desired_status).into(),
            Cell::status(&row.client_status),
            time::ago(row.create_time, now).into(),
            time::ago(row.modify_time, now).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::style::Style;

    #[test]
    fn newest_first_with_short_ids() {
        let rows: Vec<AllocationListStub> = serde_json::from_value(serde_json::json!([
            {"ID": "aaaaaaaa-1", "NodeID": "cccccccc-1", "TaskGroup": "web", "CreateIndex": 1, "DesiredStatus": "stop", "ClientStatus": "complete",
             "CreateTime": 1_000_000_000_i64, "ModifyTime": 61_000_000_000_i64},
            {"ID": "bbbbbbbb-1", "NodeID": "cccccccc-1", "TaskGroup": "web", "JobVersion": 1, "CreateIndex": 2, "DesiredStatus": "run", "ClientStatus": "running"},
        ]))
        .unwrap();
        let text = allocation_table(&rows, false, Timestamp(121_000_000_000)).render(Style::PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "bbbbbbbb  cccccccc  web         1        run      running   N/A      N/A");
        assert_eq!(lines[2], "aaaaaaaa  cccccccc  web         0        stop     complete  2m ago   1m ago");
    }
}
