//! Tests of `apply`: what single commands do, what random sequences may never do, and what the bytes on disk are.

mod deployments;
mod golden;
mod jobs;
mod node_pools;
mod plans;
mod replicas;
mod restore;

use super::command::{Command, Rejection, Reply, Request};
use super::{Changes, State};

/// Applies a command at the next index.
fn apply(state: &mut State, command: Command) -> (Result<Reply, Rejection>, Changes) {
    state.apply(state.index() + 1, &Request { id: 0, command })
}

/// Applies a command that must work.
fn must(state: &mut State, command: Command) -> Changes {
    let (outcome, changes) = apply(state, command);
    outcome.unwrap();
    changes
}
