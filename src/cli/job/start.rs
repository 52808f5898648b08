//! `job start`: run a stopped job again, as it was.

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use crate::api::types::job::JobRegisterRequest;
use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::{follow, resolve};

/// Start a stopped job again, as it was before it was stopped
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job start web
  pannier job start -detach web")]
pub struct StartArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Return as soon as the job is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl StartArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let mut job = client.job(&id).await?;
        if job.get("Stop").and_then(Value::as_bool) != Some(true) {
            bail!("job {id:?} has not been stopped");
        }
        // The source of this version stays with the job. A job without one is no reason not to start it.
        let version = job.get("Version").and_then(Value::as_u64).unwrap_or(0);
        let submission = client.job_submission(&id, version).await.ok();
        job["Stop"] = Value::Bool(false);
        let answer = client.register_job(&JobRegisterRequest { job, submission, ..Default::default() }).await?;
        if answer.eval_id.is_empty() {
            print(&format!("Job {id:?} started"))?;
            return Ok(Exit::Ok);
        }
        if self.detach {
            print(&format!("Job {id:?} started\nEvaluation ID: {}", answer.eval_id))?;
            return Ok(Exit::Ok);
        }
        follow::evaluation(&Session { client, style: session.style }, &answer.eval_id, self.verbose).await
    }
}
