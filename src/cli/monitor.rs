//! `monitor`: an agent's log as it is written.

use clap::Args;

use super::connection::Connection;
use super::exit::{Exit, Outcome};
use super::output::print_bytes;

/// Print the log of an agent as it is written
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier monitor
  pannier monitor -log-level DEBUG
  pannier monitor -node-id 0a1b2c3d")]
pub struct MonitorArgs {
    /// Least important level to print
    #[arg(long, value_name = "LEVEL", default_value = "INFO")]
    log_level: String,
    /// The agent of this node instead of the one that is asked
    #[arg(long, value_name = "NODE", conflicts_with = "server_id")]
    node_id: Option<String>,
    /// This server, or `leader`, instead of the agent that is asked
    #[arg(long, value_name = "SERVER")]
    server_id: Option<String>,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl MonitorArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let node_id = match &self.node_id {
            Some(prefix) => Some(super::resolve::node(&session, prefix).await?),
            None => None,
        };
        let mut query = vec![("log_level", self.log_level.as_str())];
        query.extend(node_id.as_deref().map(|id| ("node_id", id)));
        query.extend(self.server_id.as_deref().map(|id| ("server_id", id)));
        query.extend(self.json.then_some(("log_json", "true")));
        let mut lines = session.client.monitor(&query).await?;
        while let Some(bytes) = lines.next().await? {
            print_bytes(&bytes)?;
        }
        Ok(Exit::Ok)
    }
}
