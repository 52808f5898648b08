//! `job eval`: have the scheduler look at a job again.

use clap::Args;

use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::{follow, resolve};

/// Have the scheduler look at a job again
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job eval web
  pannier job eval -force-reschedule web")]
pub struct EvalArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Place failed allocations again even if they have used up their attempts
    #[arg(long)]
    force_reschedule: bool,
    /// Return as soon as the request is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl EvalArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let answer = client.evaluate_job(&id, self.force_reschedule).await?;
        if self.detach || answer.eval_id.is_empty() {
            print(&format!("Created eval ID: {}", answer.eval_id))?;
            return Ok(Exit::Ok);
        }
        follow::evaluation(&Session { client, style: session.style }, &answer.eval_id, self.verbose).await
    }
}
