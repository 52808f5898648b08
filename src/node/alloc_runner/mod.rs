//! The life of one allocation: which of its tasks may start, which must end, and what the servers are told.
//!
//! [`coordinator`], [`status`] and [`health`] decide; [`runner`] is the one async loop per allocation that owns its tasks'
//! machines, journals their records and carries their effects out.

pub mod coordinator;
mod effects;
pub mod handle;
pub mod health;
pub mod runner;
pub mod status;
pub mod tasks;

pub use handle::{AllocMessage, AllocRunnerHandle, AllocView};
pub use runner::AllocRunner;
