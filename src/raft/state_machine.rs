//! Committed entries become state.
//!
//! The machine applies a batch to its own copy of the state, publishes the result once, and only then answers the proposers: whoever has
//! an answer finds its effect in [`Store::load`]. The state lives in memory; snapshots are its durable form, and what came after the
//! newest one is applied again from the log at the start.

use std::io;
use std::sync::Arc;

use futures_util::{Stream, TryStreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, RaftSnapshotBuilder, alias};

use super::compaction::SnapshotPressure;
use super::log_store::entry_bytes;
use super::snapshot_file::{SnapshotFile, SnapshotFileError};
use super::snapshots::SnapshotDirectory;
use super::types::{Answer, Entry, LogId, SnapshotMeta, StoredMembership, TypeConfig};
use crate::state::command::Request;
use crate::state::{Changes, Command, Reply, State, Store, snapshot};

type Snapshot = alias::SnapshotOf<TypeConfig, SnapshotFile>;

pub(super) struct StateMachine {
    state: State,
    applied: Option<LogId>,
    membership: StoredMembership,
    store: Arc<Store>,
    snapshots: Arc<SnapshotDirectory>,
    pressure: Arc<SnapshotPressure>,
}

impl StateMachine {
    /// A machine that stands where `meta` and `state`, of the restored snapshot, say.
    pub(super) fn new(meta: SnapshotMeta, state: State, snapshots: Arc<SnapshotDirectory>, pressure: Arc<SnapshotPressure>) -> Self {
        let store = Store::new(state.clone());
        Self { state, applied: meta.last_log_id, membership: meta.last_membership, store, snapshots, pressure }
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn apply_entry(&mut self, entry: &Entry) -> (Answer, Option<Changes>) {
        let index = entry.log_id.index;
        let answer = match &entry.payload {
            EntryPayload::Normal(proposal) => {
                let (answer, changes) = self.state.apply(index, proposal.request());
                (answer, Some(changes))
            }
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
                self.pass(index)
            }
            EntryPayload::Blank => self.pass(index),
        };
        self.applied = Some(entry.log_id);
        self.pressure.record(entry_bytes(entry));
        answer
    }

    /// Consensus's own entries move the state's index and nothing else. The very first has index 0, where an empty state stands already.
    fn pass(&mut self, index: u64) -> (Answer, Option<Changes>) {
        if index > self.state.index() {
            let _ = self.state.apply(index, &Request { id: 0, command: Command::Noop });
        }
        (Ok(Reply { index, dropped_placements: 0 }), None)
    }

    fn publish(&self, changes: Vec<Changes>, replaced: bool) {
        self.store.publish(Arc::new(self.state.clone()), changes, replaced);
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotFile;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + Send,
    {
        let mut changes = Vec::new();
        let mut answers = Vec::new();
        while let Some((entry, responder)) = entries.try_next().await? {
            let (answer, touched) = self.apply_entry(&entry);
            changes.extend(touched.filter(|touched| !touched.changes.is_empty()));
            answers.extend(responder.map(|responder| (responder, answer)));
        }
        self.publish(changes, false);
        for (responder, answer) in answers {
            responder.send(answer);
        }
        self.pressure.announce();
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        self.pressure.reset();
        SnapshotBuilder {
            meta: SnapshotMeta { last_log_id: self.applied, last_membership: self.membership.clone() },
            state: self.state.clone(),
            snapshots: Arc::clone(&self.snapshots),
        }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, file: SnapshotFile) -> io::Result<()> {
        let snapshots = Arc::clone(&self.snapshots);
        let meta = meta.clone();
        let (meta, state) = blocking(move || {
            let contents = file.read()?;
            let state = snapshot::decode(contents.data())?;
            // One that was received lies elsewhere.
            if file.path.parent() != Some(snapshots.path()) {
                snapshots.save(&meta, contents.data())?;
            }
            Ok((meta, state))
        })
        .await?;
        self.state = state;
        self.applied = meta.last_log_id;
        self.membership = meta.last_membership;
        self.pressure.reset();
        self.publish(Vec::new(), true);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        let snapshots = Arc::clone(&self.snapshots);
        let newest = blocking(move || snapshots.newest()).await?;
        Ok(newest.map(|(meta, snapshot)| Snapshot { meta, snapshot }))
    }
}

/// A frozen state on its way to a file.
pub(super) struct SnapshotBuilder {
    meta: SnapshotMeta,
    state: State,
    snapshots: Arc<SnapshotDirectory>,
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = SnapshotFile;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let (meta, state, snapshots) = (self.meta.clone(), self.state.clone(), Arc::clone(&self.snapshots));
        blocking(move || {
            let snapshot = snapshots.save(&meta, &snapshot::encode(&state)?)?;
            Ok(Snapshot { meta, snapshot })
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, SnapshotFileError> + Send + 'static) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(SnapshotFileError::Io(error))) => Err(error),
        Ok(Err(error)) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        Err(error) => Err(io::Error::other(error)),
    }
}
