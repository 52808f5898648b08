//! `node purge`: forget a node that will not come back.

use clap::Args;

use super::OneNode;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;

/// Forget a node that will not come back; what it ran is lost, and placed elsewhere
#[derive(Args)]
#[command(after_help = "\
A node that still runs registers itself again.

Examples:
  pannier node purge 0a1b2c3d")]
pub struct PurgeArgs {
    #[command(flatten)]
    node: OneNode,
    #[command(flatten)]
    connection: Connection,
}

impl PurgeArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let id = self.node.id(&session).await?;
        let answer = session.client.purge_node(&id).await?;
        print(&format!("Node {id:?} is forgotten"))?;
        for evaluation in &answer.eval_ids {
            print(&format!("Evaluation ID: {evaluation}"))?;
        }
        Ok(Exit::Ok)
    }
}
