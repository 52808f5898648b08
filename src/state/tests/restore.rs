//! A saved state put in the place of another one.

use std::sync::Arc;

use sha2::Digest as _;

use crate::model::security::{Authority, ClusterSecurity, SecurityChange};
use crate::model::{JobKey, JobType, NodeId, fixtures};
use crate::state::command::Request;
use crate::state::{Command, Rejection, Reply, State, Table, snapshot};
use crate::util::clock::Timestamp;

fn apply(state: &mut State, id: u128, command: Command) -> Result<Reply, Rejection> {
    // As the state machine does: the log has no holes.
    let index = state.index_of_entry(state.log_index() + 1);
    state.apply(index, &Request { id, command }).0
}

fn register(state: &mut State, id: &str) {
    let job = Arc::new(fixtures::job(id, JobType::Service, 1));
    let command = Command::RegisterJob { job, submission: None, enforce_index: None, evaluation: None, at: Timestamp(1) };
    apply(state, 0, command).unwrap();
}

fn stage(state: &mut State, restore: u128, bytes: &[u8]) -> Command {
    for (part, piece) in (0..).zip(bytes.chunks(100)) {
        apply(state, 0, Command::StageRestore { restore, part, bytes: Arc::new(piece.to_vec()) }).unwrap();
    }
    Command::Restore { restore, digest: sha2::Sha256::digest(bytes).into() }
}

/// A cluster with a long past, and its archive.
fn saved() -> Vec<u8> {
    let mut old = State::default();
    for _ in 0..500 {
        apply(&mut old, 0, Command::Noop).unwrap();
    }
    apply(&mut old, 0, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at: Timestamp(1) }).unwrap();
    register(&mut old, "old");
    snapshot::encode(&old.for_safekeeping()).unwrap()
}

#[test]
fn a_fresh_cluster_takes_over_an_old_ones_state_and_its_indexes_go_on() {
    let bytes = saved();
    let mut state = State::default();
    let authority = Authority { certificate: vec![1], sealed_key: vec![2] };
    let security = ClusterSecurity { authorities: vec![authority], ..ClusterSecurity::default() };
    apply(&mut state, 0, Command::ChangeSecurity { change: SecurityChange::Initialize(Box::new(security)) }).unwrap();
    register(&mut state, "new");
    let restore = stage(&mut state, 7, &bytes);
    let log_index = state.log_index();
    let reply = apply(&mut state, 9, restore.clone()).unwrap();

    assert_eq!((state.index(), state.log_index(), reply.index), (503, log_index + 1, 503), "one more than the old cluster's 502");
    assert!(state.job(&JobKey::new("default", "old")).is_some() && state.job(&JobKey::new("default", "new")).is_none());
    assert!(state.security().is_initialized(), "who is trusted stays");
    assert_eq!(state.last_collection(NodeId(1)), 503, "nodes take their whole slice");
    assert_eq!(Table::ALL.map(|table| state.table_index(table)), [503; Table::COUNT]);
    // Asked for again, it is carried out once.
    register(&mut state, "after");
    assert_eq!(apply(&mut state, 9, restore).unwrap().index, 503);
    assert_eq!(state.index(), 505);
    let after = state.job(&JobKey::new("default", "after")).unwrap();
    assert_eq!(after.job_modify_index, 504);

    // All of it outlives a restart.
    let encoded = snapshot::encode(&state).unwrap();
    let again = snapshot::decode(&encoded).unwrap();
    assert_eq!((again.index(), again.log_index()), (state.index(), state.log_index()));
    assert_eq!(snapshot::encode(&again).unwrap(), encoded);
}

#[test]
fn half_a_restore_outlives_a_restart_and_is_in_no_archive() {
    let bytes = saved();
    let mut state = State::default();
    let restore = stage(&mut state, 7, &bytes);
    let mut again = snapshot::decode(&snapshot::encode(&state).unwrap()).unwrap();
    for replica in [&mut state, &mut again] {
        apply(replica, 0, restore.clone()).unwrap();
    }
    assert_eq!(snapshot::encode(&state).unwrap(), snapshot::encode(&again).unwrap());
    assert!(bytes.len() > snapshot::encode(&State::default()).unwrap().len());
    let staged = {
        let mut state = State::default();
        stage(&mut state, 8, &bytes);
        state
    };
    assert_eq!(staged.for_safekeeping().staged_restore.parts().count(), 0);
}

#[test]
fn what_is_no_state_or_not_whole_changes_nothing() {
    let bytes = saved();
    let mut state = State::default();
    register(&mut state, "new");
    let command = stage(&mut state, 7, &bytes);
    // Another one begins in between.
    stage(&mut state, 8, &bytes);
    assert_eq!(apply(&mut state, 0, command), Err(Rejection::RestoreSuperseded));
    let hole = Command::StageRestore { restore: 8, part: 99, bytes: Arc::new(Vec::new()) };
    assert_eq!(apply(&mut state, 0, hole), Err(Rejection::RestoreSuperseded));
    assert!(matches!(apply(&mut state, 0, Command::Restore { restore: 8, digest: [0; 32] }), Err(Rejection::BadSnapshot(_))));
    let nonsense = stage(&mut state, 9, b"no state at all");
    assert!(matches!(apply(&mut state, 0, nonsense), Err(Rejection::BadSnapshot(_))));
    assert!(state.job(&JobKey::new("default", "new")).is_some());
    assert_eq!(state.index(), state.log_index());
}
