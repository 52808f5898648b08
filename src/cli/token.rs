//! `token join ...`: permissions for machines to join.

use clap::{Args, Subcommand};

use super::connection::Connection;
use super::exit::{Exit, Outcome};
use super::output::{note, print, print_json};
use super::table::Table;
use crate::api::types::operator::JoinTokenRequest;

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Let machines join the cluster
    #[command(subcommand, after_help = "Examples:\n  pannier token join create -role client -uses 10 -ttl 2h")]
    Join(JoinCommand),
}

#[derive(Subcommand)]
pub enum JoinCommand {
    Create(CreateArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

impl TokenCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Join(JoinCommand::Create(args)) => args.run().await,
            Self::Join(JoinCommand::List(args)) => args.run().await,
            Self::Join(JoinCommand::Revoke(args)) => args.run().await,
        }
    }
}

/// Make a token that lets machines join
///
/// It is printed once; the cluster keeps its hash only.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier token join create -role server
  pannier token join create -role client -uses 10 -ttl 2h
  pannier agent -join 10.0.0.1 -token \"$(pannier token join create -role client)\" ...")]
pub struct CreateArgs {
    /// What the machines will be: server or client
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// How long the token is good
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    ttl: String,
    /// How many machines may join with it
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    uses: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl CreateArgs {
    async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let request = JoinTokenRequest { role: self.role, ttl: self.ttl, uses: Some(self.uses) };
        let made = session.client.create_join_token(&request).await?;
        if self.json {
            print_json(&made)?;
            return Ok(Exit::Ok);
        }
        // The token alone goes to standard output, for scripts.
        note(&format!("For {} {}(s), until {}:", made.uses_left, made.role, made.expires_at));
        print(&format!("{}\n", made.token.unwrap_or_default()))?;
        Ok(Exit::Ok)
    }
}

/// List the tokens that are still good
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier token join list
  pannier token join list -json")]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl ListArgs {
    async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let tokens = session.client.join_tokens().await?;
        if self.json {
            print_json(&tokens)?;
            return Ok(Exit::Ok);
        }
        let mut table = Table::new(["ID", "Role", "Uses Left", "Expires"]);
        for token in &tokens {
            table.row([(&token.id).into(), (&token.role).into(), u64::from(token.uses_left).into(), (&token.expires_at).into()]);
        }
        print(&table.render(session.style))?;
        Ok(Exit::Ok)
    }
}

/// Revoke a token; who joined with it stays
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier token join revoke 0a1b2c3d4e5f60718293a4b5c6d7e8f9")]
pub struct RevokeArgs {
    /// Id of the token, from list
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

impl RevokeArgs {
    async fn run(self) -> Outcome {
        self.connection.open()?.client.revoke_join_token(&self.id).await?;
        Ok(Exit::Ok)
    }
}
