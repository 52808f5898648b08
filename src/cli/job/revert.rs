//! `job revert`: register an earlier version of a job again.

use clap::Args;

use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::{follow, resolve};

/// Go back to an earlier version of a job
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job history web
  pannier job revert web 3")]
pub struct RevertArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// The version to go back to
    #[arg(value_name = "VERSION")]
    version: u64,
    /// Return as soon as the request is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl RevertArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let answer = client.revert_job(&id, self.version).await?;
        if self.detach || answer.eval_id.is_empty() {
            print(&format!("Job {id:?} reverted to version {}\nEvaluation ID: {}", self.version, answer.eval_id))?;
            return Ok(Exit::Ok);
        }
        follow::evaluation(&Session { client, style: session.style }, &answer.eval_id, self.verbose).await
    }
}
