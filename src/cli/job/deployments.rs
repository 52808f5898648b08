//! `job deployments`: the deployments of a job.

use clap::Args;

use super::status::render_deployment;
use crate::cli::connection::Connection;
use crate::cli::deployment::deployment_table;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::resolve;

/// List the deployments of a job
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job deployments web
  pannier job deployments -latest -json web")]
pub struct DeploymentsArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Show only the latest, with its groups
    #[arg(long)]
    latest: bool,
    /// Show deployments of an earlier job with the same id too
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

impl DeploymentsArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        if self.latest {
            let latest = client.latest_deployment(&id).await?;
            match &latest {
                _ if self.json => print_json(&latest)?,
                Some(latest) => print(&render_deployment(latest, self.verbose, session.style))?,
                None => print("No deployments found")?,
            }
            return Ok(Exit::Ok);
        }
        let deployments = client.job_deployments(&id, self.all).await?;
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
