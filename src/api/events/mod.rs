//! The cluster's changes as events, kept for a while and handed to whoever follows them.

mod broker;
mod event;
pub mod stream;
mod topics;
#[cfg(test)]
mod tests;

pub use broker::{EventBroker, run};
