//! Committed entries become state.
//!
//! The machine applies a batch to its own copy of the state, publishes the result once, and only then answers the proposers: whoever has
//! an answer finds its effect in [`Store::load`]. The state lives in memory; snapshots are its durable form, and what came after the
//! newest one is applied again from the log at the start.

use std::io;
use std::panic::{self, AssertUnwindSafe};
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
    pub(super) fn new(
        meta: SnapshotMeta,
        state: State,
        store: Arc<Store>,
        snapshots: Arc<SnapshotDirectory>,
        pressure: Arc<SnapshotPressure>,
    ) -> Self {
        Self { state, applied: meta.last_log_id, membership: meta.last_membership, store, snapshots, pressure }
    }

    /// A panic in `apply` comes again on every server and at every start: it must stop the server with its reason, where an unwound
    /// task would leave proposers waiting for ever. The state is not used any more after it.
    fn apply_or_stop(&mut self, entry: &Entry) -> io::Result<(Answer, Option<Changes>)> {
        panic::catch_unwind(AssertUnwindSafe(|| self.apply_entry(entry))).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            io::Error::other(format!("applying entry {} panicked: {}", entry.log_id, text.unwrap_or("no message")))
        })
    }

    fn apply_entry(&mut self, entry: &Entry) -> (Answer, Option<Changes>) {
        let index = entry.log_id.index;
        let answer = match &entry.payload {
            EntryPayload::Normal(proposal) => {
                let (answer, changes) = self.state.apply(self.state.index_of_entry(index), proposal.request());
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
        let index = self.state.index_of_entry(index);
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
        let mut replaced = false;
        while let Some((entry, responder)) = entries.try_next().await? {
            let (answer, touched) = self.apply_or_stop(&entry)?;
            replaced |= answer.is_ok() && is_restore(&entry);
            changes.extend(touched.filter(|touched| !touched.changes.is_empty()));
            answers.extend(responder.map(|responder| (responder, answer)));
        }
        self.publish(changes, replaced);
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
            pressure: Arc::clone(&self.pressure),
        }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, file: SnapshotFile) -> io::Result<()> {
        let (snapshots, pressure) = (Arc::clone(&self.snapshots), Arc::clone(&self.pressure));
        let meta = meta.clone();
        let (meta, state) = blocking(move || {
            let contents = file.read()?;
            let state = snapshot::decode(contents.data())?;
            pressure.wrote(contents.data().len() as u64);
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

/// Whether the entry, carried out, puts another state in the place of the one before.
fn is_restore(entry: &Entry) -> bool {
    matches!(&entry.payload, EntryPayload::Normal(proposal) if matches!(proposal.request().command, Command::Restore { .. }))
}

/// A frozen state on its way to a file.
pub(super) struct SnapshotBuilder {
    meta: SnapshotMeta,
    state: State,
    snapshots: Arc<SnapshotDirectory>,
    pressure: Arc<SnapshotPressure>,
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = SnapshotFile;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let (meta, state) = (self.meta.clone(), self.state.clone());
        let (snapshots, pressure) = (Arc::clone(&self.snapshots), Arc::clone(&self.pressure));
        blocking(move || {
            let bytes = snapshot::encode(&state)?;
            let snapshot = snapshots.save(&meta, &bytes)?;
            pressure.wrote(bytes.len() as u64);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::config::SnapshotThresholds;
    use crate::raft::log_store::tests::{blank, request};

    fn machine(directory: &tempfile::TempDir) -> StateMachine {
        let snapshots = Arc::new(SnapshotDirectory::open(directory.path()).unwrap());
        let pressure = Arc::new(SnapshotPressure::new(SnapshotThresholds::default()));
        StateMachine::new(SnapshotMeta::default(), State::default(), Store::new(State::default()), snapshots, pressure)
    }

    async fn apply(machine: &mut StateMachine, entries: Vec<Entry>) -> io::Result<()> {
        machine.apply(futures_util::stream::iter(entries.into_iter().map(|entry| Ok((entry, None))))).await
    }

    #[tokio::test]
    async fn a_received_snapshot_replaces_the_state_and_says_so() {
        let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut sender = machine(&directories[0]);
        apply(&mut sender, vec![blank(1, 0), request(1, 1, 7), request(1, 2, 8)]).await.unwrap();
        let mut builder = sender.get_snapshot_builder().await;
        // The frozen state is not touched by what is applied meanwhile.
        apply(&mut sender, vec![request(1, 3, 9)]).await.unwrap();
        let built = builder.build_snapshot().await.unwrap();

        let mut receiver = machine(&directories[1]);
        let mut feed = receiver.store.subscribe();
        receiver.install_snapshot(&built.meta, built.snapshot).await.unwrap();
        let publication = feed.try_recv().unwrap();
        assert!(publication.replaced);
        assert_eq!(publication.state.index(), 2);
        apply(&mut receiver, vec![request(1, 3, 9)]).await.unwrap();
        assert_eq!(snapshot::encode(&receiver.store.load()).unwrap(), snapshot::encode(&sender.store.load()).unwrap());
        // It is durable here as well.
        let (meta, state) = receiver.snapshots.restore(built.meta.last_log_id).unwrap();
        assert_eq!((meta, state.index()), (built.meta, 2));
    }

    #[tokio::test]
    async fn a_panic_while_applying_is_an_error_with_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let mut machine = machine(&directory);
        apply(&mut machine, vec![request(1, 4, 7)]).await.unwrap();
        // An entry that goes back violates what `State::apply` asserts.
        let error = apply(&mut machine, vec![request(1, 4, 8)]).await.unwrap_err().to_string();
        assert!(error.contains("panicked: entries are applied once and in order"), "{error}");
        assert_eq!(machine.store.load().index(), 4);
    }
}
