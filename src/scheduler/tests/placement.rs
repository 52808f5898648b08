//! Where instances go.

use std::collections::BTreeSet;

use super::*;
use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::model::{Affinity, AllocId, Job, MebiBytes, MegaHertz, NodeId, Operand, Spread, SpreadTarget};
use crate::scheduler::testing::{constraint, group, port};

fn nodes_of(state: &FakeState, job: &Job) -> Vec<u128> {
    state.live(&job.key).iter().map(|allocation| allocation.node_id.0).collect()
}

#[test]
fn constraints_choose_and_explain() {
    let mut state = FakeState::new(4);
    for id in 1..=4 {
        state.edit_node(id, |node| {
            node.class = "big".into();
            node.attributes.insert("kernel.name".into(), if id == 3 { "linux" } else { "darwin" }.into());
        });
    }
    let mut wanted = job("j", 2);
    wanted.constraints.push(constraint("${attr.kernel.name}", "=", "linux"));
    let registered = state.register(wanted.clone());
    run(&mut state, &registered);
    assert_eq!(nodes_of(&state, &registered), [3, 3]);

    wanted.key = crate::model::JobKey::new("default", "nowhere");
    wanted.groups[0].constraints.push(constraint("${node.unique.name}", "=", "node-1"));
    let nowhere = state.register(wanted);
    let plan = run(&mut state, &nowhere);
    let metrics = &plan.evaluations.iter().find(|e| e.status == EvalStatus::Complete).unwrap().failed_groups["web"];
    assert_eq!((metrics.nodes_evaluated, metrics.nodes_filtered), (4, 4));
    assert_eq!(metrics.constraint_filtered["${attr.kernel.name} = linux"], 3);
    assert_eq!(metrics.constraint_filtered["${node.unique.name} = node-1"], 1);
    assert_eq!(metrics.class_filtered["big"], 4);
}

#[test]
fn pools_datacenters_and_drivers_bound_the_choice() {
    let mut state = FakeState::new(4);
    state.edit_node(1, |node| node.pool = "gpu".into());
    state.edit_node(2, |node| node.datacenter = "eu-1".into());
    state.edit_node(3, |node| node.drivers.values_mut().for_each(|driver| driver.healthy = false));
    let wanted = Job { datacenters: vec!["dc1".into(), "eu-*".into(), "us".into()], ..job("j", 20) };
    let registered = state.register(wanted);
    let plan = run(&mut state, &registered);
    assert_eq!(placed(&plan), 16, "nodes 2 and 4");
    let metrics = &blocked(&state)[0].failed_groups["web"];
    assert_eq!(metrics.nodes_in_pool, 3);
    assert_eq!(metrics.constraint_filtered["missing drivers"], 1);
    assert_eq!((metrics.nodes_available["dc1"], metrics.nodes_available["eu-1"], metrics.nodes_available["us"]), (2, 1, 0));
}

#[test]
fn nodes_that_may_take_nothing_are_left_alone() {
    let mut state = FakeState::new(3);
    state.edit_node(1, |node| node.eligibility = crate::model::Eligibility::Ineligible);
    state.edit_node(2, |node| node.status = crate::model::NodeStatus::Initializing);
    let registered = state.register(job("j", 9));
    assert_eq!(placed(&run(&mut state, &registered)), 8);
    assert_eq!(nodes_of(&state, &registered).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([3]));
}

#[test]
fn distinct_hosts_and_properties_hold() {
    let mut state = FakeState::new(6);
    for id in 1..=6 {
        state.edit_node(id, |node| drop(node.meta.insert("rack".into(), format!("r{}", id % 3).into())));
    }
    let mut hosts = job("hosts", 8);
    hosts.constraints.push(constraint("", "distinct_hosts", "true"));
    hosts.groups.push(group("second", 1));
    let hosts = state.register(hosts);
    let plan = run(&mut state, &hosts);
    assert_eq!(placed(&plan), 6);
    assert_eq!(nodes_of(&state, &hosts).into_iter().collect::<BTreeSet<_>>().len(), 6);
    assert_eq!(blocked(&state)[0].failed_groups["web"].constraint_filtered["distinct_hosts"], 6);

    let mut racks = job("racks", 8);
    racks.groups[0].constraints.push(constraint("${meta.rack}", "distinct_property", "2"));
    let racks = state.register(racks);
    assert_eq!(placed(&run(&mut state, &racks)), 6);
    let mut per_rack = [0; 3];
    nodes_of(&state, &racks).iter().for_each(|node| per_rack[(node % 3) as usize] += 1);
    assert_eq!(per_rack, [2, 2, 2]);
    assert_eq!(placed(&run(&mut state, &racks)), 0, "those that run count");
}

#[test]
fn packing_fills_and_spreading_levels() {
    for (algorithm, expected) in [(SchedulerAlgorithm::Binpack, 1), (SchedulerAlgorithm::Spread, 2)] {
        let mut state = FakeState::new(2);
        state.config.algorithm = algorithm;
        let mut first = job("first", 1);
        first.constraints.push(constraint("${node.unique.name}", "=", "node-1"));
        let first = state.register(first);
        run(&mut state, &first);
        let second = state.register(job("second", 1));
        run(&mut state, &second);
        assert_eq!(nodes_of(&state, &second), [expected], "{algorithm:?}");
    }
}

#[test]
fn instances_of_a_group_avoid_each_other() {
    let mut state = FakeState::new(4);
    let registered = state.register(job("j", 4));
    run(&mut state, &registered);
    assert_eq!(nodes_of(&state, &registered).into_iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn affinities_attract_and_are_explained() {
    let mut state = FakeState::new(5);
    state.edit_node(4, |node| drop(node.meta.insert("ssd".into(), "yes".into())));
    let mut wanted = job("j", 1);
    wanted.affinities.push(Affinity { left: "${meta.ssd}".into(), operand: Operand::Equal, right: "yes".into(), weight: 50 });
    let registered = state.register(wanted);
    let plan = run(&mut state, &registered);
    assert_eq!(nodes_of(&state, &registered), [4]);
    let scores = &plan.placements[0].metrics.scores;
    assert_eq!((scores.len(), scores[0].node), (5, NodeId(4)));
    assert!(scores[0].terms.iter().any(|(name, value)| &**name == "node-affinity" && *value == 1.0));
    assert!(scores[0].total > scores[1].total);
}

#[test]
fn spreads_follow_their_targets() {
    let mut state = FakeState::new(10);
    for id in 1..=10 {
        state.edit_node(id, |node| node.datacenter = if id <= 5 { "a" } else { "b" }.into());
    }
    let target = |value: &str, percent| SpreadTarget { value: value.into(), percent };
    let spread = Spread { attribute: "${node.datacenter}".into(), weight: 100, targets: vec![target("a", 70), target("b", 30)] };
    let registered = state.register(Job { spreads: vec![spread.clone()], ..job("targets", 10) });
    run(&mut state, &registered);
    assert_eq!(nodes_of(&state, &registered).iter().filter(|node| **node <= 5).count(), 7);

    let even = Spread { targets: vec![], ..spread };
    let registered = state.register(Job { spreads: vec![even], ..job("even", 10) });
    run(&mut state, &registered);
    assert_eq!(nodes_of(&state, &registered).iter().filter(|node| **node <= 5).count(), 5);
}

#[test]
fn ports_are_assigned_once_per_node() {
    let mut state = FakeState::new(2);
    state.edit_node(2, |node| node.resources.reserved_ports = vec![8080]);
    let mut wanted = job("static", 2);
    wanted.groups[0].networks = vec![port("http", Some(8080))];
    let registered = state.register(wanted);
    let plan = run(&mut state, &registered);
    assert_eq!(placed(&plan), 1);
    assert_eq!(plan.placements[0].runs[0].ports[0].value, 8080);
    let metrics = &blocked(&state)[0].failed_groups["web"];
    assert_eq!(metrics.dimension_exhausted["network: reserved port collision 8080"], 2);

    let mut wanted = job("dynamic", 6);
    wanted.groups[0].networks = vec![port("rpc", None)];
    let registered = state.register(wanted);
    assert_eq!(placed(&run(&mut state, &registered)), 6);
    let ports: BTreeSet<_> = state.live(&registered.key).iter().map(|a| (a.node_id, a.ports[0].value)).collect();
    assert_eq!(ports.len(), 6);
}

#[test]
fn whole_cores_are_given_by_id_with_their_compute() {
    let mut state = FakeState::new(1);
    let mut wanted = job("cores", 3);
    wanted.groups[0].tasks[0].resources.cores = 2;
    wanted.groups[0].tasks[0].resources.cpu = MegaHertz(0);
    let registered = state.register(wanted);
    let plan = run(&mut state, &registered);
    assert_eq!(placed(&plan), 2);
    assert_eq!(plan.placements[0].ask.cpu, MegaHertz(2000));
    let cores: BTreeSet<u16> = state.live(&registered.key).iter().flat_map(|a| a.cores.to_vec()).collect();
    assert_eq!(cores, BTreeSet::from([0, 1, 2, 3]));
}

#[test]
fn what_is_stopped_holds_its_room_until_it_has_ended() {
    let mut state = FakeState::new(1);
    let first = state.register(job("first", 8));
    run(&mut state, &first);
    let ids: Vec<AllocId> = state.allocations.keys().copied().collect();
    state.edit(ids[0], |allocation| allocation.desired_status = crate::model::AllocDesiredStatus::Stop);
    let stopped = state.register(Job { stop: true, ..(*first).clone() });
    let plan = plan_for(&mut state, &stopped);
    state.apply(&plan);
    let second = state.register(job("second", 1));
    assert_eq!(placed(&plan_for(&mut state, &second)), 0);
    state.settle_clients();
    assert_eq!(placed(&plan_for(&mut state, &second)), 1);
}

#[test]
fn runs_are_consecutive_indexes_on_one_node() {
    let mut state = FakeState::new(2);
    state.edit_node(2, |node| node.resources.memory = MebiBytes(0));
    let registered = state.register(job("j", 8));
    let plan = run(&mut state, &registered);
    let runs: Vec<_> = plan.placements.iter().flat_map(|placement| &placement.runs).collect();
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].node, runs[0].first_index, runs[0].count), (NodeId(1), 0, 8));
}

#[test]
fn shared_ports_may_meet_and_others_may_not() {
    let mut state = FakeState::new(1);
    let mut wanted = job("shared", 3);
    wanted.groups[0].networks = vec![port("http", Some(8080))];
    wanted.groups[0].networks[0].ports[0].ignore_collision = true;
    let shared = state.register(wanted.clone());
    assert_eq!(placed(&run(&mut state, &shared)), 3);
    wanted.key = crate::model::JobKey::new("default", "alone");
    wanted.groups[0].networks[0].ports[0].ignore_collision = false;
    let alone = state.register(wanted);
    assert_eq!(placed(&run(&mut state, &alone)), 0);
}

#[test]
fn dynamic_ports_run_out() {
    let mut state = FakeState::new(1);
    state.edit_node(1, |node| node.resources.reserved_ports = (20_000..=31_998).collect());
    let mut wanted = job("dynamic", 3);
    wanted.groups[0].networks = vec![port("rpc", None)];
    let registered = state.register(wanted);
    let plan = run(&mut state, &registered);
    assert_eq!(placed(&plan), 2);
    let metrics = &blocked(&state)[0].failed_groups["web"];
    assert_eq!(metrics.dimension_exhausted["network: no free dynamic port"], 1);
}

#[test]
fn a_pool_is_packed_or_spread_as_it_says() {
    let mut state = FakeState::new(4);
    (3..=4).for_each(|id| state.edit_node(id, |node| node.pool = "wide".into()));
    state.algorithms.insert("wide".into(), SchedulerAlgorithm::Spread);
    for (pool, nodes) in [("default", 1), ("wide", 2)] {
        let wanted = Job { node_pool: pool.into(), job_type: crate::model::JobType::Batch, ..job(pool, 2) };
        let registered = state.register(wanted);
        run(&mut state, &registered);
        assert_eq!(nodes_of(&state, &registered).into_iter().collect::<BTreeSet<_>>().len(), nodes, "{pool}");
    }
}

#[test]
fn cores_lie_on_one_numa_node_where_that_is_asked() {
    use crate::model::{NumaAffinity, NumaAsk, NumaNode};
    // Cores and affinity of an instance, and how many are asked; which cores they get, or what there is too little of.
    for (cores, affinity, count, expected) in [
        (3, NumaAffinity::None, 2, Ok(vec![vec![0, 1, 2], vec![3, 4, 5]])),
        (3, NumaAffinity::Require, 2, Ok(vec![vec![0, 1, 2], vec![4, 5, 6]])),
        (5, NumaAffinity::Prefer, 1, Ok(vec![vec![0, 1, 2, 3, 4]])),
        (5, NumaAffinity::Require, 1, Err("cores: no NUMA node has what is asked")),
        // Nine cores stand for more compute than eight have.
        (9, NumaAffinity::Require, 1, Err("cpu")),
    ] {
        let mut state = FakeState::new(1);
        state.edit_node(1, |node| {
            node.resources.reservable_cores = (0..8).collect();
            node.resources.total_cores = 8;
            node.resources.numa = vec![NumaNode { id: 0, cores: (0..4).collect() }, NumaNode { id: 1, cores: (4..8).collect() }];
        });
        let mut wanted = job("j", count);
        let resources = &mut wanted.groups[0].tasks[0].resources;
        (resources.cpu, resources.cores) = (MegaHertz(0), cores);
        resources.numa = NumaAsk { affinity, devices: Vec::new() };
        let registered = state.register(wanted);
        run(&mut state, &registered);
        let mut given: Vec<Vec<u16>> = state.live(&registered.key).iter().map(|row| row.cores.to_vec()).collect();
        given.sort_unstable();
        match expected {
            Ok(expected) => assert_eq!(given, expected, "{cores} {affinity:?}"),
            Err(dimension) => {
                let metrics = &blocked(&state)[0].failed_groups["web"];
                assert_eq!(metrics.dimension_exhausted.keys().map(|name| &**name).collect::<Vec<_>>(), [dimension], "{cores} {affinity:?}");
            }
        }
    }
}
