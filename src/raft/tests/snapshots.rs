//! Snapshots of a running server, the log that goes with them, and starting from both.

use std::fs;
use std::path::Path;

use super::super::{Raft, RaftConfig, RaftError, SnapshotThresholds};
use super::{bytes, mark, open};
use crate::state::Table;

async fn propose(raft: &Raft, count: usize) -> u64 {
    let mut last = 0;
    for _ in 0..count {
        last = raft.propose(mark()).await.unwrap().index;
    }
    last
}

fn snapshot_names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory.join("snapshots")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_server_starts_from_its_snapshot_and_the_log_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let raft = open(directory.path()).await;
    let at = propose(&raft, 10).await;
    raft.trigger_snapshot().await.unwrap();
    assert_eq!(raft.status().snapshot, at);
    let last = propose(&raft, 5).await;
    raft.shutdown().await;

    let raft = open(directory.path()).await;
    assert_eq!(raft.status().snapshot, at);
    assert_eq!(raft.store().load().table_index(Table::SchedulerConfig), last);
    raft.shutdown().await;
}

#[tokio::test]
async fn thresholds_trigger_snapshots_and_the_log_is_purged_up_to_the_older_one() {
    let directory = tempfile::tempdir().unwrap();
    let by_entries = SnapshotThresholds { entries: 40, bytes: u64::MAX };
    let by_bytes = SnapshotThresholds { entries: u64::MAX, bytes: 600 };
    for thresholds in [by_entries, by_bytes] {
        let raft = Raft::open(RaftConfig { snapshot: thresholds, ..RaftConfig::new(directory.path()) }).await.unwrap();
        let before = raft.status().snapshot;
        let mut metrics = raft.inner.core.metrics();
        propose(&raft, 200).await;
        raft.inner.core.wait(None).metrics(|metrics| metrics.purged.is_some_and(|id| id.index > before), "purged").await.unwrap();
        let (purged, newest) = {
            use openraft::async_runtime::WatchReceiver;
            let metrics = metrics.borrow_and_update();
            (metrics.purged.unwrap().index, metrics.snapshot.unwrap().index)
        };
        assert!(purged < newest, "the log still reaches the older snapshot");
        raft.shutdown().await;
        assert_eq!(snapshot_names(directory.path()).len(), 2);
    }
    let raft = open(directory.path()).await;
    propose(&raft, 1).await;
    raft.shutdown().await;
}

/// Two snapshots, the log purged up to the first, and more entries after the second.
async fn two_snapshots(directory: &Path) -> Vec<u8> {
    let raft = open(directory).await;
    for _ in 0..2 {
        propose(&raft, 10).await;
        raft.trigger_snapshot().await.unwrap();
    }
    let first: u64 = snapshot_names(directory)[0].split(['-', '.']).nth(1).unwrap().parse().unwrap();
    raft.inner.core.wait(None).metrics(|metrics| metrics.purged.is_some_and(|id| id.index == first), "purged").await.unwrap();
    propose(&raft, 5).await;
    let state = bytes(&raft.store().load());
    raft.shutdown().await;
    state
}

fn damage(path: &Path) {
    let mut content = fs::read(path).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(path, content).unwrap();
}

#[tokio::test]
async fn a_damaged_newest_snapshot_costs_only_a_longer_replay() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole");
    two_snapshots(&whole).await;
    let hurt = directory.path().join("hurt");
    super::copy(&whole, &hurt);
    damage(&hurt.join("snapshots").join(&snapshot_names(&whole)[1]));

    let mut states = Vec::new();
    for data_dir in [&whole, &hurt] {
        let raft = open(data_dir).await;
        states.push(bytes(&raft.store().load()));
        raft.shutdown().await;
    }
    assert!(states[0] == states[1]);
    assert!(snapshot_names(&hurt).iter().any(|name| name.ends_with(".damaged")));
}

#[tokio::test]
async fn without_a_usable_snapshot_a_purged_log_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    two_snapshots(directory.path()).await;
    for name in snapshot_names(directory.path()) {
        damage(&directory.path().join("snapshots").join(name));
    }
    for _ in 0..2 {
        let error = Raft::open(RaftConfig::new(directory.path())).await.err().unwrap();
        assert!(matches!(&error, RaftError::DamagedSnapshot { .. }), "{error}");
    }
}

#[tokio::test]
async fn snapshots_whose_log_is_gone_are_not_built_upon() {
    let directory = tempfile::tempdir().unwrap();
    two_snapshots(directory.path()).await;
    fs::remove_dir_all(directory.path().join("raft")).unwrap();
    let error = Raft::open(RaftConfig::new(directory.path())).await.err().unwrap();
    assert!(matches!(&error, RaftError::MissingLog { .. }), "{error}");
}
