//! The best nodes found through the index and the remembered columns are those that a look at every node finds.

use proptest::prelude::*;

use super::*;
use crate::model::device::{AssignedDevice, DeviceGroup, DeviceInstance, DevicePosition, DeviceShare};
use crate::scheduler::placement::score::fixed;

fn with_devices(mut node: Node, devices: usize) -> Node {
    let instance = |id: usize| DeviceInstance {
        id: id.to_string().into(),
        healthy: true,
        health_description: "".into(),
        pci_bus_id: "".into(),
        numa_node: None,
    };
    let instances = (0..devices).map(instance).collect();
    node.resources.devices = vec![DeviceGroup { kind: "gpu".into(), name: "a".into(), instances, ..DeviceGroup::default() }];
    node
}

fn any_gpu(fleet: &Fleet, count: u16, share: u16) -> DeviceDemand {
    let offers = fleet.classes().representatives().map(|node| match node.resources.devices.is_empty() {
        true => vec![vec![]],
        false => vec![vec![DeviceOffer { group: 0, weight: 0 }]],
    });
    DeviceDemand { needs: vec![DeviceNeed { count, share: DeviceShare(share) }], offers: Arc::new(offers.collect()), affinity_weight: 0 }
}

/// By a look at every node.
fn slowly(fleet: &Fleet, ask: Ask, devices: &DeviceDemand, count: usize) -> Vec<(i64, NodeOrd)> {
    let mut all: Vec<(i64, NodeOrd)> = fleet
        .placeable()
        .filter(|ord| fleet.has_room(*ord, ask))
        .filter_map(|ord| {
            let choice = fleet.choose_devices(ord, devices)?;
            let worth = fleet.worth_of_devices(ord);
            Some((fixed(fleet.packing(ord, ask, devices, Some(&choice), worth, SchedulerAlgorithm::Binpack)), ord))
        })
        .collect();
    all.sort_by_key(|(score, ord)| (std::cmp::Reverse(*score), *ord));
    all.truncate(count);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_shortlist_is_what_a_look_at_every_node_finds(
        nodes in prop::collection::vec((1u64..5, 1u64..5, 0u64..20, 0u64..20), 1..200),
        asks in prop::collection::vec((0u64..2000, 0u64..2000, 1usize..6), 1..40),
    ) {
        let nodes: Vec<_> = (1u128..).zip(nodes).map(|(id, (cpu, memory, used_cpu, used_memory))| {
            let (cpu, memory) = (cpu * 2000, memory * 2000);
            (sized(id, cpu, memory), ask((used_cpu * 400).min(cpu), (used_memory * 400).min(memory)))
        }).collect();
        let mut fleet = fleet(&nodes);
        let nothing = DeviceDemand::default();
        let start = fleet.checkpoint();
        for (number, (cpu, memory, count)) in asks.into_iter().enumerate() {
            let ask = ask(cpu, memory);
            let found = fleet.best_for(ask, &nothing, count, &|_| true);
            prop_assert_eq!(&found, &slowly(&fleet, ask, &nothing, count));
            if let Some((_, ord)) = found.first() {
                fleet.take(*ord, Grant { ask, ..Grant::default() }, 1).unwrap();
            }
            if number % 7 == 6 {
                fleet.roll_back(start);
            }
        }
    }

    #[test]
    fn a_shortlist_with_devices_is_what_a_look_at_every_node_finds(
        nodes in prop::collection::vec((1u64..5, 1u64..5, 0usize..5), 1..40),
        asks in prop::collection::vec((0u64..4, 0u64..4, 0u16..3, 1u16..11), 1..60),
    ) {
        let nodes: Vec<Node> = (1u128..).zip(nodes).map(|(id, (cpu, memory, devices))| {
            let node = sized(id, cpu * 2000, memory * 2000);
            if devices == 0 { node } else { with_devices(node, devices) }
        }).collect();
        let mut fleet = Fleet::default();
        let mut running: Vec<Vec<Arc<Allocation>>> = vec![Vec::new(); nodes.len()];
        for node in &nodes {
            fleet.set(&Arc::new(node.clone()), &[]);
        }
        for (cpu, memory, count, share) in asks {
            let ask = ask(cpu * 300, memory * 300);
            let devices = match count {
                0 => DeviceDemand::default(),
                1 => any_gpu(&fleet, 1, share * 100),
                _ => any_gpu(&fleet, count, 1000),
            };
            let found = fleet.best_for(ask, &devices, 3, &|_| true);
            prop_assert_eq!(&found, &slowly(&fleet, ask, &devices, 3));
            let Some((_, ord)) = found.first().copied() else {
                continue;
            };
            let choice = fleet.choose_devices(ord, &devices).unwrap();
            let assigned = |(need, DevicePosition(position)): &(usize, DevicePosition)| AssignedDevice {
                task: "main".into(),
                vendor: "".into(),
                kind: "gpu".into(),
                name: "a".into(),
                instance: position.to_string().into(),
                share: devices.needs[*need].share,
            };
            let node = &nodes[ord.at()];
            let mut allocation = (*holding(node.id.0, ask)).clone();
            allocation.devices = choice.devices.iter().map(assigned).collect();
            running[ord.at()].push(Arc::new(allocation));
            fleet.set(&Arc::new(node.clone()), &running[ord.at()]);
        }
    }
}

#[test]
fn work_without_devices_goes_where_no_device_is_lost() {
    let mut fleet = Fleet::default();
    let plain = sized(1, 4000, 4000);
    let beside = with_devices(sized(2, 4000, 4000), 1);
    let mut allocation = (*holding(2, ask(1000, 1000))).clone();
    allocation.devices = vec![AssignedDevice {
        task: "main".into(),
        vendor: "".into(),
        kind: "gpu".into(),
        name: "a".into(),
        instance: "0".into(),
        share: DeviceShare(500),
    }]
    .into();
    fleet.set(&Arc::new(plain), &[]);
    fleet.set(&Arc::new(beside), &[Arc::new(allocation)]);
    let nothing = DeviceDemand::default();
    let order: Vec<u32> = fleet.best_for(ask(1000, 1000), &nothing, 2, &|_| true).into_iter().map(|(_, ord)| ord.0).collect();
    assert_eq!(order, [0, 1], "the fuller node has half a device left, and room for whoever wants it");
    let half = any_gpu(&fleet, 1, 500);
    let order: Vec<u32> = fleet.best_for(ask(1000, 1000), &half, 2, &|_| true).into_iter().map(|(_, ord)| ord.0).collect();
    assert_eq!(order, [1]);
}
