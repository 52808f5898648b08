//! `deployment list`: all deployments.

use clap::Args;

use crate::api::types::deployment::Deployment;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::progress::short;
use crate::cli::table::{Cell, Table};

/// List deployments
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier deployment list
  pannier deployment list -json")]
pub struct ListArgs {
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl ListArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let deployments = session.client.list_deployments("").await?;
        if self.json {
            print_json(&deployments)?;
        } else if deployments.is_empty() {
            print("No deployments found")?;
        } else {
            print(&deployment_table(&deployments, self.verbose).render(session.style))?;
        }
        Ok(Exit::Ok)
    }
}

/// Newest first.
pub fn deployment_table(deployments: &[Deployment], verbose: bool) -> Table {
    let mut newest_first: Vec<&Deployment> = deployments.iter().collect();
    newest_first.sort_by_key(|deployment| std::cmp::Reverse(deployment.create_index));
    let mut table = Table::new(["ID", "Job ID", "Job Version", "Status", "Description"]);
    for deployment in newest_first {
        table.row([
            if verbose { (&deployment.id).into() } else { short(&deployment.id).into() },
            (&deployment.job_id).into(),
            deployment.job_version.into(),
            Cell::status(&deployment.status),
            (&deployment.status_description).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::style::Style;

    #[test]
    fn newest_first() {
        let deployments: Vec<Deployment> = serde_json::from_value(serde_json::json!([
            {"ID": "aaaaaaaa-1", "JobID": "web", "JobVersion": 0, "Status": "successful", "StatusDescription": "done", "CreateIndex": 3},
            {"ID": "bbbbbbbb-1", "JobID": "web", "JobVersion": 1, "Status": "running", "StatusDescription": "on its way", "CreateIndex": 9},
        ]))
        .unwrap();
        let text = deployment_table(&deployments, false).render(Style::PLAIN);
        assert_eq!(text.lines().nth(1).unwrap(), "bbbbbbbb  web     1            running     on its way");
    }
}
