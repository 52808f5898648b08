//! The command line: one file per noun, in Nomad's verbs and flags.
//!
//! Commands talk to an agent through `api::client` only. Each parses its flags into an `...Args`, fetches, renders
//! with a plain function of what it fetched, and ends with an `exit::Exit`. [`main`] is the way in.

mod agent;
mod alloc;
mod argv;
mod completion;
mod connection;
mod deployment;
mod diff;
mod eval;
mod exit;
mod failures;
mod fmt;
mod follow;
mod job;
mod jobspec_input;
mod local_files;
mod monitor;
mod node;
mod operator;
mod output;
mod progress;
mod resolve;
mod server;
mod status;
mod stdin;
mod style;
mod system;
mod table;
mod time;
mod token;
mod version;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use agent::AgentArgs;
use exit::{Exit, Outcome};

/// A cluster scheduler for containers, virtual machines and processes
#[derive(Parser)]
#[command(
    name = "pannier",
    version,
    disable_help_subcommand = true,
    args_override_self = true,
    after_help = "\
Long flags take one dash or two: -address=x and --address x are the same. Ids may be shortened to any unique beginning.

Exit codes:
  0    done
  1    an error; `job plan`: there are changes
  2    accepted, but allocations found no place or the deployment failed
  130  interrupted
  255  `job plan`: an error

Examples:
  pannier agent -dev
  pannier job init && pannier job run example.nomad.hcl
  pannier status example
  pannier alloc logs -f -job example"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Agent(Box<AgentArgs>),
    #[command(flatten)]
    Client(Box<ClientCommand>),
}

/// The commands that talk to an agent.
#[derive(Subcommand)]
enum ClientCommand {
    /// Submit, look at and change jobs
    #[command(subcommand, after_help = "Examples:\n  pannier job run web.nomad.hcl\n  pannier job status web")]
    Job(job::JobCommand),
    /// Look into allocations and act on them
    #[command(subcommand, after_help = "Examples:\n  pannier alloc status 0a1b2c3d\n  pannier alloc logs -f 0a1b2c3d")]
    Alloc(alloc::AllocCommand),
    /// Look at the machines of the cluster
    #[command(subcommand, after_help = "Examples:\n  pannier node status\n  pannier node status -self")]
    Node(node::NodeCommand),
    /// Look at evaluations
    #[command(subcommand, after_help = "Examples:\n  pannier eval list\n  pannier eval status 0a1b2c3d")]
    Eval(eval::EvalCommand),
    /// Look at roll-outs of job versions, promote them and hold them up
    #[command(subcommand, after_help = "Examples:\n  pannier deployment list\n  pannier deployment promote 0a1b2c3d")]
    Deployment(deployment::DeploymentCommand),
    /// Look at the servers of the cluster
    #[command(subcommand, after_help = "Examples:\n  pannier server members")]
    Server(server::ServerCommand),
    /// Let machines join the cluster
    #[command(subcommand, after_help = "Examples:\n  pannier token join create -role client")]
    Token(token::TokenCommand),
    /// Maintain the cluster
    #[command(subcommand, after_help = "Examples:\n  pannier system gc")]
    System(system::SystemCommand),
    /// Tools of those who run the cluster
    #[command(subcommand, after_help = "Examples:\n  pannier operator api /v1/jobs")]
    Operator(operator::OperatorCommand),
    Status(status::StatusArgs),
    Monitor(monitor::MonitorArgs),
    /// Short for `job run`
    Run(job::run::RunArgs),
    /// Short for `job plan`
    Plan(job::plan::PlanArgs),
    /// Short for `job validate`
    Validate(job::validate::ValidateArgs),
    /// Short for `job init`
    Init(job::init::InitArgs),
    /// Short for `job inspect`
    Inspect(job::inspect::InspectArgs),
    /// Short for `job stop`
    Stop(job::stop::StopArgs),
    /// Short for `alloc logs`
    Logs(alloc::logs::LogsArgs),
    /// Short for `alloc fs`
    Fs(alloc::fs::FsArgs),
    Fmt(fmt::FmtArgs),
    Completion(completion::CompletionArgs),
    Version(version::VersionArgs),
}

/// Parses the process's arguments and does what they say; `run_agent` is called for `agent`.
pub fn main(run_agent: fn(AgentArgs) -> ExitCode) -> ExitCode {
    let argv = argv::Flags::of(&Cli::command()).normalize(std::env::args_os());
    let parsed = Cli::command().try_get_matches_from(argv).and_then(|matches| Cli::from_arg_matches(&matches));
    let command = match parsed {
        Ok(cli) => cli.command,
        Err(error) => {
            // Help and version come this way too. There is nobody to tell when the terminal is gone.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(Exit::ERROR) } else { Exit::Ok.into() };
        }
    };
    let outcome = match command {
        Command::Agent(args) => return run_agent(*args),
        Command::Client(command) => run_client(*command),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) if output::is_closed_pipe(&error) => Exit::Ok.into(),
        Err(error) => {
            output::report(&error);
            ExitCode::from(Exit::ERROR)
        }
    }
}

/// Runs a command until it ends or Ctrl-C is pressed.
fn run_client(command: ClientCommand) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = Box::pin(command.run()) => outcome,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("cannot listen for Ctrl-C")?;
                Ok(Exit::Interrupted)
            }
        }
    });
    // A connection that still waits for an answer must not delay the end.
    runtime.shutdown_background();
    outcome
}

impl ClientCommand {
    async fn run(self) -> Outcome {
        match self {
            Self::Job(command) => command.run().await,
            Self::Alloc(command) => command.run().await,
            Self::Node(command) => command.run().await,
            Self::Eval(command) => command.run().await,
            Self::Deployment(command) => command.run().await,
            Self::Server(command) => command.run().await,
            Self::Token(command) => command.run().await,
            Self::System(command) => command.run().await,
            Self::Operator(command) => command.run().await,
            Self::Status(args) => args.run().await,
            Self::Monitor(args) => args.run().await,
            Self::Run(args) => args.run().await,
            Self::Plan(args) => args.run().await,
            Self::Validate(args) => args.run().await,
            Self::Init(args) => args.run(),
            Self::Inspect(args) => args.run().await,
            Self::Stop(args) => args.run().await,
            Self::Logs(args) => args.run().await,
            Self::Fs(args) => args.run().await,
            Self::Fmt(args) => args.run(),
            Self::Completion(args) => args.run(Cli::command()),
            Self::Version(args) => args.run(),
        }
    }
}
