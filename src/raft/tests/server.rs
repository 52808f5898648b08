//! A server of one: proposing, reading, restarting, failing.

use std::io;

use super::super::log_store::device::Recovered;
use super::super::log_store::tests::memory_store;
use super::super::{Consistency, ProposeError, Raft, RaftConfig, RaftError, ReadError};
use super::{bytes, mark, open};
use crate::state::command::Request;
use crate::state::{Command, Rejection};

#[tokio::test]
async fn a_new_directory_becomes_a_leader_that_carries_out_proposals() {
    let directory = tempfile::tempdir().unwrap();
    let raft = open(directory.path()).await;
    assert!(raft.is_leader());
    let reply = raft.propose(mark()).await.unwrap();
    assert_eq!(raft.store().load().index(), reply.index);
    raft.read_barrier(Consistency::Lease).await.unwrap();
    let status = raft.status();
    assert_eq!(status.leader, Some(status.id));
    assert_eq!(status.applied, reply.index);
    assert!(status.id != 0 && status.term > 0 && status.last_log >= reply.index);

    let stale = Command::SetSchedulerConfig { config: Default::default(), check_index: Some(1) };
    let rejected = raft.propose(stale).await.unwrap_err();
    assert!(matches!(rejected, ProposeError::Rejected(Rejection::SchedulerConfigConflict { expected: 1, .. })), "{rejected}");
    raft.shutdown().await;
}

#[tokio::test]
async fn a_restart_finds_the_same_state_and_goes_on_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let (status, last, state) = {
        let raft = open(directory.path()).await;
        let mut last = 0;
        for _ in 0..20 {
            last = raft.propose(mark()).await.unwrap().index;
        }
        let state = raft.store().load();
        raft.shutdown().await;
        (raft.status(), last, state)
    };
    let raft = open(directory.path()).await;
    assert_eq!(raft.status().id, status.id);
    assert!(raft.status().term > status.term, "a new term, so no log id is ever used for two entries");
    assert_eq!(raft.store().load().scheduler_config(), state.scheduler_config());
    // The new leader's own first entry is the only difference.
    assert_eq!(raft.store().load().index(), last + 1);
    assert_eq!(raft.propose(mark()).await.unwrap().index, last + 2);
    raft.shutdown().await;
}

#[tokio::test]
async fn a_retried_request_is_carried_out_once_also_across_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let request = Request { id: 77, command: mark() };
    let raft = open(directory.path()).await;
    let first = raft.propose_request(request.clone()).await.unwrap();
    raft.shutdown().await;
    let raft = open(directory.path()).await;
    let before = bytes(&raft.store().load());
    assert_eq!(raft.propose_request(request).await.unwrap(), first);
    assert_ne!(bytes(&raft.store().load()), before, "the entry itself has an index");
    assert_eq!(raft.store().load().table_index(crate::state::Table::SchedulerConfig), first.index);
    raft.shutdown().await;
}

#[tokio::test]
async fn proposals_in_parallel_get_indexes_of_their_own_and_one_publication_per_batch() {
    let directory = tempfile::tempdir().unwrap();
    let raft = open(directory.path()).await;
    let mut feed = raft.store().subscribe();
    let proposals = (0..500).map(|_| {
        let raft = raft.clone();
        tokio::spawn(async move { raft.propose(mark()).await.unwrap().index })
    });
    let mut indexes = Vec::new();
    for proposal in proposals.collect::<Vec<_>>() {
        indexes.push(proposal.await.unwrap());
    }
    indexes.sort_unstable();
    indexes.dedup();
    assert_eq!(indexes.len(), 500);
    raft.shutdown().await;
    let mut fed = Vec::new();
    while let Ok(publication) = feed.try_recv() {
        assert!(!publication.replaced);
        fed.extend(publication.changes.iter().map(|changes| changes.index));
    }
    assert_eq!(fed, indexes, "every change once and in order");
}

#[tokio::test]
async fn a_directory_serves_one_server_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let raft = open(directory.path()).await;
    let second = Raft::open(RaftConfig::new(directory.path())).await.err().unwrap();
    assert!(matches!(&second, RaftError::Locked { .. }), "{second}");
    assert!(second.to_string().starts_with("another agent runs on the data directory"));
    // The first one is none the worse.
    raft.propose(mark()).await.unwrap();
    raft.shutdown().await;
    open(directory.path()).await.shutdown().await;
}

#[tokio::test]
async fn after_a_shutdown_everybody_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let raft = open(directory.path()).await;
    let mut leads = raft.watch_leader();
    raft.shutdown().await;
    assert!(!*leads.wait_for(|leads| !leads).await.unwrap());
    assert_eq!(raft.propose(mark()).await.unwrap_err(), ProposeError::ShuttingDown);
    assert_eq!(raft.read_barrier(Consistency::Lease).await.unwrap_err(), ReadError::ShuttingDown);
    let fatal = raft.fatal();
    tokio::pin!(fatal);
    assert!(futures_util::poll!(fatal).is_pending(), "an orderly end is nothing fatal");
}

#[tokio::test]
async fn a_request_too_large_is_its_authors_error_alone() {
    let directory = tempfile::tempdir().unwrap();
    let raft = open(directory.path()).await;
    let huge = vec![crate::model::EvalId(u128::MAX); 3 << 20];
    let command = Command::CollectGarbage { collected: crate::state::command::Collected { evaluations: huge, ..Default::default() } };
    assert!(matches!(raft.propose(command).await, Err(ProposeError::TooLarge { .. })));
    raft.propose(mark()).await.unwrap();
    raft.shutdown().await;
}

#[tokio::test]
async fn a_full_disk_stops_the_server_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let (log, memory) = memory_store();
    let recovered = Recovered { id: 1, fresh: true, ..Recovered::default() };
    let raft = Raft::start(RaftConfig::new(directory.path()), log, recovered).await.unwrap();
    raft.propose(mark()).await.unwrap();
    let before = raft.store().load().index();
    memory.fail(io::ErrorKind::StorageFull);
    let error = raft.propose(mark()).await.unwrap_err();
    assert!(matches!(&error, ProposeError::Fatal(_)), "{error:?}");
    let reason = raft.fatal().await;
    assert!(reason.contains("cannot write the log: no storage space"), "{reason}");
    assert_eq!(raft.store().load().index(), before, "what is not durable is not shown");
    let mut leads = raft.watch_leader();
    assert!(!*leads.wait_for(|leads| !leads).await.unwrap());
    raft.shutdown().await;
}
