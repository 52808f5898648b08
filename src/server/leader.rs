//! Runs the leader's loops while this server leads, and nothing while it does not.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::{info, warn};

use super::{Server, autopilot, deployments, drains, garbage, keyring, periodic, scheduling, silent_nodes};
use crate::state::Command;
use crate::util::clock::Timestamp;

/// Follows leadership for the life of the server.
pub(super) async fn lead(server: Arc<Server>) {
    let mut leadership = server.raft().watch_leader();
    let mut replacements = server.store().watch_replacements();
    loop {
        if leadership.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        info!("this server leads: starting its loops");
        replacements.mark_unchanged();
        tokio::select! {
            biased;
            stepped_down = leadership.wait_for(|leads| !*leads) => {
                if stepped_down.is_err() {
                    return;
                }
                info!("this server no longer leads: its loops are stopped");
            }
            // What the loops know is of a state that is gone: they begin anew.
            Ok(()) = replacements.changed() => info!("the state was restored from a snapshot"),
            () = scheduling::run(&server) => {}
            () = silent_nodes::watch(&server) => {}
            () = drains::run(&server) => {}
            () = deployments::watch(&server) => {}
            () = periodic::run(&server) => {}
            () = collect_garbage(&server) => {}
            () = keyring::ensure_key(&server) => {}
            () = autopilot::run(&server) => {}
        }
    }
}

/// Forgets what is over: by age on a timer, all of it when asked.
async fn collect_garbage(server: &Server) {
    let config = server.config().garbage.clone();
    let mut forced: watch::Receiver<u64> = server.force_garbage.subscribe();
    let mut timer = tokio::time::interval(config.interval);
    timer.tick().await;
    loop {
        let thresholds = tokio::select! {
            _ = timer.tick() => config.clone(),
            changed = forced.changed() => match changed {
                Ok(()) => config.everything(),
                Err(_) => return,
            },
        };
        let collected = garbage::collect(&server.store().load(), &thresholds, Timestamp::now());
        if collected == Default::default() {
            continue;
        }
        let rows = collected.allocations.len() + collected.evaluations.len() + collected.jobs.len() + collected.nodes.len();
        match server.propose(Command::CollectGarbage { collected }).await {
            Ok(_) => info!(rows, "garbage collected"),
            Err(error) => warn!(%error, "garbage could not be collected"),
        }
    }
}
