//! The replicated state as a value.
//!
//! [`State`] is a set of persistent maps: cloning it is O(1), so queries, the scheduler and snapshots all look at the same frozen
//! value. Only [`State::apply`] makes a new one, from a [`Command`] that a quorum agreed on; what it touched comes out as
//! [`Changes`], the one feed that blocking queries, the event stream, the scheduler and the nodes' links listen to (see [`store::Store`]).

mod apply;
pub mod changes;
pub mod command;
mod indexes;
mod job_status;
mod restore;
pub mod snapshot;
pub mod store;
pub mod summary;
mod tables;
mod texts;
mod view;

#[cfg(test)]
mod tests;

pub use changes::{Change, Changes};
pub use command::{Command, Rejection, Reply};
pub use store::Store;
pub use tables::{State, Submission, Table};
