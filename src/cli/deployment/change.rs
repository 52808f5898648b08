//! `deployment promote`, `pause`, `resume` and `fail`.

use clap::Args;

use crate::api::types::deployment::DeploymentUpdateResponse;
use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::{follow, resolve};

/// What every change of a deployment takes.
#[derive(Args)]
pub struct Target {
    /// Id of the deployment, or the beginning of it
    #[arg(value_name = "DEPLOYMENT")]
    deployment: String,
    /// Return as soon as the request is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Let canaries go on as ordinary allocations and replace the rest of the old version
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier deployment promote 0a1b2c3d
  pannier deployment promote -group web 0a1b2c3d")]
pub struct PromoteArgs {
    /// Promote only this group; may be repeated
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    #[command(flatten)]
    target: Target,
}

/// Hold a deployment up
#[derive(Args)]
#[command(after_help = "Examples:\n  pannier deployment pause 0a1b2c3d")]
pub struct PauseArgs {
    #[command(flatten)]
    target: Target,
}

/// Let a paused deployment go on
#[derive(Args)]
#[command(after_help = "Examples:\n  pannier deployment resume 0a1b2c3d")]
pub struct ResumeArgs {
    #[command(flatten)]
    target: Target,
}

/// Fail a deployment; a job with auto_revert goes back to its last stable version
#[derive(Args)]
#[command(after_help = "Examples:\n  pannier deployment fail 0a1b2c3d")]
pub struct FailArgs {
    #[command(flatten)]
    target: Target,
}

impl PromoteArgs {
    pub async fn run(self) -> Outcome {
        let session = self.target.connection.open()?;
        let id = resolve::deployment(&session, &self.target.deployment).await?;
        let answer = session.client.promote_deployment(&id, &self.group).await?;
        self.target.conclude(&session, &id, &answer, "promoted").await
    }
}

impl PauseArgs {
    pub async fn run(self) -> Outcome {
        let session = self.target.connection.open()?;
        let id = resolve::deployment(&session, &self.target.deployment).await?;
        session.client.pause_deployment(&id, true).await?;
        print(&format!("Deployment {id:?} paused"))?;
        Ok(Exit::Ok)
    }
}

impl ResumeArgs {
    pub async fn run(self) -> Outcome {
        let session = self.target.connection.open()?;
        let id = resolve::deployment(&session, &self.target.deployment).await?;
        let answer = session.client.pause_deployment(&id, false).await?;
        self.target.conclude(&session, &id, &answer, "resumed").await
    }
}

impl FailArgs {
    pub async fn run(self) -> Outcome {
        let session = self.target.connection.open()?;
        let id = resolve::deployment(&session, &self.target.deployment).await?;
        let answer = session.client.fail_deployment(&id).await?;
        print(&format!("Deployment {id:?} failed\nEvaluation ID: {}", answer.eval_id))?;
        if let Some(version) = answer.reverted_job_version {
            print(&format!("The job goes back to version {version}"))?;
        }
        Ok(Exit::Ok)
    }
}

impl Target {
    async fn conclude(&self, session: &Session, id: &str, answer: &DeploymentUpdateResponse, what: &str) -> Outcome {
        print(&format!("Deployment {id:?} {what}\nEvaluation ID: {}", answer.eval_id))?;
        if self.detach { Ok(Exit::Ok) } else { follow::deployment(session, id, self.verbose).await }
    }
}
