//! Consensus: one log of requests, the same on a quorum of servers, and the state that comes of it. The only user of openraft.
//!
//! ```text
//!  propose ──> openraft ──append──> log_store (RocksDB, one writer thread, group commit)
//!                 │ committed
//!                 v
//!           state_machine ──publish──> state::Store ──> readers and listeners
//!                 │ now and then (compaction)
//!                 v
//!           snapshots (files)                 network, service: other servers; membership: which ones
//! ```
//!
//! What is acknowledged is on a quorum's disks; what a server had acknowledged it finds again at its next start, from the newest
//! snapshot and the log after it. A server that cannot write its log any more stops ([`Raft::fatal`]) rather than guess.

mod compaction;
mod config;
mod error;
mod leadership;
mod log_store;
mod membership;
mod network;
mod records;
mod service;
mod snapshot_file;
mod snapshots;
mod state_machine;
mod status;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;
use std::future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, Fatal, RaftError as CoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::compaction::SnapshotPressure;
pub use self::config::{Formation, RaftConfig, SnapshotThresholds};
pub use self::error::{ProposeError, RaftError, ReadError};
use self::log_store::LogStore;
use self::log_store::device::Recovered;
pub use self::membership::{MembershipError, ServerMember, ServerStanding};
pub use self::network::Dialer;
use self::network::Network;
use self::snapshots::SnapshotDirectory;
use self::state_machine::StateMachine;
pub use self::status::RaftStatus;
use self::types::{Member, Proposal, SnapshotMeta, TypeConfig};
use crate::model::security::Identity;
use crate::rpc::{Channel, RpcError};
use crate::state::command::Request;
use crate::state::{Command, Reply, State, Store};
use crate::util::random::random_u128;

/// How long a request waits for a leader before it is refused.
pub const LEADER_WAIT: Duration = Duration::from_secs(4);

/// How often a request that waits for a leader tries again.
const RETRY: Duration = Duration::from_millis(50);

/// For the leader's answer to how far a read must wait.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

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
    /// Why consensus stopped.
    stopped: watch::Receiver<Option<String>>,
    /// When a leader last wrote to this server.
    leader_heard: watch::Sender<Option<tokio::time::Instant>>,
    /// See [`Raft::set_stabilization`].
    stabilization: watch::Sender<Duration>,
    /// Leadership and compaction; they end when the core does, or with this.
    tasks: Mutex<JoinSet<()>>,
    dialer: Option<Dialer>,
    channels: Mutex<BTreeMap<u64, Channel>>,
    /// For snapshots on their way in.
    incoming: PathBuf,
    closing: AtomicBool,
}

impl Raft {
    /// Starts from what `config.data_dir` holds; a new directory becomes a cluster of this one server, or joins one.
    ///
    /// A server that is its own quorum leads, with all that was ever acknowledged applied, when this returns.
    pub async fn open(config: RaftConfig) -> Result<Self, RaftError> {
        OpenedLog::open(&config.data_dir).await?.start(config).await
    }

    async fn start(config: RaftConfig, log: LogStore, recovered: Recovered) -> Result<Self, RaftError> {
        let settings = Arc::new(config.openraft()?);
        let pressure = Arc::new(SnapshotPressure::new(config.snapshot));
        let id = recovered.id;
        let incoming = config.data_dir.join("snapshots").join("incoming");
        let (snapshots, meta, state) = {
            let (data_dir, incoming) = (config.data_dir.clone(), incoming.clone());
            blocking(move || {
                // What a crash left half received.
                let _ = std::fs::remove_dir_all(incoming);
                restore(&data_dir, &recovered)
            })
            .await?
        };
        if let Ok(Some((_, newest))) = snapshots.newest() {
            pressure.wrote(newest.length().unwrap_or_default());
        }
        let store = Store::new(state.clone());
        let machine = StateMachine::new(meta, state, Arc::clone(&store), Arc::clone(&snapshots), Arc::clone(&pressure));
        let network = Network(config.dialer.clone());
        let core = Core::new(id, settings, network, log.clone(), machine).await.map_err(|error| fatal_error(&error))?;

        let own = Member { address: config.address, name: config.name };
        let stabilization = watch::Sender::new(membership::STABLE);
        let (leads_sender, leads) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let (stopped_sender, stopped) = watch::channel(None);
        tasks.spawn(leadership::follow(core.clone(), leads_sender, stopped_sender));
        tasks.spawn(compaction::run(core.clone(), pressure, snapshots));
        if config.dialer.is_some() {
            tasks.spawn(membership::keep(core.clone(), own.clone(), stabilization.subscribe()));
        }
        let closing = AtomicBool::new(false);
        let (tasks, channels, leader_heard) = (Mutex::new(tasks), Mutex::default(), watch::Sender::new(None));
        let inner = Inner {
            core,
            store,
            log,
            leads,
            stopped,
            leader_heard,
            stabilization,
            tasks,
            dialer: config.dialer,
            channels,
            incoming,
            closing,
        };
        let raft = Self { inner: Arc::new(inner) };

        if let Err(error) = raft.take_part(own, config.formation).await {
            raft.shutdown().await;
            return Err(error);
        }
        Ok(raft)
    }

    async fn take_part(&self, own: Member, formation: Formation) -> Result<(), RaftError> {
        let core = &self.inner.core;
        let id = *core.node_id();
        if formation == Formation::Alone && !core.is_initialized().await.map_err(|error| fatal_error(&error))? {
            let members = BTreeMap::from([(id, own)]);
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

    /// This server's id in the group: made with its log, gone with it.
    pub fn id(&self) -> u64 {
        *self.inner.core.node_id()
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
    /// linearizable. A server that does not lead asks the leader how far that is. While nobody leads this waits, for at most
    /// [`LEADER_WAIT`].
    pub async fn read_barrier(&self, consistency: Consistency) -> Result<(), ReadError> {
        // Alone, asking the quorum costs nothing.
        let lease = consistency == Consistency::Lease && self.inner.dialer.is_some();
        let deadline = tokio::time::Instant::now() + LEADER_WAIT;
        loop {
            match self.index_to_read(lease).await {
                Ok(index) if self.inner.store.load().log_index() >= index => return Ok(()),
                Ok(index) => {
                    let waiting = self.inner.core.wait(Some(LEADER_WAIT));
                    return match waiting.applied_index_at_least(Some(index), "read barrier").await {
                        Ok(_) => Ok(()),
                        Err(openraft::metrics::WaitError::Timeout(..)) => Err(ReadError::NoLeader),
                        Err(openraft::metrics::WaitError::ShuttingDown) => Err(ReadError::ShuttingDown),
                    };
                }
                Err(_) if self.inner.closing.load(Ordering::Acquire) => return Err(ReadError::ShuttingDown),
                Err(RpcError::Failed(reason)) => return Err(ReadError::Fatal(reason)),
                // A group of one has its leader or is about to; more need an election.
                Err(_) if self.inner.dialer.is_none() || tokio::time::Instant::now() >= deadline => return Err(ReadError::NoLeader),
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    async fn index_to_read(&self, lease: bool) -> Result<u64, RpcError> {
        match self.leader().and_then(|(id, address)| self.channel_to(id, &address)) {
            Some(leader) => leader.call(service::path::READ_INDEX, lease, READ_TIMEOUT).await,
            None => self.read_index(lease).await,
        }
    }

    /// A way to another server for everything but consensus, shared by all who ask; `None` to this one itself, or when it has no others.
    pub fn channel_to(&self, id: u64, address: &str) -> Option<Channel> {
        let dial = self.inner.dialer.as_ref().filter(|_| id != self.id())?;
        let mut channels = self.inner.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let known = channels.get(&id).filter(|channel| channel.address() == address).cloned();
        Some(known.unwrap_or_else(|| {
            let channel = dial(address, Identity::server(id));
            channels.insert(id, channel.clone());
            channel
        }))
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
        let mut stopped = self.inner.stopped.clone();
        let reason = stopped.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) if !self.inner.closing.load(Ordering::Acquire) => reason,
            _ => future::pending().await,
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

/// The log of a server that does not take part yet: its id is known, and nothing else may use the directory.
pub struct OpenedLog {
    log: LogStore,
    recovered: Recovered,
}

impl OpenedLog {
    pub async fn open(data_dir: &Path) -> Result<Self, RaftError> {
        let path = data_dir.join("raft");
        // First of all, for its lock: from here on no other agent touches the directory.
        let (log, recovered) = blocking(move || LogStore::open(&path)).await?;
        Ok(Self { log, recovered })
    }

    /// See [`Raft::id`].
    pub fn id(&self) -> u64 {
        self.recovered.id
    }

    /// `config.data_dir` is the one that was opened.
    pub async fn start(self, config: RaftConfig) -> Result<Raft, RaftError> {
        let log = self.log.clone();
        let raft = Raft::start(config, self.log, self.recovered).await;
        if raft.is_err() {
            log.close().await;
        }
        raft
    }
}

/// How sure a read must be that no other server acknowledged something newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// A leader that a quorum heard within the lease vouches for it. Rests on clocks running at about the same speed.
    Lease,
    /// A quorum is asked.
    Quorum,
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
