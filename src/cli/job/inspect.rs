//! `job inspect`: a job as the cluster holds it.

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::resolve;

/// Print a job as JSON, or the source it was submitted as
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job inspect web
  pannier job inspect -version 3 web
  pannier job inspect -hcl web > web.nomad.hcl")]
pub struct InspectArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Show this version instead of the latest
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    /// Print the source the job was submitted as
    #[arg(long)]
    hcl: bool,
    /// Accepted for compatibility: JSON is what is printed
    #[arg(long, hide = true)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl InspectArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let version_of = |job: &Value| job.get("Version").and_then(Value::as_u64).unwrap_or(0);
        let job = match self.version {
            None => client.job(&id).await?,
            Some(wanted) => {
                let versions = client.job_versions(&id, false).await?.versions;
                let found = versions.into_iter().find(|job| version_of(job) == wanted);
                found.ok_or_else(|| anyhow!("job {id:?} has no version {wanted}"))?
            }
        };
        if self.hcl {
            let submission = client.job_submission(&id, version_of(&job)).await?;
            print(&submission.source)?;
        } else {
            print_json(&json!({ "Job": job }))?;
        }
        Ok(Exit::Ok)
    }
}
