//! `alloc stop`: stop an allocation; the scheduler places another in its stead.

use clap::Args;

use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::{follow, resolve};

/// Stop an allocation and have it placed anew
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier alloc stop 0a1b2c3d
  pannier alloc stop -detach 0a1b2c3d")]
pub struct StopArgs {
    /// Id of the allocation, or the beginning of it
    #[arg(value_name = "ALLOCATION")]
    allocation: String,
    /// Return as soon as the request is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Stop tasks at once, without their shutdown delay
    #[arg(long)]
    no_shutdown_delay: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl StopArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let id = resolve::allocation(&session, &self.allocation).await?;
        let answer = resolve::or_missing("allocation", &id, session.client.stop_allocation(&id, self.no_shutdown_delay).await)?;
        if self.detach || answer.eval_id.is_empty() {
            print(&answer.eval_id)?;
            return Ok(Exit::Ok);
        }
        follow::evaluation(&session, &answer.eval_id, self.verbose).await
    }
}
