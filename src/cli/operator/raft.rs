//! `operator raft ...`: the servers that vote.

use clap::{Args, Subcommand};

use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::table::Table;

#[derive(Subcommand)]
pub enum RaftCommand {
    ListPeers(ListPeersArgs),
    RemovePeer(RemovePeerArgs),
    TransferLeadership(TransferArgs),
}

impl RaftCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::ListPeers(args) => args.run().await,
            Self::RemovePeer(args) => args.run().await,
            Self::TransferLeadership(args) => args.run().await,
        }
    }
}

/// List the servers of the Raft group and which of them vote
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator raft list-peers
  pannier operator raft list-peers -json")]
pub struct ListPeersArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl ListPeersArgs {
    async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let configuration = session.client.raft_configuration().await?;
        if self.json {
            print_json(&configuration)?;
            return Ok(Exit::Ok);
        }
        let mut table = Table::new(["Node", "ID", "Address", "State", "Voter", "RaftProtocol"]);
        for server in &configuration.servers {
            let state = if server.leader { "leader" } else { "follower" };
            table.row([
                (&server.node).into(),
                (&server.id).into(),
                (&server.address).into(),
                state.into(),
                server.voter.into(),
                (&server.raft_protocol).into(),
            ]);
        }
        print(&table.render(session.style))?;
        Ok(Exit::Ok)
    }
}

/// A server of the group, by one of two names.
#[derive(Args)]
#[group(required = false, multiple = false)]
struct Named {
    /// Id of the server, from list-peers
    #[arg(long, value_name = "ID")]
    peer_id: Option<String>,
    /// Address of the server, from list-peers
    #[arg(long, value_name = "ADDR")]
    peer_address: Option<String>,
}

impl Named {
    fn parameter(&self) -> Option<(&str, &str)> {
        let id = self.peer_id.as_deref().map(|id| ("id", id));
        id.or_else(|| self.peer_address.as_deref().map(|address| ("address", address)))
    }
}

/// Take a server out of the Raft group
///
/// Its certificate stays good, so it may be let in again; `server force-leave` cuts it off for good.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator raft remove-peer -peer-id 4821
  pannier operator raft remove-peer -peer-address 10.0.0.3:4647")]
pub struct RemovePeerArgs {
    #[command(flatten)]
    server: Named,
    #[command(flatten)]
    connection: Connection,
}

impl RemovePeerArgs {
    async fn run(self) -> Outcome {
        let Some((by, server)) = self.server.parameter() else { anyhow::bail!("name the server: -peer-id or -peer-address") };
        self.connection.open()?.client.remove_raft_peer(by, server).await?;
        print(&format!("Removed the server with {by} {server}\n"))?;
        Ok(Exit::Ok)
    }
}

/// Let another server lead
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator raft transfer-leadership
  pannier operator raft transfer-leadership -peer-address 10.0.0.3:4647")]
pub struct TransferArgs {
    #[command(flatten)]
    server: Named,
    #[command(flatten)]
    connection: Connection,
}

impl TransferArgs {
    async fn run(self) -> Outcome {
        self.connection.open()?.client.transfer_leadership(self.server.parameter()).await?;
        print("The leader was asked to hand over\n")?;
        Ok(Exit::Ok)
    }
}
