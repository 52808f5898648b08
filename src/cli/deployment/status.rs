//! `deployment status`: one deployment, or what becomes of it.

use clap::Args;

use super::deployment_table;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::job::allocs::allocation_table;
use crate::cli::job::status::render_deployment;
use crate::cli::output::{print, print_json};
use crate::cli::table::section;
use crate::cli::{follow, resolve};
use crate::util::clock::Timestamp;

/// Show a deployment with its groups and allocations, or list all of them
#[derive(Args)]
#[command(after_help = "\
Exit codes with -monitor:
  0  the deployment was successful, or waits for a person
  2  it failed

Examples:
  pannier deployment status 0a1b2c3d
  pannier deployment status -monitor 0a1b2c3d
  pannier deployment status -json 0a1b2c3d")]
pub struct StatusArgs {
    /// Id of the deployment, or the beginning of it; all deployments without it
    #[arg(value_name = "DEPLOYMENT")]
    deployment: Option<String>,
    /// Follow the deployment until it ends
    #[arg(long)]
    monitor: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl StatusArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let Some(prefix) = &self.deployment else {
            let deployments = session.client.list_deployments("").await?;
            if self.json {
                print_json(&deployments)?;
            } else {
                print(&deployment_table(&deployments, self.verbose).render(session.style))?;
            }
            return Ok(Exit::Ok);
        };
        let id = resolve::deployment(&session, prefix).await?;
        if self.monitor {
            return follow::deployment(&session, &id, self.verbose).await;
        }
        let deployment = resolve::or_missing("deployment", &id, session.client.deployment(&id).await)?;
        if self.json {
            print_json(&deployment)?;
            return Ok(Exit::Ok);
        }
        let allocations = session.client.deployment_allocations(&id).await?;
        let mut text = format!("{}\n", render_deployment(&deployment, self.verbose, session.style));
        if !allocations.is_empty() {
            let table = allocation_table(&allocations, self.verbose, Timestamp::now());
            text.push_str(&section(session.style, "Allocations", &table.render(session.style)));
        }
        print(&text)?;
        Ok(Exit::Ok)
    }
}
