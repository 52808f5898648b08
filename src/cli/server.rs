//! `server ...`: the members of the cluster's quorum.

use clap::{Args, Subcommand};

use super::connection::Connection;
use super::exit::{Exit, Outcome};
use super::output::{note, print, print_json};
use super::table::{Cell, Table};
use crate::api::types::agent::{AgentMember, ServerMembers};

#[derive(Subcommand)]
pub enum ServerCommand {
    Members(MembersArgs),
    ForceLeave(ForceLeaveArgs),
}

impl ServerCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Members(args) => args.run().await,
            Self::ForceLeave(args) => args.run().await,
        }
    }
}

/// List the servers and which of them leads
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier server members
  pannier server members -verbose
  pannier server members -json")]
pub struct MembersArgs {
    /// Show every tag of the servers
    #[arg(long, visible_alias = "detailed")]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl MembersArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let members = session.client.server_members().await?;
        if self.json {
            print_json(&members.members)?;
            return Ok(Exit::Ok);
        }
        // Without a leader the members are still worth showing.
        let leader = match session.client.leader().await {
            Ok(leader) => leader,
            Err(error) => {
                note(&format!("Warning: the leader is not known: {error}"));
                String::new()
            }
        };
        let table = if self.verbose { tag_table(&members) } else { member_table(&members, &leader) };
        print(&table.render(session.style))?;
        Ok(Exit::Ok)
    }
}

/// Take a server or a node out of the cluster and cut it off
///
/// Its certificate is revoked: it comes back only with a new data directory and a new join token.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier server force-leave s3.global
  pannier server force-leave 7d1c0f5e-9a6b-4a3c-8f5e-2b1a0c9d8e7f")]
pub struct ForceLeaveArgs {
    /// A server's name, id or address, or a node's id
    #[arg(value_name = "MEMBER")]
    member: String,
    #[command(flatten)]
    connection: Connection,
}

impl ForceLeaveArgs {
    pub async fn run(self) -> Outcome {
        self.connection.open()?.client.force_leave(&self.member).await?;
        Ok(Exit::Ok)
    }
}

fn member_table(members: &ServerMembers, leader: &str) -> Table {
    let mut table = Table::new(["Name", "Address", "Port", "Status", "Leader", "Build", "Datacenter", "Region"]);
    for member in &members.members {
        table.row([
            (&member.name).into(),
            (&member.addr).into(),
            member.port.into(),
            Cell::status(&member.status),
            leads(member, leader).into(),
            tag(member, "build").into(),
            tag(member, "dc").into(),
            tag(member, "region").into(),
        ]);
    }
    table
}

fn tag_table(members: &ServerMembers) -> Table {
    let mut table = Table::new(["Name", "Address", "Port", "Tags"]);
    for member in &members.members {
        let tags: Vec<String> = member.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        table.row([(&member.name).into(), (&member.addr).into(), member.port.into(), tags.join(",").into()]);
    }
    table
}

fn tag<'a>(member: &'a AgentMember, name: &str) -> &'a str {
    member.tags.get(name).map(String::as_str).unwrap_or_default()
}

/// The leader is known by its RPC address; a member's own port may be that of the gossip.
fn leads(member: &AgentMember, leader: &str) -> bool {
    let port = member.tags.get("port").cloned().unwrap_or_else(|| member.port.to_string());
    let rpc = member.tags.get("rpc_addr").filter(|address| !address.is_empty()).unwrap_or(&member.addr);
    !leader.is_empty() && (format!("{rpc}:{port}") == leader || format!("{}:{port}", member.addr) == leader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::style::Style;

    #[test]
    fn the_leader_is_found_by_its_rpc_address() {
        let members: ServerMembers = serde_json::from_value(serde_json::json!({"Members": [
            {"Name": "s1.global", "Addr": "10.0.0.1", "Port": 4648, "Status": "alive", "Tags": {"port": "4647", "build": "0.1.0", "dc": "dc1", "region": "global"}},
            {"Name": "s2.global", "Addr": "10.0.0.2", "Port": 4648, "Status": "failed", "Tags": {"port": "4647"}},
        ]}))
        .unwrap();
        let text = member_table(&members, "10.0.0.1:4647").render(Style::PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "s1.global  10.0.0.1  4648  alive   true    0.1.0  dc1         global");
        assert!(lines[2].contains("failed  false"));
        assert!(!member_table(&members, "").render(Style::PLAIN).contains("true"));
    }
}
