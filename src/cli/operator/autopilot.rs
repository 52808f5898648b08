//! `operator autopilot ...`: upkeep of the servers.

use anyhow::bail;
use clap::{ArgAction, Args, Subcommand};

use crate::api::types::operator::{AutopilotConfiguration, AutopilotHealth};
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::table::Table;

#[derive(Subcommand)]
pub enum AutopilotCommand {
    GetConfig(GetConfigArgs),
    SetConfig(SetConfigArgs),
    Health(HealthArgs),
}

impl AutopilotCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::GetConfig(args) => args.run().await,
            Self::SetConfig(args) => args.run().await,
            Self::Health(args) => args.run().await,
        }
    }
}

/// Show the settings
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator autopilot get-config
  pannier operator autopilot get-config -json")]
pub struct GetConfigArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl GetConfigArgs {
    async fn run(self) -> Outcome {
        let config = self.connection.open()?.client.autopilot_configuration().await?;
        if self.json {
            print_json(&config)?;
        } else {
            print(&listed(&config))?;
        }
        Ok(Exit::Ok)
    }
}

fn listed(config: &AutopilotConfiguration) -> String {
    format!(
        "CleanupDeadServers      = {}\nLastContactThreshold    = {}\nMaxTrailingLogs         = {}\nMinQuorum               = {}\n\
         ServerStabilizationTime = {}\nDeadServerThreshold     = {}\n",
        config.cleanup_dead_servers,
        config.last_contact_threshold,
        config.max_trailing_logs,
        config.min_quorum,
        config.server_stabilization_time,
        config.dead_server_threshold,
    )
}

/// Change settings; what is not named stays
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator autopilot set-config -cleanup-dead-servers=false
  pannier operator autopilot set-config -server-stabilization-time 30s -min-quorum 3")]
pub struct SetConfigArgs {
    /// Whether dead servers leave by themselves
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    cleanup_dead_servers: Option<bool>,
    /// Silence after which a server is not healthy
    #[arg(long, value_name = "DURATION")]
    last_contact_threshold: Option<String>,
    /// Entries behind the leader at which a server is not healthy
    #[arg(long, value_name = "COUNT")]
    max_trailing_logs: Option<u64>,
    /// Voters below which no dead server is taken out
    #[arg(long, value_name = "COUNT")]
    min_quorum: Option<u32>,
    /// How long a new server must keep up before it votes
    #[arg(long, value_name = "DURATION")]
    server_stabilization_time: Option<String>,
    /// Silence after which a server is dead
    #[arg(long, value_name = "DURATION")]
    dead_server_threshold: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl SetConfigArgs {
    async fn run(self) -> Outcome {
        let client = self.connection.open()?.client;
        let mut config = client.autopilot_configuration().await?;
        let known = config.modify_index;
        set(&mut config.cleanup_dead_servers, self.cleanup_dead_servers);
        set(&mut config.last_contact_threshold, self.last_contact_threshold);
        set(&mut config.max_trailing_logs, self.max_trailing_logs);
        set(&mut config.min_quorum, self.min_quorum);
        set(&mut config.server_stabilization_time, self.server_stabilization_time);
        set(&mut config.dead_server_threshold, self.dead_server_threshold);
        if !client.set_autopilot_configuration(&config, known).await? {
            bail!("the settings were changed meanwhile; try again");
        }
        print("Configuration updated!")?;
        Ok(Exit::Ok)
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Show how the servers do
///
/// The exit code is 2 when one of them is not well.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator autopilot health
  pannier operator autopilot health -json")]
pub struct HealthArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl HealthArgs {
    async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let health = session.client.autopilot_health().await?;
        if self.json {
            print_json(&health)?;
        } else {
            let head = format!("Healthy:           {}\nFailure Tolerance: {}\n\n", health.healthy, health.failure_tolerance);
            print(&format!("{head}{}", server_table(&health).render(session.style)))?;
        }
        Ok(if health.healthy { Exit::Ok } else { Exit::NotAchieved })
    }
}

fn server_table(health: &AutopilotHealth) -> Table {
    let mut table = Table::new([
        "ID",
        "Name",
        "Address",
        "SerfStatus",
        "Version",
        "Leader",
        "Voter",
        "Healthy",
        "LastContact",
        "LastTerm",
        "LastIndex",
        "StableSince",
    ]);
    for server in &health.servers {
        table.row([
            (&server.id).into(),
            (&server.name).into(),
            (&server.address).into(),
            (&server.serf_status).into(),
            (&server.version).into(),
            server.leader.into(),
            server.voter.into(),
            server.healthy.into(),
            (&server.last_contact).into(),
            server.last_term.into(),
            server.last_index.into(),
            (&server.stable_since).into(),
        ]);
    }
    table
}
