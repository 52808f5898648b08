//! What is left after a kill or a power loss.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use openraft::RaftLogReader;
use openraft::storage::{RaftLogStorage, RaftLogStorageExt};

use super::super::log_store::LogStore;
use super::super::log_store::tests::{log_id, request, vote};
use super::{copy, mark, open};
use crate::state::Table;

#[tokio::test]
async fn acknowledged_proposals_survive_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let running = directory.path().join("running");
    let raft = open(&running).await;
    for round in 0..3 {
        let last = raft.propose(mark()).await.unwrap();
        let left = directory.path().join(format!("left-{round}"));
        copy(&running, &left);
        let after = open(&left).await;
        assert_eq!(after.store().load().table_index(Table::SchedulerConfig), last.index);
        assert_eq!(after.status().id, raft.status().id);
        assert!(after.propose(mark()).await.unwrap().index > last.index);
        after.shutdown().await;
    }
    raft.shutdown().await;
}

#[test]
fn a_runtime_that_is_dropped_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (last, log) = {
        let first = runtime();
        let raft = first.block_on(open(directory.path()));
        let last = first.block_on(async { raft.propose(mark()).await.unwrap().index });
        let log = raft.inner.log.clone();
        drop(first);
        (last, log)
    };
    let second = runtime();
    second.block_on(async {
        // Only for the lock: the writer thread lets go of it in its own time.
        log.close().await;
        let raft = open(directory.path()).await;
        assert_eq!(raft.store().load().table_index(Table::SchedulerConfig), last);
        raft.shutdown().await;
    });
}

#[tokio::test]
async fn votes_truncations_and_purges_are_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let running = directory.path().join("running");
    let (mut store, _) = LogStore::open(&running).unwrap();
    store.blocking_append((0..10).map(|index| request(1, index, 9))).await.unwrap();
    store.truncate_after(Some(log_id(1, 6))).await.unwrap();
    store.blocking_append([request(2, 7, 9)]).await.unwrap();
    store.purge(log_id(1, 3)).await.unwrap();
    store.save_committed(Some(log_id(1, 6))).await.unwrap();
    store.save_vote(&vote(5)).await.unwrap();

    let left = directory.path().join("left");
    copy(&running, &left);
    let (mut after, recovered) = LogStore::open(&left).unwrap();
    assert!(!recovered.fresh);
    assert_eq!(recovered.vote, Some(vote(5)));
    assert_eq!(recovered.committed, Some(log_id(1, 6)));
    assert_eq!((recovered.purged, recovered.last), (Some(log_id(1, 3)), Some(log_id(2, 7))));
    let ids: Vec<_> = after.try_get_log_entries(..).await.unwrap().iter().map(|entry| entry.log_id).collect();
    assert_eq!(ids, [log_id(1, 4), log_id(1, 5), log_id(1, 6), log_id(2, 7)]);
    assert_eq!(after.limited_get_log_entries(5, 7).await.unwrap().len(), 2);
    after.close().await;
    store.close().await;
}

/// A power loss keeps what was synced and any part of what came after it.
#[tokio::test]
async fn a_torn_end_costs_nothing_that_was_synced() {
    const SYNCED: u64 = 8;
    let directory = tempfile::tempdir().unwrap();
    let running = directory.path().join("running");
    let (mut store, _) = LogStore::open(&running).unwrap();
    for index in 0..SYNCED {
        store.blocking_append([request(1, index, index.into())]).await.unwrap();
    }
    let synced_length = fs::metadata(newest_wal(&running)).unwrap().len();
    for index in SYNCED..SYNCED + 4 {
        store.blocking_append([request(1, index, index.into())]).await.unwrap();
    }
    store.save_committed(Some(log_id(1, SYNCED))).await.unwrap();
    store.save_vote(&vote(2)).await.unwrap();
    let image = directory.path().join("image");
    copy(&running, &image);
    store.close().await;

    let full_length = fs::metadata(newest_wal(&image)).unwrap().len();
    assert!(full_length > synced_length + 100);
    let mut lost_something = false;
    // A step without common divisors hits heads, bodies and ends of records.
    for length in (synced_length..=full_length).step_by(7) {
        let torn = directory.path().join(format!("torn-{length}"));
        copy(&image, &torn);
        OpenOptions::new().write(true).open(newest_wal(&torn)).unwrap().set_len(length).unwrap();
        let (mut after, recovered) = LogStore::open(&torn).unwrap();
        let entries = after.try_get_log_entries(..).await.unwrap();
        let expected: Vec<_> = (0..entries.len() as u64).map(|index| log_id(1, index)).collect();
        assert_eq!(entries.iter().map(|entry| entry.log_id).collect::<Vec<_>>(), expected);
        assert!(entries.len() as u64 >= SYNCED, "cut at {length} of {full_length}: {} entries", entries.len());
        assert_eq!(recovered.last, expected.last().copied());
        lost_something |= (entries.len() as u64) < SYNCED + 4;
        // The log goes on after the tear.
        after.blocking_append([request(3, entries.len() as u64, 0)]).await.unwrap();
        after.close().await;
    }
    assert!(lost_something, "the cuts reached into unsynced entries");
}

#[tokio::test]
async fn damage_amid_synced_entries_is_refused_not_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let running = directory.path().join("running");
    let (mut store, _) = LogStore::open(&running).unwrap();
    for index in 0..50 {
        store.blocking_append([request(1, index, u128::MAX)]).await.unwrap();
    }
    let image = directory.path().join("image");
    copy(&running, &image);
    store.close().await;
    let wal = newest_wal(&image);
    let mut bytes = fs::read(&wal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&wal, bytes).unwrap();
    let error = LogStore::open(&image).err().unwrap().to_string();
    assert!(error.contains("is damaged") && error.contains("restore the data directory from a backup"), "{error}");
}

fn newest_wal(directory: &Path) -> PathBuf {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "log")).max().unwrap()
}
