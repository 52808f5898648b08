//! Runs the leader's loops while this server leads, and nothing while it does not.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{info, warn};

use super::{RETRY, Server, garbage, scheduler_loop};
use crate::model::{AllocClientStatus, NodeId, NodeStatus};
use crate::state::Command;
use crate::util::clock::Timestamp;

/// Follows leadership for the life of the server.
pub(super) async fn lead(server: Arc<Server>) {
    let mut leadership = server.raft().watch_leader();
    loop {
        if leadership.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        info!("this server leads: starting its loops");
        let live = server.store().load();
        let nodes = live.nodes().filter(|node| node.status != NodeStatus::Down).map(|node| node.id);
        server.with_heartbeats(|heartbeats| heartbeats.lead(nodes, Timestamp::now()));
        drop(live);
        tokio::select! {
            biased;
            stepped_down = leadership.wait_for(|leads| !*leads) => {
                if stepped_down.is_err() {
                    return;
                }
                info!("this server no longer leads: its loops are stopped");
            }
            () = scheduler_loop::run(&server) => {}
            () = watch_heartbeats(&server) => {}
            () = collect_garbage(&server) => {}
        }
    }
}

/// Declares silent nodes down.
async fn watch_heartbeats(server: &Server) {
    /// Deadlines move when nodes are heard of; looking this often is precise enough for ttls of seconds.
    const TICK: Duration = Duration::from_millis(500);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        for node in server.with_heartbeats(|heartbeats| heartbeats.expired(Timestamp::now())) {
            declare_silent(server, node).await;
        }
    }
}

async fn declare_silent(server: &Server, node: NodeId) {
    let state = server.store().load();
    let may_return = state.allocations_on_node(node).any(|row| {
        row.client_status == AllocClientStatus::Running
            && state
                .specification(&row.job)
                .and_then(|job| job.group(&row.group).map(|group| group.disconnect.lost_after.is_some()))
                .unwrap_or(false)
    });
    let status = if may_return { NodeStatus::Disconnected } else { NodeStatus::Down };
    warn!(%node, status = status.name(), "node missed its heartbeat");
    if let Err(error) = server.set_node_status(node, status, "node heartbeat missed").await {
        warn!(%node, %error, "could not record a silent node; trying again");
        server.with_heartbeats(|heartbeats| heartbeats.heard(node, Timestamp::now() - Duration::from_secs(3600), 0.0));
        tokio::time::sleep(RETRY).await;
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
