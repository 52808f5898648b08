//! The composition root: reads the configuration, starts server, node and HTTP API in one process, supervises them, and stops them in order.
//!
//! Start-up goes from what may be refused (configuration, port, data directory) to what acts (the node starts tasks last). Shutdown goes
//! the other way. A second signal ends the process at once; nothing acknowledged is lost by that.

mod cluster;
mod cluster_handle;
mod config;
mod config_file;
mod data_dir;
mod driver_check;
mod local_agent;
mod logging;
mod no_server;
mod node_handle;
mod process;
mod server_handle;
mod task_runtime;

use std::process::ExitCode;

use tracing::{error, info};

/// What machines that want to join say.
pub use self::cluster::messages;
use self::data_dir::DataDir;
use crate::cli::AgentArgs;

/// Why the agent did not start or could not go on. Shown to the operator as it is.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("{}", .0.join("\n"))]
    Configuration(Vec<String>),
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: std::net::SocketAddr, reason: String },
    #[error("data directory {}: {reason}", path.display())]
    DataDirectory { path: std::path::PathBuf, reason: String },
    #[error(transparent)]
    Raft(#[from] crate::raft::RaftError),
    #[error("consensus stopped: {0}")]
    ConsensusStopped(String),
    #[error(transparent)]
    Node(#[from] crate::node::NodeError),
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    #[error("cannot join: {0}")]
    Join(String),
    #[error("{0}")]
    System(String),
}

/// Runs an agent until it is told to stop: 0 after an orderly stop, 1 with the reason on standard error otherwise.
pub fn run(args: AgentArgs) -> ExitCode {
    let prepared = config_file::load(&args).and_then(|config| {
        let problems = config.problems();
        if problems.is_empty() { Ok(config) } else { Err(AgentError::Configuration(problems)) }
    });
    let outcome = prepared.and_then(|config| {
        let lines = logging::install(&config.log_level, config.log_json).map_err(|reason| AgentError::Configuration(vec![reason]))?;
        let data_dir = DataDir::open(&config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("pannier")
            .worker_threads(worker_threads())
            .build()
            .map_err(|error| AgentError::System(format!("the async runtime does not start: {error}")))?;
        runtime.block_on(process::run(config, data_dir.path(), lines))
    });
    match outcome {
        Ok(()) => {
            info!("the agent has stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            error!("{error}");
            // The log may be filtered or not even set up; a refusal to start must be seen.
            eprintln!("pannier agent: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Two at least, so that one blocking decision never stops the agent; few, since an edge machine has better uses for its cores.
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 8)
}
