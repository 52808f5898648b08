//! What survives of the journal.

use super::*;
use crate::model::{TaskRunState, TaskState};
use crate::node::testing;

fn record(run_dir: &str) -> TaskRecord {
    let state = TaskState { state: TaskRunState::Running, ..TaskState::default() };
    TaskRecord { state, run_dir: Some(run_dir.into()), ..TaskRecord::default() }
}

#[tokio::test]
async fn keeps_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (testing::assignment("web"), testing::assignment("db"));
    {
        let (journal, found) = Journal::open(dir.path().join("journal")).await.unwrap();
        assert!(found.is_empty());
        journal.put_assignment(&first).await.unwrap();
        journal.put_assignment(&second).await.unwrap();
        journal.put_tasks(first.allocation.id, &[("task".into(), record("/run/1"))]).await.unwrap();
        journal.put_tasks(second.allocation.id, &[("task".into(), record("/run/2"))]).await.unwrap();
        journal.remove(second.allocation.id).await.unwrap();
        journal.close().await;
        assert_eq!(journal.remove(first.allocation.id).await, Err(JournalError::Closed));
    }
    let (journal, found) = Journal::open(dir.path().join("journal")).await.unwrap();
    let tasks = BTreeMap::from([("task".into(), record("/run/1"))]);
    assert_eq!(found, [JournalledAllocation { assignment: first, tasks }]);
    journal.close().await;
}

/// A copy of the files taken while the journal is open is what a crash of the machine would leave.
#[tokio::test]
async fn a_crash_after_the_acknowledgement_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path().join("journal")).await.unwrap();
    let assignment = testing::assignment("web");
    journal.put_assignment(&assignment).await.unwrap();
    journal.put_tasks(assignment.allocation.id, &[("task".into(), record("/run/1"))]).await.unwrap();
    let copy = dir.path().join("after-crash");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(dir.path().join("journal")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let (recovered, found) = Journal::open(copy).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tasks["task"], record("/run/1"));
    recovered.close().await;
    journal.close().await;
}

#[tokio::test]
async fn many_writers_are_all_answered() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path().join("journal")).await.unwrap();
    let assignments: Vec<_> = (0..200).map(|n| testing::assignment(&format!("job-{n}"))).collect();
    let writes = assignments.iter().map(|assignment| journal.put_assignment(assignment));
    for result in futures_util::future::join_all(writes).await {
        result.unwrap();
    }
    journal.close().await;
    let (journal, found) = Journal::open(dir.path().join("journal")).await.unwrap();
    assert_eq!(found.len(), 200);
    journal.close().await;
}

#[tokio::test]
async fn says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let (journal, _) = Journal::open(path.clone()).await.unwrap();
    assert!(matches!(Journal::open(path.clone()).await, Err(JournalError::Locked { .. })));
    journal.close().await;

    {
        let db = DB::open_default(&path).unwrap();
        db.put(assignment_key(AllocId(1)), b"a\x01\x00garbage").unwrap();
    }
    let error = Journal::open(path).await.err().unwrap();
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error}");

    std::fs::write(dir.path().join("file"), "not a directory").unwrap();
    assert!(Journal::open(dir.path().join("file")).await.is_err());
}

/// An idle node writes nothing, and its journal takes little memory and disk.
#[tokio::test]
async fn stays_small_and_quiet() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path().join("journal")).await.unwrap();
    journal.close().await;
    let options = crate::node::testing::rocksdb_options(&dir.path().join("journal"));
    for wanted in [
        "stats_dump_period_sec=0",
        "stats_persist_period_sec=0",
        "write_buffer_size=4194304",
        "keep_log_file_num=2",
        "max_log_file_size=1048576",
    ] {
        assert!(options.lines().any(|line| line.trim() == wanted), "{wanted} is not among\n{options}");
    }
}
