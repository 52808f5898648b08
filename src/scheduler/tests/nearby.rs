//! Jobs that want each other near, or far.

use super::*;
use crate::model::{Affinity, JobKey, NodeId, Operand};
use crate::scheduler::testing::constraint;

/// Six nodes: 1 and 2 in rack a, 3 and 4 in rack b, 5 and 6 in none. `cache` runs twice on node 1 and once on node 3.
fn fleet() -> FakeState {
    let mut state = FakeState::new(6);
    for (id, rack) in [(1, "a"), (2, "a"), (3, "b"), (4, "b")] {
        state.edit_node(id, |node| drop(node.meta.insert("rack".into(), rack.into())));
    }
    let cache = state.register(job("cache", 3));
    for (index, node) in [(0, 1), (1, 1), (2, 3)] {
        let row = testing::allocation(&cache, index, node);
        state.allocations.insert(row.id, Arc::new(row));
    }
    state
}

fn nodes_of(state: &FakeState, key: &JobKey) -> Vec<u128> {
    let mut nodes: Vec<u128> = state.live(key).iter().map(|allocation| allocation.node_id.0).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// The nodes that a job of many instances spreads to under one condition.
fn allowed(left: &str, operand: &str, right: &str) -> Vec<u128> {
    let mut state = fleet();
    let mut wanted = job("web", 100);
    wanted.constraints.push(constraint(left, operand, right));
    let registered = state.register(wanted);
    run(&mut state, &registered);
    nodes_of(&state, &registered.key)
}

#[test]
fn conditions_count_another_jobs_instances() {
    for (left, operand, right, expected) in [
        ("${job.cache}", "is_set", "", &[1, 3][..]),
        ("${job.cache}", "is_not_set", "", &[2, 4, 5, 6]),
        ("${job.cache}", ">=", "2", &[1]),
        ("${job.cache}", "<", "2", &[2, 3, 4, 5, 6]),
        ("${job.cache}", "=", "1", &[3]),
        ("${job.cache}", "!=", "1", &[1, 2, 4, 5, 6]),
        ("${job.cache}", "<=", "0", &[2, 4, 5, 6]),
        ("${job.cache.meta.rack}", "is_set", "", &[1, 2, 3, 4]),
        ("${job.cache.meta.rack}", "is_not_set", "", &[5, 6]),
        ("${job.cache.meta.rack}", ">", "1", &[1, 2]),
        ("${job.cache.node.datacenter}", "is_set", "", &[1, 2, 3, 4, 5, 6]),
        ("${job.cache.node.unique.name}", "is_set", "", &[1, 3]),
        ("${job[\"cache\"].meta.rack}", "=", "1", &[3, 4]),
        ("${job.nobody}", "is_set", "", &[]),
        ("${job.nobody}", "is_not_set", "", &[1, 2, 3, 4, 5, 6]),
    ] {
        assert_eq!(allowed(left, operand, right), expected, "{left} {operand} {right}");
    }
}

#[test]
fn a_job_keeps_its_own_instances_apart() {
    for (left, operand, right, expected) in [
        ("${job.web}", "is_not_set", "", 6),
        ("${job.web}", "<", "2", 12),
        ("${job.web}", "<=", "2", 18),
        ("${job.web.meta.rack}", "is_not_set", "", 2),
        ("${job.web.node.datacenter}", "<", "5", 5),
    ] {
        let mut state = fleet();
        let mut wanted = job("web", 30);
        wanted.groups[0].tasks[0].resources.cpu = crate::model::MegaHertz(10);
        wanted.constraints.push(constraint(left, operand, right));
        let registered = state.register(wanted);
        assert_eq!(placed(&run(&mut state, &registered)), expected, "{left} {operand} {right}");
        assert_eq!(placed(&run(&mut state, &registered)), 0, "those that run count: {left} {operand} {right}");
    }
}

#[test]
fn what_the_same_plan_places_counts_too() {
    let mut state = FakeState::new(3);
    let mut first = Job { priority: 60, ..job("first", 2) };
    first.constraints.push(constraint("${node.unique.name}", "!=", "node-3"));
    first.constraints.push(constraint("", "distinct_hosts", "true"));
    let first = state.register(first);
    let mut second = job("second", 20);
    second.constraints.push(constraint("${job.first}", "is_not_set", ""));
    let second = state.register(second);
    let evaluations = [state.evaluation(&first), state.evaluation(&second)];
    let plan = plan_of(&state, &evaluations, NOW);
    state.apply(&plan);
    assert_eq!((nodes_of(&state, &first.key), nodes_of(&state, &second.key)), (vec![1, 2], vec![3]));

    // A scheduler that lives on follows the instances as they come and go.
    let mut scheduler = Scheduler::new();
    scheduler.observe(&state, &everything());
    let third = Job { key: JobKey::new("default", "third"), ..(*second).clone() };
    let third = state.register(third);
    let evaluation = state.evaluation(&third);
    let nodes = |plan: &Plan| plan.placements.iter().flat_map(|placement| &placement.runs).map(|run| run.node).collect::<Vec<_>>();
    assert_eq!(nodes(&scheduler.process(&state, std::slice::from_ref(&evaluation), 1, NOW)), [] as [NodeId; 0], "node 3 is full");
    let gone = state.live(&first.key)[0].clone();
    state.edit(gone.id, |allocation| allocation.client_status = crate::model::AllocClientStatus::Complete);
    scheduler.observe(&state, &Touched { nodes: vec![gone.node_id], allocations: vec![gone.id], everything: false });
    assert_eq!(nodes(&scheduler.process(&state, &[evaluation], 2, NOW)), [gone.node_id]);
}

#[test]
fn a_wish_colours_the_choice_and_a_condition_is_named_when_it_fails() {
    for (weight, expected) in [(100, 1), (-100, 2)] {
        let mut state = FakeState::new(2);
        let cache = state.register(job("cache", 1));
        let row = testing::allocation(&cache, 0, 1);
        state.allocations.insert(row.id, Arc::new(row));
        let mut wanted = job("web", 1);
        wanted.affinities.push(Affinity { left: "${job.cache}".into(), operand: Operand::IsSet, right: "".into(), weight });
        let registered = state.register(wanted);
        run(&mut state, &registered);
        assert_eq!(nodes_of(&state, &registered.key), [expected], "{weight}");
    }
    let mut state = FakeState::new(1);
    let mut wanted = job("web", 1);
    wanted.constraints.push(constraint("${job.cache}", "is_set", ""));
    let registered = state.register(wanted);
    let plan = plan_for(&mut state, &registered);
    let failed = plan.evaluations.iter().find_map(|evaluation| evaluation.failed_groups.get("web")).unwrap();
    assert_eq!(failed.constraint_filtered["${job.cache} is_set"], 1);
}
