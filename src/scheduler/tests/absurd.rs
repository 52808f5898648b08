//! Fleets and jobs that nobody should have get their answer, with reasons, and soon.

use super::*;
use crate::model::{MebiBytes, MegaHertz, Spread};

#[test]
fn no_nodes_and_one_node() {
    let mut state = FakeState::new(0);
    let registered = state.register(job("j", 3));
    let plan = plan_for(&mut state, &registered);
    assert_eq!(placed(&plan), 0);
    let failed = &plan.evaluations.iter().find(|e| !e.failed_groups.is_empty()).unwrap().failed_groups["web"];
    assert_eq!((failed.nodes_evaluated, failed.coalesced_failures), (0, 2));

    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 3));
    assert_eq!(placed(&plan_for(&mut state, &registered)), 3);
}

#[test]
fn a_billion_tasks_fill_the_fleet_and_the_rest_waits() {
    let mut state = FakeState::new(3);
    let registered = state.register(job("j", 1_000_000_000));
    let plan = plan_for(&mut state, &registered);
    assert_eq!(placed(&plan), 24, "eight on each");
    let ended = plan.evaluations.iter().find(|e| e.queued.get("web").is_some_and(|queued| *queued > 0)).unwrap();
    assert_eq!(ended.queued["web"], 999_999_976);
}

#[test]
fn nodes_without_anything_and_attributes_that_nobody_has() {
    let mut state = FakeState::new(3);
    for id in 1..=2 {
        state.edit_node(id, |node| {
            node.resources.cpu = MegaHertz(0);
            node.resources.memory = MebiBytes(0);
            node.resources.disk = MebiBytes(0);
        });
    }
    let mut wanted = job("j", 4);
    wanted.groups[0].spreads.push(Spread { attribute: "${meta.nowhere}".into(), weight: 50, targets: vec![] });
    let registered = state.register(wanted);
    assert_eq!(placed(&plan_for(&mut state, &registered)), 4, "all on the third");
}
