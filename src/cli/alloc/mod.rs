//! `alloc ...`: look into allocations and act on them.

pub mod fs;
pub mod logs;
pub mod restart;
pub mod signal;
pub mod status;
pub mod stop;
pub mod tail;
mod task;

use clap::Subcommand;

use super::exit::Outcome;

#[derive(Subcommand)]
pub enum AllocCommand {
    Status(status::StatusArgs),
    Logs(logs::LogsArgs),
    Fs(fs::FsArgs),
    Stop(stop::StopArgs),
    Restart(restart::RestartArgs),
    Signal(signal::SignalArgs),
}

impl AllocCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Status(args) => args.run().await,
            Self::Logs(args) => args.run().await,
            Self::Fs(args) => args.run().await,
            Self::Stop(args) => args.run().await,
            Self::Restart(args) => args.run().await,
            Self::Signal(args) => args.run().await,
        }
    }
}
