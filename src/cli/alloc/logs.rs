//! `alloc logs`: what a task wrote to its standard output and error.

use clap::Args;

use super::tail::{self, Window};
use super::task;
use crate::api::client::LogRequest;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};

/// Print the log of a task
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier alloc logs 0a1b2c3d
  pannier alloc logs -f -tail -n 50 0a1b2c3d web
  pannier alloc logs -stderr -job web")]
pub struct LogsArgs {
    /// Id of the allocation, or the beginning of it; with -job, of a job
    #[arg(value_name = "ALLOCATION")]
    allocation: String,
    /// The task, which may be left out when there is only one
    #[arg(value_name = "TASK")]
    task_argument: Option<String>,
    /// The task, as a flag
    #[arg(long, value_name = "TASK", conflicts_with = "task_argument")]
    task: Option<String>,
    /// Print standard error
    #[arg(long)]
    stderr: bool,
    /// Print standard output, which is the default
    #[arg(long, conflicts_with = "stderr")]
    stdout: bool,
    #[command(flatten)]
    window: Window,
    /// Take the argument for a job, and one of its running allocations
    #[arg(long)]
    job: bool,
    /// Accepted for compatibility
    #[arg(long, hide = true)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl LogsArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let allocation = task::allocation(&session, &self.allocation, self.job).await?;
        let task = task::task(&allocation, self.task.or(self.task_argument).as_deref())?;
        let from = self.window.from();
        let request = LogRequest {
            task,
            stream: if self.stderr { "stderr" } else { "stdout" },
            follow: self.window.follow,
            bytes_from_end: from.bytes_from_end(),
        };
        let mut frames = session.client.logs(&allocation.id, &request).await?;
        tail::print_frames(&mut frames, from).await?;
        Ok(Exit::Ok)
    }
}
