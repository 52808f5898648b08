//! Bringing a node up: identity, journal, what still runs, and then the loops.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use tokio::sync::{Notify, watch};

use super::alloc_dir;
use super::alloc_runner::AllocRunner;
use super::config::NodeConfig;
use super::error::NodeError;
use super::fingerprint;
use super::handle::NodeHandle;
use super::identity;
use super::journal::Journal;
use super::registration::Registration;
use super::reporter::Reports;
use super::runtime::Runtime;
use super::shared::Shared;
use super::supervisor::{Runners, Supervisor};
use crate::model::AllocId;
use crate::rpc::NodeLink;
use crate::util::clock::SteadyClock;

/// The working half of an agent; [`Node::start`] is all there is to it.
pub struct Node;

impl Node {
    /// Opens the journal, takes up again what still runs, removes what belongs to nobody, and starts to follow the servers. Does
    /// not wait for them: a node without servers keeps its tasks running.
    ///
    /// # Errors
    /// The data directory cannot be used, or the journal is damaged or in use.
    pub async fn start(config: NodeConfig, link: Arc<dyn NodeLink>, runtime: Arc<dyn Runtime>) -> Result<NodeHandle, NodeError> {
        make_directories(&config)?;
        let id = identity::load_or_create(&config.client_dir())?;
        let (journal, entries) = Journal::open(config.client_dir().join("journal")).await?;
        let node = fingerprint::fingerprint(&config, id, &runtime.drivers());
        let clock = SteadyClock::start();
        let shared = Arc::new(Shared {
            heard_at: clock.now().0.into(),
            clock,
            node: ArcSwap::from_pointee(node),
            runtime,
            journal,
            reports: Reports::default(),
            agent_env: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            config,
        });

        let restored = join_all(entries.into_iter().map(|entry| AllocRunner::restore(Arc::clone(&shared), entry))).await;
        let known_runs: BTreeSet<PathBuf> = restored.iter().flat_map(|(runner, _)| runner.run_dirs().collect::<Vec<_>>()).collect();
        let known_allocs: BTreeSet<AllocId> = restored.iter().map(|(runner, _)| runner.id()).collect();
        shared.runtime.sweep(&shared.config.run_root(), &known_runs).await;
        sweep_directories(&shared.config.alloc_root(), &known_allocs);

        let runners = Arc::new(Runners::default());
        for (runner, handle) in restored {
            runners.spawn(runner, handle);
        }
        let (registered, registered_receiver) = watch::channel(None);
        let forgotten = Arc::new(Notify::new());
        let registration =
            Registration { shared: Arc::clone(&shared), link: Arc::clone(&link), registered, forgotten: Arc::clone(&forgotten) };
        let supervisor = Supervisor {
            shared: Arc::clone(&shared),
            link: Arc::clone(&link),
            runners: Arc::clone(&runners),
            registered: registered_receiver,
            forgotten: Arc::clone(&forgotten),
        };
        let reporting = Arc::clone(&shared);
        let following = tokio::spawn(supervisor.run());
        let loops = vec![tokio::spawn(registration.run()), tokio::spawn(async move { reporting.reports.run(id, link, &forgotten).await })];
        Ok(NodeHandle::new(shared, runners, following, loops))
    }
}

/// The node's own directories are nobody else's business. Those of allocations must let pass every user that a task may have.
fn make_directories(config: &NodeConfig) -> Result<(), NodeError> {
    for (dir, mode) in [(config.client_dir(), 0o700), (config.run_root(), 0o700), (config.alloc_root(), 0o711)] {
        alloc_dir::make(&dir, mode).map_err(|source| NodeError::Directory { path: dir, source })?;
    }
    Ok(())
}

/// Removes directories of allocations that the journal does not know. Other names below the root are not ours.
fn sweep_directories(root: &Path, known: &BTreeSet<AllocId>) {
    let Ok(entries) = std::fs::read_dir(root) else {
        return;
    };
    for entry in entries.flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse::<AllocId>().ok());
        if id.is_none_or(|id| known.contains(&id)) {
            continue;
        }
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "cannot remove the directories of a forgotten allocation");
        }
    }
}
