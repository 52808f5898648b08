//! `job run`: register a job and follow what becomes of it.

use clap::Args;

use super::children;
use crate::api::client::ClientError;
use crate::api::types::job::JobRegisterRequest;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::follow;
use crate::cli::jobspec_input::{self, JobspecArgs};
use crate::cli::output::{note, print, print_json};
use crate::util::clock::Timestamp;

/// Submit a job, new or changed, and follow it until it is deployed
#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0  the job was accepted, all of its allocations were placed, and its deployment was successful or waits for promotion
  1  an error
  2  the job was accepted, but allocations found no place or its deployment failed

Examples:
  pannier job run web.nomad.hcl
  pannier job run -var image=web:2 -detach web.nomad.hcl
  cat web.json | pannier job run -json -
  pannier job run -check-index 42 web.nomad.hcl")]
pub struct RunArgs {
    #[command(flatten)]
    jobspec: JobspecArgs,
    /// Return as soon as the job is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    /// Print the job as JSON instead of submitting it
    #[arg(long)]
    output: bool,
    /// Submit only if the job's modify index is this one; 0 means that it must not exist
    #[arg(long, value_name = "INDEX")]
    check_index: Option<u64>,
    /// Keep the counts of the running job
    #[arg(long)]
    preserve_counts: bool,
    /// Keep the task resources of the running job
    #[arg(long)]
    preserve_resources: bool,
    /// Override soft policies
    #[arg(long)]
    policy_override: bool,
    /// Priority of the evaluation; the job's own by default
    #[arg(long, value_name = "PRIORITY")]
    eval_priority: Option<i64>,
    #[command(flatten)]
    connection: Connection,
}

impl RunArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let input = jobspec_input::read(&self.jobspec)?;
        if self.output {
            print_json(&serde_json::json!({ "Job": input.job }))?;
            return Ok(Exit::Ok);
        }
        let request = JobRegisterRequest {
            job: input.job,
            submission: input.submission,
            enforce_index: self.check_index.is_some(),
            job_modify_index: self.check_index.unwrap_or(0),
            policy_override: self.policy_override,
            preserve_counts: self.preserve_counts,
            preserve_resources: self.preserve_resources,
            eval_priority: self.eval_priority.unwrap_or(0),
            ..Default::default()
        };
        let answer = session.client.register_job(&request).await.map_err(explain_conflict)?;
        if !answer.warnings.is_empty() {
            note(&format!("Warnings:\n{}", answer.warnings.trim_end()));
        }
        if answer.eval_id.is_empty() {
            // Periodic and parameterized jobs only run through their children.
            print("Job registration successful")?;
            if let Some(next) = children::next_launch(&request.job, Timestamp::now()) {
                print(&format!("Approximate next launch time: {next}"))?;
            }
            return Ok(Exit::Ok);
        }
        if self.detach {
            print(&format!("Job registration successful\nEvaluation ID: {}", answer.eval_id))?;
            return Ok(Exit::Ok);
        }
        follow::evaluation(&session, &answer.eval_id, self.verbose).await
    }
}

/// Says what to do about a job that changed since it was planned.
fn explain_conflict(error: ClientError) -> anyhow::Error {
    match &error {
        ClientError::Status { message, .. } if message.contains("Enforcing job modify index") => {
            anyhow::anyhow!("{}; the job was changed by someone else, so plan it again", message.trim())
        }
        _ => error.into(),
    }
}
