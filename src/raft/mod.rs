//! Consensus: one log of requests, the same on a quorum of servers, and the state that comes of it. The only user of openraft.
//!
//! ```text
//!  propose ──> openraft ──append──> log_store (RocksDB, one writer thread, group commit)
//!                 │ committed
//!                 v
//!           state_machine ──publish──> state::Store ──> readers and listeners
//!                 │ now and then (compaction)
//!                 v
//!           snapshots (files)                 network: other servers
//! ```
//!
//! What is acknowledged is on a quorum's disks; what a server had acknowledged it finds again at its next start, from the newest
//! snapshot and the log after it. A server that cannot write its log any more stops ([`Raft::fatal`]) rather than guess.

mod compaction;
mod config;
mod error;
mod leadership;
mod log_store;
mod network;
mod records;
mod snapshot_file;
mod snapshots;
mod state_machine;
mod status;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;
use std::future;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use openraft::ReadPolicy;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, Fatal, LinearizableReadError, RaftError as CoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::compaction::SnapshotPressure;
pub use self::config::{RaftConfig, SnapshotThresholds};
pub use self::error::{ProposeError, RaftError, ReadError};
use self::log_store::LogStore;
use self::log_store::device::Recovered;
use self::network::Network;
use self::snapshots::SnapshotDirectory;
use self::state_machine::StateMachine;
pub use self::status::RaftStatus;
use self::types::{Member, Proposal, SnapshotMeta, TypeConfig};
use crate::state::command::Request;
use crate::state::{Command, Reply, State, Store};
use crate::util::random::random_u128;

/// The largest request, encoded; what reads it back (`codec`) takes twice that.
const MAX_REQUEST_BYTES: usize = 32 << 20;

type Core = openraft::Raft<TypeConfig, StateMachine>;

/// This server's part in consensus. Clones are handles of the same one.
///
/// [`Raft::shutdown`] ends it in order. Without that nothing acknowledged is lost either, but its tasks run on until the runtime ends.
#[derive(Clone)]
pub struct Raft {
    inner: Arc<Inner>,
}

struct Inner {
    core: Core,
    store: Arc<Store>,
    log: LogStore,
    leads: watch::Receiver<bool>,
    /// Leadership and compaction; they end when the core does, or with this.
    tasks: Mutex<JoinSet<()>>,
    closing: AtomicBool,
}

impl Raft {
    /// Starts from what `config.data_dir` holds; a new directory becomes a cluster of this one server.
    ///
    /// A server that is its own quorum leads, with all that was ever acknowledged applied, when this returns.
    pub async fn open(config: RaftConfig) -> Result<Self, RaftError> {
        let path = config.data_dir.join("raft");
        // First of all, for its lock: from here on no other agent touches the directory.
        let (log, recovered) = blocking(move || LogStore::open(&path)).await?;
        let raft = Self::start(config, log.clone(), recovered).await;
        if raft.is_err() {
            log.close().await;
        }
        raft
    }

    async fn start(config: RaftConfig, log: LogStore, recovered: Recovered) -> Result<Self, RaftError> {
        let settings = Arc::new(config.openraft()?);
        let pressure = Arc::new(SnapshotPressure::new(config.snapshot));
        let id = recovered.id;
        let (snapshots, meta, state) = {
            let data_dir = config.data_dir.clone();
            blocking(move || restore(&data_dir, &recovered)).await?
        };
        let store = Store::new(state.clone());
        let machine = StateMachine::new(meta, state, Arc::clone(&store), Arc::clone(&snapshots), Arc::clone(&pressure));
        let core = Core::new(id, settings, Network, log.clone(), machine).await.map_err(|error| fatal_error(&error))?;

        let (leads_sender, leads) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(leadership::follow(core.clone(), leads_sender));
        tasks.spawn(compaction::run(core.clone(), pressure, snapshots));
        let inner = Inner { core, store, log, leads, tasks: Mutex::new(tasks), closing: AtomicBool::new(false) };
        let raft = Self { inner: Arc::new(inner) };

        if let Err(error) = raft.join_or_bootstrap(config.address).await {
            raft.shutdown().await;
            return Err(error);
        }
        Ok(raft)
    }

    async fn join_or_bootstrap(&self, address: String) -> Result<(), RaftError> {
        let core = &self.inner.core;
        let id = *core.node_id();
        if !core.is_initialized().await.map_err(|error| fatal_error(&error))? {
            let members = BTreeMap::from([(id, Member { address })]);
            core.initialize(members).await.map_err(|error| RaftError::Fatal(error.to_string()))?;
        }
        // From the core itself: its metrics may not know yet.
        let own_quorum = core.with_raft_state(move |state| state.membership_state.effective().voter_ids().eq([id])).await;
        if own_quorum.map_err(|error| fatal_error(&error))? {
            // It elects itself at openraft's next tick (some 30 ms), without an election timeout. To call for an election here as well
            // could make it two, and the server would lose its new leadership for a moment.
            let mut leads = self.inner.leads.clone();
            tokio::select! {
                biased;
                reason = self.fatal() => return Err(RaftError::Fatal(reason)),
                led = leads.wait_for(|leads| *leads) => drop(led),
            }
        }
        Ok(())
    }

    /// The published state and its change feed.
    pub fn store(&self) -> &Arc<Store> {
        &self.inner.store
    }

    /// Has `command` carried out; the answer comes when it is durable on a quorum and applied here, and [`Self::store`] shows it.
    pub async fn propose(&self, command: Command) -> Result<Reply, ProposeError> {
        // 0 would mean: not deduplicated.
        self.propose_request(Request { id: random_u128().max(1), command }).await
    }

    /// Like [`Self::propose`] with an id chosen by the caller. A request may be proposed again after an error other than a rejection: it
    /// is carried out once.
    pub async fn propose_request(&self, request: Request) -> Result<Reply, ProposeError> {
        let proposal = Proposal::new(request).map_err(ProposeError::Unwritable)?;
        let bytes = proposal.encoded().len();
        if bytes > MAX_REQUEST_BYTES {
            return Err(ProposeError::TooLarge { bytes, limit: MAX_REQUEST_BYTES });
        }
        let written = self.inner.core.client_write(proposal).await.map_err(|error| match error {
            CoreError::APIError(ClientWriteError::ForwardToLeader(_) | ClientWriteError::LogEntryDiscarded(_)) => ProposeError::NoLeader,
            CoreError::APIError(other) => ProposeError::Fatal(other.to_string()),
            CoreError::Fatal(Fatal::Stopped) => ProposeError::ShuttingDown,
            CoreError::Fatal(fatal) => ProposeError::Fatal(fatal.to_string()),
        })?;
        Ok(written.data?)
    }

    /// Returns when [`Self::store`] shows everything that was acknowledged, by any server, before the call: what is read then is
    /// linearizable.
    pub async fn read_barrier(&self) -> Result<(), ReadError> {
        let core = &self.inner.core;
        let linearizer = core.get_read_linearizer(ReadPolicy::ReadIndex).await.map_err(|error| match error {
            CoreError::APIError(LinearizableReadError::ForwardToLeader(_) | LinearizableReadError::QuorumNotEnough(_)) => {
                ReadError::NoLeader
            }
            CoreError::Fatal(fatal) => read_error(&fatal),
        })?;
        linearizer.await_ready(core).await.map_err(|fatal| read_error(&fatal))?;
        Ok(())
    }

    /// Whether this server leads and its state holds all that earlier leaders acknowledged.
    pub fn is_leader(&self) -> bool {
        *self.inner.leads.borrow()
    }

    /// [`Self::is_leader`] as something to wait on.
    pub fn watch_leader(&self) -> watch::Receiver<bool> {
        self.inner.leads.clone()
    }

    /// Where consensus stands here.
    pub fn status(&self) -> RaftStatus {
        RaftStatus::new(&self.inner.core.metrics().borrow_watched())
    }

    /// Writes a snapshot of what is applied now, and returns when it is durable.
    pub async fn trigger_snapshot(&self) -> Result<(), RaftError> {
        let core = &self.inner.core;
        let wanted = core.metrics().borrow_watched().last_applied;
        loop {
            let newest = core.metrics().borrow_watched().snapshot;
            if newest >= wanted {
                return Ok(());
            }
            // One that is being written already does not count: it may be of an older state.
            core.trigger().snapshot().await.map_err(|error| fatal_error(&error))?;
            let progressed = core.wait(None).metrics(|metrics| metrics.snapshot > newest, "a newer snapshot").await;
            progressed.map_err(|error| RaftError::Fatal(error.to_string()))?;
        }
    }

    /// Resolves, with the reason, when consensus stopped on its own because a disk failed or because of a bug. The process should exit:
    /// nothing can be acknowledged any more. An orderly shutdown never resolves it.
    pub async fn fatal(&self) -> String {
        let mut metrics = self.inner.core.metrics();
        loop {
            let stopped = match &metrics.borrow_and_update().running_state {
                Ok(()) => None,
                Err(Fatal::Stopped) => Some("the consensus core ended".to_owned()),
                Err(fatal) => Some(fatal.to_string()),
            };
            let ended = stopped.is_none() && metrics.changed().await.is_err();
            if let Some(reason) = stopped.or_else(|| ended.then(|| "the consensus core ended".to_owned())) {
                if self.inner.closing.load(Ordering::Acquire) {
                    return future::pending().await;
                }
                return reason;
            }
        }
    }

    /// Stops taking part, syncs and closes the files. Proposals under way get an error; they may have been carried out.
    pub async fn shutdown(&self) {
        self.inner.closing.store(true, Ordering::Release);
        if let Err(error) = self.inner.core.shutdown().await {
            tracing::error!(%error, "the consensus core ended badly");
        }
        let mut tasks = std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // They end with the core, and tell their listeners so.
        while tasks.join_next().await.is_some() {}
        self.inner.log.close().await;
    }
}

/// The snapshots beside the log, and the newest usable one.
fn restore(data_dir: &Path, recovered: &Recovered) -> Result<(Arc<SnapshotDirectory>, SnapshotMeta, State), RaftError> {
    let snapshots = SnapshotDirectory::open(&data_dir.join("snapshots"))?;
    if recovered.fresh && !snapshots.is_empty() {
        return Err(RaftError::MissingLog { snapshots: snapshots.path().to_owned(), log: data_dir.join("raft") });
    }
    let (meta, state) = snapshots.restore(recovered.purged)?;
    Ok((Arc::new(snapshots), meta, state))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, RaftError> + Send + 'static) -> Result<T, RaftError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| RaftError::Fatal(error.to_string()))?
}

fn fatal_error(fatal: &Fatal<TypeConfig>) -> RaftError {
    RaftError::Fatal(fatal.to_string())
}

fn read_error(fatal: &Fatal<TypeConfig>) -> ReadError {
    match fatal {
        Fatal::Stopped => ReadError::ShuttingDown,
        _ => ReadError::Fatal(fatal.to_string()),
    }
}
