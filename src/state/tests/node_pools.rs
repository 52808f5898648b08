//! Node pools: who may be written down, and who may go.

use std::sync::Arc;

use super::*;
use crate::model::node_pool::{NodePool, PoolScheduler};
use crate::model::scheduler_config::{SchedulerAlgorithm, SchedulerConfig};
use crate::model::{Job, JobType, Node, NodeId, fixtures};
use crate::state::Table;
use crate::util::clock::Timestamp;

fn pool(name: &str, algorithm: Option<SchedulerAlgorithm>) -> NodePool {
    let scheduler = PoolScheduler { algorithm, memory_oversubscription: None };
    NodePool { name: name.into(), scheduler, ..NodePool::default() }
}

#[test]
fn pools_come_and_go() {
    let mut state = State::default();
    let apply = |state: &mut State, command: Command| super::apply(state, command).0;
    let upsert = |name: &str, algorithm| Command::UpsertNodePool { pool: Box::new(pool(name, algorithm)) };
    let delete = |name: &str| Command::DeleteNodePool { name: name.into() };
    let in_use = |what: &str| Rejection::NodePoolInUse { name: "gpu".into(), what: what.into() };
    let at = Timestamp(1);

    for name in ["default", "all"] {
        assert_eq!(apply(&mut state, upsert(name, None)).unwrap_err(), Rejection::NodePoolBuiltIn(name.into()));
        assert_eq!(apply(&mut state, delete(name)).unwrap_err(), Rejection::NodePoolBuiltIn(name.into()));
    }
    assert_eq!(apply(&mut state, delete("gpu")).unwrap_err(), Rejection::NodePoolNotFound);
    apply(&mut state, upsert("gpu", None)).unwrap();
    apply(&mut state, upsert("gpu", Some(SchedulerAlgorithm::Spread))).unwrap();
    let row = state.node_pool("gpu").unwrap();
    assert_eq!((row.create_index + 1, row.modify_index), (row.modify_index, state.index()));
    assert_eq!(state.table_index(Table::NodePools), state.index());

    let config = SchedulerConfig::default();
    assert_eq!(config.algorithm_in(Some(row)), SchedulerAlgorithm::Spread);
    assert!(!config.oversubscribes_memory_in(Some(row)));
    assert_eq!(config.algorithm_in(None), SchedulerAlgorithm::Binpack);

    let again = crate::state::snapshot::decode(&crate::state::snapshot::encode(&state).unwrap()).unwrap();
    assert_eq!(again.node_pool("gpu"), state.node_pool("gpu"));

    let node = Node { pool: "gpu".into(), ..fixtures::node(1) };
    apply(&mut state, Command::RegisterNode { node: Box::new(node), evaluations: Vec::new(), at }).unwrap();
    assert_eq!(apply(&mut state, delete("gpu")).unwrap_err(), in_use("nodes"));
    apply(&mut state, Command::PurgeNode { node: NodeId(1), evaluations: Vec::new(), at }).unwrap();
    let job = Arc::new(Job { node_pool: "gpu".into(), ..fixtures::job("j", JobType::Service, 1) });
    let key = job.key.clone();
    apply(&mut state, Command::RegisterJob { job, submission: None, enforce_index: None, evaluation: None, at }).unwrap();
    assert_eq!(apply(&mut state, delete("gpu")).unwrap_err(), in_use("jobs"));
    apply(&mut state, Command::DeregisterJob { key, purge: false, evaluation: None, no_shutdown_delay: false, at }).unwrap();
    apply(&mut state, delete("gpu")).unwrap();
    assert!(state.node_pool("gpu").is_none());
}
