//! `job promote`: promote the canaries of a job's latest deployment.

use anyhow::bail;
use clap::Args;

use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::{follow, resolve};

/// Promote the canaries of a job's latest deployment
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job promote web
  pannier job promote -group frontend web")]
pub struct PromoteArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Promote only this group; may be repeated
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Return as soon as the request is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl PromoteArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let Some(deployment) = client.latest_deployment(&id).await? else { bail!("job {id:?} has no deployment to promote") };
        let answer = client.promote_deployment(&deployment.id, &self.group).await?;
        print(&format!("Deployment {:?} promoted\nEvaluation ID: {}", deployment.id, answer.eval_id))?;
        if self.detach {
            return Ok(Exit::Ok);
        }
        follow::deployment(&Session { client, style: session.style }, &deployment.id, self.verbose).await
    }
}
