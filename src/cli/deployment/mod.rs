//! `deployment ...`: roll-outs of job versions.

mod change;
mod list;
mod status;

use clap::Subcommand;

use super::exit::Outcome;

pub use list::deployment_table;

#[derive(Subcommand)]
pub enum DeploymentCommand {
    List(list::ListArgs),
    Status(status::StatusArgs),
    Promote(change::PromoteArgs),
    Pause(change::PauseArgs),
    Resume(change::ResumeArgs),
    Fail(change::FailArgs),
}

impl DeploymentCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::List(args) => args.run().await,
            Self::Status(args) => args.run().await,
            Self::Promote(args) => args.run().await,
            Self::Pause(args) => args.run().await,
            Self::Resume(args) => args.run().await,
            Self::Fail(args) => args.run().await,
        }
    }
}
