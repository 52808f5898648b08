//! `alloc signal`: send a signal to tasks.

use clap::Args;

use super::task;
use crate::api::types::allocation::AllocationSignalRequest;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};

/// Send a signal to an allocation's tasks
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier alloc signal -s SIGHUP 0a1b2c3d
  pannier alloc signal -s SIGUSR1 0a1b2c3d web")]
pub struct SignalArgs {
    /// Id of the allocation, or the beginning of it
    #[arg(value_name = "ALLOCATION")]
    allocation: String,
    /// The task; all of them without it
    #[arg(value_name = "TASK")]
    task_argument: Option<String>,
    /// The task, as a flag
    #[arg(long, value_name = "TASK", conflicts_with = "task_argument")]
    task: Option<String>,
    /// The signal's name
    #[arg(short = 's', value_name = "SIGNAL", default_value = "SIGKILL")]
    signal: String,
    #[command(flatten)]
    connection: Connection,
}

impl SignalArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let allocation = task::allocation(&session, &self.allocation, false).await?;
        let task = match self.task.or(self.task_argument) {
            Some(name) => task::task(&allocation, Some(&name))?,
            None => String::new(),
        };
        session.client.signal_allocation(&allocation.id, &AllocationSignalRequest { task, signal: self.signal }).await?;
        Ok(Exit::Ok)
    }
}
