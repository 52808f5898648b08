//! `alloc restart`: restart tasks where they are.

use clap::Args;

use super::task;
use crate::api::types::allocation::AllocationRestartRequest;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};

/// Restart an allocation's tasks in place
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier alloc restart 0a1b2c3d
  pannier alloc restart 0a1b2c3d web
  pannier alloc restart -all-tasks 0a1b2c3d")]
pub struct RestartArgs {
    /// Id of the allocation, or the beginning of it
    #[arg(value_name = "ALLOCATION")]
    allocation: String,
    /// The task; all running ones without it
    #[arg(value_name = "TASK")]
    task_argument: Option<String>,
    /// The task, as a flag
    #[arg(long, value_name = "TASK", conflicts_with = "task_argument")]
    task: Option<String>,
    /// Restart all tasks, also those that have ended
    #[arg(long, conflicts_with_all = ["task", "task_argument"])]
    all_tasks: bool,
    #[command(flatten)]
    connection: Connection,
}

impl RestartArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let allocation = task::allocation(&session, &self.allocation, false).await?;
        let task_name = match self.task.or(self.task_argument) {
            Some(name) => task::task(&allocation, Some(&name))?,
            None => String::new(),
        };
        let body = AllocationRestartRequest { task_name, all_tasks: self.all_tasks };
        session.client.restart_allocation(&allocation.id, &body).await?;
        Ok(Exit::Ok)
    }
}
