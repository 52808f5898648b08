//! The store over a device in memory: order, grouping and failure of writes. And openraft's own suite over the real one.

use std::io;
use std::sync::Arc;

use openraft::EntryPayload;
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::{RaftLogReader, StorageError};
use tokio::sync::oneshot;

use super::LogStore;
use super::device::Recovered;
use super::memory::Memory;
use crate::raft::compaction::SnapshotPressure;
use crate::raft::config::SnapshotThresholds;
use crate::raft::snapshots::SnapshotDirectory;
use crate::raft::state_machine::StateMachine;
use crate::raft::types::{Entry, LeaderId, LogId, Proposal, SnapshotMeta, TypeConfig, Vote};
use crate::state::command::Request;
use crate::state::{Command, State, Store};

pub(in crate::raft) fn log_id(term: u64, index: u64) -> LogId {
    LogId { leader_id: LeaderId { term, node_id: 1 }, index }
}

pub(in crate::raft) fn blank(term: u64, index: u64) -> Entry {
    Entry { log_id: log_id(term, index), payload: EntryPayload::Blank }
}

pub(in crate::raft) fn request(term: u64, index: u64, id: u128) -> Entry {
    let proposal = Proposal::new(Request { id, command: Command::Noop }).unwrap();
    Entry { log_id: log_id(term, index), payload: EntryPayload::Normal(proposal) }
}

pub(in crate::raft) fn vote(term: u64) -> Vote {
    Vote { leader_id: LeaderId { term, node_id: 1 }, committed: false }
}

/// A log in memory, with the handle that makes it fail.
pub(in crate::raft) fn memory_store() -> (LogStore, Memory) {
    let memory = Memory::default();
    (store(&memory), memory)
}

fn store(memory: &Memory) -> LogStore {
    LogStore::start(memory.clone(), &Recovered::default(), 0).unwrap()
}

/// Appends and returns what tells that it is durable.
async fn append(store: &mut LogStore, entry: Entry) -> oneshot::Receiver<io::Result<()>> {
    let (callback, flushed) = signal();
    store.append([entry], callback).await.unwrap();
    flushed
}

fn signal() -> (IOFlushed<TypeConfig>, oneshot::Receiver<io::Result<()>>) {
    use openraft::type_config::TypeConfigExt;
    let (sender, receiver) = TypeConfig::oneshot();
    (IOFlushed::signal(sender), receiver)
}

#[tokio::test]
async fn what_queues_up_behind_a_write_becomes_one_write() {
    let memory = Memory::default();
    let mut store = store(&memory);
    memory.hold(true);
    let first = append(&mut store, blank(1, 0)).await;
    memory.wait_begun(1);
    let mut flushed = vec![first];
    for index in 1..6 {
        flushed.push(append(&mut store, blank(1, index)).await);
    }
    store.save_committed(Some(log_id(1, 0))).await.unwrap();
    // Readable before anything is written.
    assert_eq!(store.try_get_log_entries(0..6).await.unwrap().len(), 6);
    assert!(flushed.iter_mut().all(|flushed| flushed.try_recv().is_err()), "nothing is reported before it is durable");
    memory.hold(false);
    for flushed in flushed {
        flushed.await.unwrap().unwrap();
    }
    store.save_vote(&vote(2)).await.unwrap();
    assert_eq!(memory.writes(), [(1, true), (6, true), (1, true)]);
}

#[tokio::test]
async fn the_committed_index_alone_costs_no_sync() {
    let memory = Memory::default();
    let mut store = store(&memory);
    store.save_committed(Some(log_id(1, 0))).await.unwrap();
    store.close().await;
    assert_eq!(memory.writes(), [(1, false)]);
}

#[tokio::test]
async fn a_failed_write_is_reported_and_ends_all_writing() {
    let memory = Memory::default();
    let mut store = store(&memory);
    append(&mut store, blank(1, 0)).await.await.unwrap().unwrap();
    memory.fail(io::ErrorKind::StorageFull);
    let error = append(&mut store, blank(1, 1)).await.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("cannot write the log"), "{error}");
    // Also what is not written again must not succeed by luck.
    assert_eq!(store.save_vote(&vote(3)).await.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(memory.writes().len(), 1);
}

#[tokio::test]
async fn entries_that_left_memory_are_read_from_the_device() {
    let memory = Memory::default();
    let mut store = store(&memory);
    for index in 0..5 {
        append(&mut store, blank(1, index)).await.await.unwrap().unwrap();
    }
    memory.hold(true);
    let unwritten = append(&mut store, blank(1, 5)).await;
    let indexes: Vec<u64> = store.try_get_log_entries(2..9).await.unwrap().iter().map(|entry| entry.log_id.index).collect();
    assert_eq!(indexes, [2, 3, 4, 5]);
    memory.hold(false);
    unwritten.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_closed_log_says_so() {
    let mut store = store(&Memory::default());
    store.close().await;
    assert_eq!(store.save_vote(&vote(1)).await.unwrap_err().kind(), io::ErrorKind::NotConnected);
}

struct Builder;

impl StoreBuilder<TypeConfig, LogStore, StateMachine, tempfile::TempDir> for Builder {
    async fn build(&self) -> Result<(tempfile::TempDir, LogStore, StateMachine), StorageError<TypeConfig>> {
        let directory = tempfile::tempdir().unwrap();
        let (log, _) = LogStore::open(&directory.path().join("raft")).unwrap();
        let snapshots = Arc::new(SnapshotDirectory::open(&directory.path().join("snapshots")).unwrap());
        let pressure = Arc::new(SnapshotPressure::new(SnapshotThresholds::default()));
        Ok((
            directory,
            log,
            StateMachine::new(SnapshotMeta::default(), State::default(), Store::new(State::default()), snapshots, pressure),
        ))
    }
}

#[tokio::test]
async fn openraft_is_content_with_the_log_and_the_state_machine() {
    Suite::test_all(Builder).await.unwrap();
}
