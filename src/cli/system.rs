//! `system ...`: maintenance of the whole cluster.

use clap::{Args, Subcommand};

use super::connection::Connection;
use super::exit::{Exit, Outcome};

#[derive(Subcommand)]
pub enum SystemCommand {
    Gc(GcArgs),
}

impl SystemCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Gc(args) => args.run().await,
        }
    }
}

/// Forget everything that is over: dead jobs, their evaluations and allocations, lost nodes
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier system gc")]
pub struct GcArgs {
    #[command(flatten)]
    connection: Connection,
}

impl GcArgs {
    pub async fn run(self) -> Outcome {
        self.connection.open()?.client.collect_garbage().await?;
        Ok(Exit::Ok)
    }
}
