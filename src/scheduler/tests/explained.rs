//! What people are told of jobs that wait, and of those that run.

use super::*;
use crate::model::{DeviceAsk, Eligibility, JobKey, MebiBytes, MegaHertz, NodeStatus};
use crate::scheduler::testing::{constraint, node};

/// Nodes 1 and 2 of class `big` (8,192 MiB), node 3 without a class.
fn fleet() -> FakeState {
    let mut state = FakeState::new(3);
    for id in 1..=2 {
        state.edit_node(id, |node| node.class = "big".into());
    }
    state
}

fn asking(memory: u64, count: u32) -> Job {
    let mut job = job("wanted", count);
    job.groups[0].tasks[0].resources.memory = MebiBytes(memory);
    job.groups[0].tasks[0].resources.cpu = MegaHertz(10);
    job
}

/// What is missing as `class xN: what`, and what would help.
fn told(state: &mut FakeState, wanted: Job) -> (Vec<String>, Vec<String>) {
    let registered = state.register(wanted);
    let explanation = crate::scheduler::explain(state, &registered.key, NOW).unwrap();
    let Some(failed) = &explanation.groups[0].failed else { return (vec![], vec![]) };
    // The waiting evaluation and a dry run say the same.
    let plan = plan_for(state, &registered);
    let blocked = plan.evaluations.iter().find(|evaluation| evaluation.status == EvalStatus::Blocked).unwrap();
    assert_eq!((&blocked.failed_groups["web"].missing, &blocked.failed_groups["web"].changes), (&failed.missing, &failed.changes));
    let run = crate::scheduler::dry_run(state, &registered, NOW);
    assert_eq!(run.failed["web"].changes, failed.changes);
    let missing = failed.missing.iter().map(|line| format!("{} x{}: {}", line.class, line.nodes, line.what)).collect();
    (missing, failed.changes.iter().map(ToString::to_string).collect())
}

#[test]
fn a_shortage_says_what_is_free_and_what_would_do() {
    let mut state = fleet();
    state.edit_node(1, |node| node.resources.memory = MebiBytes(3120));
    state.edit_node(2, |node| node.resources.memory = MebiBytes(3000));
    state.edit_node(3, |node| node.resources.memory = MebiBytes(100));
    let (missing, changes) = told(&mut state, asking(4096, 1));
    assert_eq!(missing, ["big x2: memory: largest free 3,120 MiB, asked 4,096 MiB", " x1: memory: largest free 100 MiB, asked 4,096 MiB"]);
    assert_eq!(changes[0], "ask for at most 3,120 MiB of memory instead of 4,096 MiB (3 nodes are short of nothing else)");
    assert!(changes[1].starts_with("a larger node than node-1"), "{changes:?}");

    let mut state = fleet();
    let (_, changes) = told(&mut state, asking(4096, 10));
    assert!(changes.contains(&"2 more nodes of class big like node-1".to_owned()), "{changes:?}");
}

#[test]
fn one_thing_that_is_missing_is_named_and_two_are_no_advice() {
    // (change to the fleet, change to the job, a line of what is missing, what would help)
    type Case = (&'static str, fn(&mut FakeState), fn(&mut Job), &'static str, &'static [&'static str]);
    let cases: [Case; 11] = [
        (
            "a driver",
            |state| (1..=3).for_each(|id| state.edit_node(id, |node| node.drivers.clear())),
            |_| (),
            "big x2: driver.raw_exec",
            &["1 more node with driver.raw_exec (3 lack nothing else)"],
        ),
        (
            "a constraint",
            |state| state.edit_node(3, |node| drop(node.meta.insert("ssd".into(), "no".into()))),
            |job| job.constraints.push(constraint("${meta.ssd}", "=", "yes")),
            " x1: ${meta.ssd} = yes",
            &["without the constraint `${meta.ssd} = yes`: 3 more nodes would do"],
        ),
        (
            "a datacenter",
            |state| (1..=3).for_each(|id| state.edit_node(id, |node| node.datacenter = "eu".into())),
            |job| job.datacenters = vec!["us".into()],
            "big x2: datacenter eu",
            &["add eu to the job's datacenters: 3 more nodes would do"],
        ),
        (
            "a device",
            |_| (),
            |job| job.groups[0].tasks[0].resources.devices = vec![DeviceAsk { name: "gpu".into(), count: 1, ..DeviceAsk::default() }],
            "big x2: device gpu",
            &["1 more node with device gpu (3 lack nothing else)"],
        ),
        (
            "two constraints at once",
            |_| (),
            |job| job.constraints.extend([constraint("${meta.a}", "is_set", ""), constraint("${meta.b}", "is_set", "")]),
            "big x2: ${meta.a} is_set",
            &["a node in pool default and datacenter *"],
        ),
        (
            "a fact of a single node",
            |_| (),
            |job| job.constraints.push(constraint("${node.unique.name}", "=", "nobody")),
            "big x2: ${node.unique.name} = nobody",
            &["without the constraint `${node.unique.name} = nobody`: 3 more nodes would do"],
        ),
        (
            "company",
            |_| (),
            |job| job.constraints.push(constraint("${job.cache}", "is_set", "")),
            "big x2: ${job.cache} is_set",
            &["run cache near one of the 3 nodes that lack nothing else"],
        ),
        (
            "eligibility",
            |state| (1..=3).for_each(|id| state.edit_node(id, |node| node.eligibility = Eligibility::Ineligible)),
            |_| (),
            "",
            &["make eligible again node-1, node-2, node-3"],
        ),
        (
            "nodes that are up",
            |state| (1..=3).for_each(|id| state.edit_node(id, |node| node.status = NodeStatus::Down)),
            |_| (),
            "",
            &["bring back node-1, node-2, node-3"],
        ),
        ("a pool", |_| (), |job| job.node_pool = "gpu".into(), "", &["a node in pool gpu and datacenter *"]),
        (
            "hosts",
            |_| (),
            |job| {
                job.groups[0].count = 4;
                job.constraints.push(constraint("", "distinct_hosts", "true"));
            },
            "big x2: distinct_hosts",
            &["1 more node of class big like node-1", "without the constraint `distinct_hosts`: 3 more nodes would do"],
        ),
    ];
    for (name, edit_fleet, edit_job, line, help) in cases {
        let mut state = fleet();
        edit_fleet(&mut state);
        let mut wanted = asking(100, 1);
        edit_job(&mut wanted);
        let (missing, changes) = told(&mut state, wanted);
        assert!(line.is_empty() || missing.iter().any(|have| have == line), "{name}: {line:?} in {missing:?}");
        assert_eq!(changes, help, "{name}");
    }
}

#[test]
fn what_runs_keeps_why_it_is_there() {
    let mut state = fleet();
    let registered = state.register(asking(100, 2));
    run(&mut state, &registered);
    let explanation = crate::scheduler::explain(&state, &registered.key, NOW).unwrap();
    let group = &explanation.groups[0];
    assert_eq!((group.allocations.len(), group.queued, group.failed.is_none()), (2, 0, true));
    assert!(crate::scheduler::explain(&state, &JobKey::new("default", "unknown"), NOW).is_none());
    // Nobody's fleet is nothing to trip over.
    let mut empty = FakeState::new(0);
    let (missing, changes) = told(&mut empty, asking(100, 1));
    assert_eq!((missing.len(), changes), (0, vec!["a node in pool default and datacenter *".to_owned()]));
    let mut nothing = FakeState::new(0);
    let mut without = node(1);
    without.resources = Default::default();
    nothing.set_node(without);
    let (_, changes) = told(&mut nothing, asking(100, 1));
    assert!(changes[0].starts_with("a larger node than node-1"), "{changes:?}");
}
