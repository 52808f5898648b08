//! `job validate`: is a job file one that the cluster would accept?

use anyhow::bail;
use clap::Args;

use crate::api::client::ClientError;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::jobspec_input::{self, JobspecArgs};
use crate::cli::output::{note, print};

/// Check a job file without submitting it
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job validate web.nomad.hcl
  pannier job validate -var-file prod.vars web.nomad.hcl")]
pub struct ValidateArgs {
    #[command(flatten)]
    jobspec: JobspecArgs,
    #[command(flatten)]
    connection: Connection,
}

impl ValidateArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let input = jobspec_input::read(&self.jobspec)?;
        let answer = match session.client.validate_job(input.job).await {
            Ok(answer) => answer,
            // What can be judged without a cluster has been.
            Err(error @ ClientError::Connect { .. }) => {
                note(&format!("Judged here only, not by the cluster: {error}"));
                print("Job validation successful")?;
                return Ok(Exit::Ok);
            }
            Err(error) => return Err(error.into()),
        };
        if !answer.warnings.is_empty() {
            note(&format!("Warnings:\n{}", answer.warnings.trim_end()));
        }
        if !answer.validation_errors.is_empty() {
            let listed: Vec<String> = answer.validation_errors.iter().map(|error| format!("  * {error}")).collect();
            bail!("the job is not valid:\n{}", listed.join("\n"));
        }
        if !answer.error.is_empty() {
            bail!("the job is not valid: {}", answer.error.trim_end());
        }
        print("Job validation successful")?;
        Ok(Exit::Ok)
    }
}
