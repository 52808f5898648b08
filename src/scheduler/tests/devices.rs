//! Devices from the job's ask to the allocation.

use std::collections::BTreeMap;

use super::*;
use crate::model::{Affinity, DeviceAsk, DeviceGroup, DeviceInstance, DeviceShare, Operand};
use crate::scheduler::testing::constraint;

fn cards(model: &str, memory: &str, count: usize) -> DeviceGroup {
    DeviceGroup {
        vendor: "nvidia".into(),
        kind: "gpu".into(),
        name: model.into(),
        attributes: [("memory".into(), memory.into())].into(),
        instances: (0..count)
            .map(|id| DeviceInstance {
                id: format!("{model}-{id}").into(),
                healthy: true,
                health_description: "".into(),
                pci_bus_id: "".into(),
                numa_node: None,
            })
            .collect(),
    }
}

/// Node 1 has two T4, node 2 four A100, node 3 none.
fn fleet() -> FakeState {
    let mut state = FakeState::new(3);
    state.edit_node(1, |node| node.resources.devices = vec![cards("T4", "15 GiB", 2)]);
    state.edit_node(2, |node| node.resources.devices = vec![cards("A100", "40 GiB", 4)]);
    state
}

fn asking(id: &str, count: u32, ask: DeviceAsk) -> Job {
    let mut job = job(id, count);
    job.groups[0].tasks[0].resources.cpu = crate::model::MegaHertz(10);
    job.groups[0].tasks[0].resources.devices = vec![ask];
    job
}

fn gpu(name: &str, count: u64, share: u16) -> DeviceAsk {
    DeviceAsk { name: name.into(), count, share: DeviceShare(share), ..DeviceAsk::default() }
}

/// Thousandths in use, by instance.
fn in_use(state: &FakeState) -> BTreeMap<String, u16> {
    let mut used = BTreeMap::new();
    for allocation in state.allocations.values().filter(|allocation| !allocation.is_terminal()) {
        for device in &allocation.devices {
            *used.entry(device.instance.to_string()).or_default() += device.share.0;
        }
    }
    used
}

#[test]
fn as_many_instances_as_there_are_devices_for() {
    let model = |right: &str| DeviceAsk { constraints: vec![constraint("${device.model}", "=", right)], ..gpu("gpu", 1, 1000) };
    let memory = DeviceAsk { constraints: vec![constraint("${device.attr.memory}", ">=", "20 GiB")], ..gpu("gpu", 1, 1000) };
    for (name, ask, placed_of_20) in [
        ("whole cards of any kind", gpu("gpu", 1, 1000), 6),
        ("two at a time, of one kind", gpu("nvidia/gpu", 2, 1000), 3),
        ("three at a time", gpu("nvidia/gpu", 3, 1000), 1),
        ("of one model by name", gpu("nvidia/gpu/T4", 1, 1000), 2),
        ("of one model by constraint", model("A100"), 4),
        ("with enough memory", memory, 4),
        ("halves", gpu("nvidia/gpu/T4", 1, 500), 4),
        ("thirds leave a rest", gpu("nvidia/gpu/T4", 1, 333), 6),
        ("more than half is as good as all", gpu("nvidia/gpu/T4", 1, 501), 2),
        ("shares of two cards at once", gpu("nvidia/gpu/T4", 2, 250), 4),
        ("another type", gpu("fpga", 1, 1000), 0),
        ("more than any node has", gpu("gpu", 5, 1000), 0),
    ] {
        let mut state = fleet();
        let registered = state.register(asking("j", 20, ask));
        assert_eq!(placed(&run(&mut state, &registered)), placed_of_20, "{name}");
        assert!(in_use(&state).values().all(|share| *share <= 1000), "{name}: {:?}", in_use(&state));
    }
}

#[test]
fn a_node_without_is_filtered_and_a_node_with_none_left_is_exhausted() {
    let mut state = fleet();
    let registered = state.register(asking("j", 7, gpu("nvidia/gpu", 1, 1000)));
    run(&mut state, &registered);
    let metrics = &blocked(&state)[0].failed_groups["web"];
    assert_eq!(metrics.constraint_filtered["missing devices"], 1);
    assert_eq!(metrics.dimension_exhausted["devices: no devices match request"], 2);

    // An instance ends: its card is given to the one that waits.
    let first = state.live(&registered.key)[0].id;
    state.edit(first, |allocation| allocation.client_status = crate::model::AllocClientStatus::Failed);
    assert_eq!(placed(&run(&mut state, &registered)), 1);
    assert_eq!(in_use(&state).len(), 6);
}

#[test]
fn shares_fill_one_card_before_they_open_another() {
    let mut state = fleet();
    let shares = state.register(asking("shares", 4, gpu("nvidia/gpu/A100", 1, 250)));
    run(&mut state, &shares);
    assert_eq!(in_use(&state), BTreeMap::from([("A100-0".to_owned(), 1000)]));
    let whole = state.register(asking("whole", 1, gpu("nvidia/gpu/A100", 3, 1000)));
    assert_eq!(placed(&run(&mut state, &whole)), 1);
}

#[test]
fn the_liked_model_is_taken_while_there_is_one() {
    let mut state = fleet();
    let like = Affinity { left: "${device.model}".into(), operand: Operand::Equal, right: "T4".into(), weight: 100 };
    let ask = DeviceAsk { affinities: vec![like], ..gpu("gpu", 1, 1000) };
    let registered = state.register(asking("j", 2, ask));
    let plan = run(&mut state, &registered);
    assert_eq!(in_use(&state).into_keys().collect::<Vec<_>>(), ["T4-0", "T4-1"]);
    let best = &plan.placements[0].metrics.scores[0];
    assert!(best.terms.iter().any(|(name, score)| &**name == "devices" && (*score - 1.0).abs() < 1e-9), "{best:?}");
}

#[test]
fn a_sick_card_is_left_alone() {
    let mut state = fleet();
    state.edit_node(1, |node| node.resources.devices[0].instances[0].healthy = false);
    let registered = state.register(asking("j", 2, gpu("nvidia/gpu/T4", 1, 1000)));
    assert_eq!(placed(&run(&mut state, &registered)), 1);
    assert_eq!(in_use(&state).into_keys().collect::<Vec<_>>(), ["T4-1"]);
}

#[test]
fn every_task_has_devices_of_its_own() {
    let mut state = fleet();
    let mut wanted = asking("j", 3, gpu("nvidia/gpu/A100", 1, 1000));
    let mut second = wanted.groups[0].tasks[0].clone();
    second.name = "second".into();
    second.resources.devices = vec![gpu("gpu", 1, 500)];
    wanted.groups[0].tasks.push(second);
    let registered = state.register(wanted);
    assert_eq!(placed(&run(&mut state, &registered)), 2, "a whole card and a half one each, of four");
    for allocation in state.live(&registered.key) {
        let tasks: Vec<_> = allocation.devices.iter().map(|device| (&*device.task, device.share.0)).collect();
        assert_eq!(tasks, [("main", 1000), ("second", 500)]);
    }
}
