//! The cluster's changes as events, kept for a while and handed to whoever follows them.

mod broker;
mod event;
pub mod stream;
mod topics;

pub use broker::{EventBroker, run};
