//! `node ...`: the machines of the cluster.

pub mod drain;
mod drain_progress;
pub mod eligibility;
pub mod purge;
pub mod status;

use clap::{Args, Subcommand};

pub use self::status::StatusArgs;
use super::connection::Session;
use super::exit::Outcome;
use super::resolve;

#[derive(Subcommand)]
pub enum NodeCommand {
    Status(status::StatusArgs),
    Drain(drain::DrainArgs),
    Eligibility(eligibility::EligibilityArgs),
    Purge(purge::PurgeArgs),
}

impl NodeCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Status(args) => args.run().await,
            Self::Drain(args) => args.run().await,
            Self::Eligibility(args) => args.run().await,
            Self::Purge(args) => args.run().await,
        }
    }
}

/// The node that a command changes: none by accident.
#[derive(Args)]
pub struct OneNode {
    /// Id of the node, or the beginning of it
    #[arg(value_name = "NODE", required_unless_present = "own")]
    node: Option<String>,
    /// The node of the agent that is asked
    #[arg(long = "self", id = "own", conflicts_with = "node")]
    own: bool,
}

impl OneNode {
    async fn id(&self, session: &Session) -> anyhow::Result<String> {
        match &self.node {
            Some(prefix) => resolve::node(session, prefix).await,
            None => resolve::own_node(&session.client).await,
        }
    }
}
