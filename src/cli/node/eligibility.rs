//! `node eligibility`: let new allocations onto a node, or keep them off.

use clap::Args;

use super::OneNode;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;

/// Let new allocations onto a node, or keep them off
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier node eligibility -disable 0a1b2c3d
  pannier node eligibility -enable -self")]
#[group(id = "switch", required = true, multiple = false, args = ["enable", "disable"])]
pub struct EligibilityArgs {
    #[command(flatten)]
    node: OneNode,
    /// New allocations may be placed on the node
    #[arg(long)]
    enable: bool,
    /// No new allocation is placed on the node; what runs there goes on
    #[arg(long)]
    disable: bool,
    #[command(flatten)]
    connection: Connection,
}

impl EligibilityArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let id = self.node.id(&session).await?;
        session.client.set_node_eligibility(&id, self.enable).await?;
        let word = if self.enable { "eligible for" } else { "ineligible for" };
        print(&format!("Node {id:?} is {word} scheduling"))?;
        Ok(Exit::Ok)
    }
}
