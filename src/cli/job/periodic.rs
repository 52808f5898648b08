//! `job periodic force`: launch a periodic job out of turn.

use clap::{Args, Subcommand};

use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::{follow, resolve};

#[derive(Subcommand)]
pub enum PeriodicCommand {
    Force(ForceArgs),
}

impl PeriodicCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Force(args) => args.run().await,
        }
    }
}

/// Launch a periodic job now, even if an earlier launch still runs
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job periodic force backup
  pannier job periodic force -detach backup")]
pub struct ForceArgs {
    /// Id of the periodic job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Return as soon as the request is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl ForceArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let answer = client.force_periodic_job(&id).await?;
        if self.detach {
            print(&format!("Force periodic successful\nEvaluation ID: {}", answer.eval_id))?;
            return Ok(Exit::Ok);
        }
        follow::evaluation(&Session { client, style: session.style }, &answer.eval_id, self.verbose).await
    }
}
