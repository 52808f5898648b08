//! The agent's working half: it makes its slice of the cluster's state true on this machine.
//!
//! ```text
//!   servers --assignments--> [supervisor] --one per allocation--> [alloc_runner] --one per task--> [task_runner]
//!      ^                          |                                   |     |                          |
//!      |                     [reconcile]                          [journal] [alloc_dir]           runtime::{driver, launch}
//!      +--- updates <-- [reporter] <----------------------------------+
//!      +--- heartbeats <-- [registration] <-- [fingerprint]
//! ```
//!
//! Everything that decides is a plain state machine ([`task_runner::TaskMachine`], [`alloc_runner::coordinator`],
//! `reconcile`); the async loops around them only carry out. The [`journal`] has a task's run directory before the task
//! starts, so an agent that comes back finds every task it ever started and starts none twice.

pub mod admission;
mod alloc_dir;
pub mod alloc_runner;
mod beneath;
pub mod config;
pub mod environment;
pub mod error;
pub mod files;
pub mod fingerprint;
mod handle;
mod identity;
pub mod interpolate;
pub mod journal;
pub mod log_reader;
mod reconcile;
mod registration;
mod reporter;
pub mod runtime;
mod shared;
mod start;
pub mod stats;
mod supervisor;
pub mod task_runner;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use config::NodeConfig;
pub use error::NodeError;
pub use handle::NodeHandle;
pub use identity::load_or_create as own_id;
pub use runtime::Runtime;
pub use start::Node;
