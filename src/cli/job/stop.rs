//! `job stop`: stop jobs and follow their allocations' end.

use clap::Args;

use crate::api::client::StopOptions;
use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::{follow, resolve};

/// Stop one job or several
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job stop web
  pannier job stop -purge -detach web api")]
pub struct StopArgs {
    /// Ids of the jobs, or the beginnings of them
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<String>,
    /// Forget the job at once instead of keeping it as dead
    #[arg(long)]
    purge: bool,
    /// Stop a multi-region job in all of its regions
    #[arg(long)]
    global: bool,
    /// Stop tasks at once, without their shutdown delay
    #[arg(long)]
    no_shutdown_delay: bool,
    /// Return as soon as the request is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    /// Answer yes to questions; accepted for compatibility, as none is asked
    #[arg(long, hide = true)]
    yes: bool,
    /// Priority of the evaluation; the job's own by default
    #[arg(long, value_name = "PRIORITY")]
    eval_priority: Option<i64>,
    #[command(flatten)]
    connection: Connection,
}

impl StopArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let options = StopOptions {
            purge: self.purge,
            global: self.global,
            no_shutdown_delay: self.no_shutdown_delay,
            eval_priority: self.eval_priority,
        };
        // All are found before the first is stopped: a misspelt name stops nothing.
        let mut targets = Vec::new();
        for prefix in &self.jobs {
            targets.push(resolve::job(&session, prefix).await?);
        }
        for target in targets {
            let answer = target.client.stop_job(&target.id, &options).await?;
            if answer.eval_id.is_empty() {
                print(&format!("Job {:?} stopped", target.id))?;
            } else if self.detach {
                print(&answer.eval_id)?;
            } else {
                let scoped = Session { client: target.client, style: session.style };
                follow::evaluation(&scoped, &answer.eval_id, self.verbose).await?;
            }
        }
        Ok(Exit::Ok)
    }
}
