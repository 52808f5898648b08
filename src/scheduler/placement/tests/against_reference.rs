//! Every pick is the best that there was, and nothing is missed.

use proptest::prelude::*;

use super::super::reference::Reference;
use super::*;

/// The packing table is off by so much at most.
const ROUNDING: f64 = 1e-5;

#[derive(Clone, Debug)]
struct Shape {
    nodes: Vec<NodeShape>,
    cpu: u64,
    memory: u64,
    count: u32,
    spread_algorithm: bool,
    anti_affinity: bool,
    distinct_hosts: bool,
    distinct_limit: Option<u32>,
    spreads: u8,
}

#[derive(Clone, Debug)]
struct NodeShape {
    cpu: u64,
    memory: u64,
    used: u64,
    rack: u32,
    row: u32,
    collisions: u32,
    affinity: i8,
}

fn shape() -> impl Strategy<Value = Shape> {
    let node = (0u64..9, 0u64..9, 0u64..5, 0u32..5, 0u32..3, 0u32..3, -2i8..3);
    let node = node.prop_map(|(cpu, memory, used, rack, row, collisions, affinity)| NodeShape {
        cpu: cpu * 1000,
        memory: memory * 1000,
        used: used * 200,
        rack,
        row,
        collisions,
        affinity,
    });
    let rules = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), prop::option::weighted(0.3, 1u32..4), 0u8..4);
    (prop::collection::vec(node, 0..14), 0u64..9, 0u64..9, 1u32..60, rules).prop_map(|(nodes, cpu, memory, count, rules)| {
        let (spread_algorithm, anti_affinity, distinct_hosts, distinct_limit, spreads) = rules;
        let (cpu, memory) = (cpu * 125, (memory * 125).max(1));
        Shape { nodes, cpu, memory, count, spread_algorithm, anti_affinity, distinct_hosts, distinct_limit, spreads }
    })
}

fn build(shape: &Shape) -> (Fleet, Demand) {
    let nodes: Vec<(Node, Ask)> = (1u128..)
        .zip(&shape.nodes)
        .map(|(id, node)| (sized(id, node.cpu, node.memory), ask(node.used.min(node.cpu), node.used.min(node.memory))))
        .collect();
    let fleet = fleet(&nodes);
    let mut demand = demand(&fleet, ask(shape.cpu, shape.memory), shape.count);
    if shape.spread_algorithm {
        demand.algorithm = SchedulerAlgorithm::Spread;
    }
    demand.anti_affinity = shape.anti_affinity;
    demand.distinct_hosts = shape.distinct_hosts;
    for (candidate, node) in demand.candidates.iter_mut().zip(&shape.nodes) {
        candidate.collisions = node.collisions;
        candidate.affinity = f64::from(node.affinity) / 2.0;
    }
    // The last rack and row are nodes that lack the attribute.
    let racks: Vec<u32> = shape.nodes.iter().map(|node| if node.rack == 4 { NO_VALUE } else { node.rack }).collect();
    let rows: Vec<u32> = shape.nodes.iter().map(|node| if node.row == 2 { NO_VALUE } else { node.row }).collect();
    if let Some(limit) = shape.distinct_limit {
        demand.distinct.push(DistinctAxis { values: racks.clone(), used: vec![0, 1, 0, 0], limit });
    }
    if shape.spreads & 1 != 0 {
        demand.spreads.push(SpreadAxis { values: racks, used: vec![0, 2, 0, 1], goal: SpreadGoal::Even });
    }
    if shape.spreads & 2 != 0 {
        let wanted = vec![Some(f64::from(shape.count) * 0.7), Some(f64::from(shape.count) * 0.3)];
        demand.spreads.push(SpreadAxis { values: rows, used: vec![0, 1], goal: SpreadGoal::Targets { wanted, weight_share: 0.5 } });
    }
    (fleet, demand)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pick_is_the_best_there_was(shape in shape()) {
        let (mut fleet, demand) = build(&shape);
        let mut reference = Reference::new(&fleet, &demand);
        let start = fleet.checkpoint();
        let picks = place(&mut fleet, &demand, shape.count);
        for pick in &picks {
            let slot = demand.candidates.iter().position(|candidate| candidate.ord == pick.ord).unwrap();
            for _ in 0..pick.count {
                let score = reference.score(slot);
                prop_assert!(score.is_some(), "node {slot} may take no more");
                let best = reference.best().map_or(f64::NEG_INFINITY, |(_, score)| score);
                prop_assert!(score.unwrap() >= best - ROUNDING, "{:?} on {slot} where {best} was to be had", score);
                reference.take(slot);
            }
        }
        let missing = u64::from(shape.count) - placed(&picks);
        prop_assert!(missing == 0 || reference.best().is_none(), "{missing} missed: {:?}", reference.best());

        // The same once more, after everything was given back.
        fleet.roll_back(start);
        prop_assert_eq!(place(&mut fleet, &demand, shape.count), picks, "equal input, equal plan");
        for ord in fleet.placeable() {
            let (cpu, memory, disk) = fleet.free(ord);
            prop_assert!(cpu >= 0 && memory >= 0 && disk >= 0, "oversubscribed");
        }
    }

    #[test]
    fn equal_tasks_score_as_much_as_with_the_reference(nodes in prop::collection::vec((1u64..9, 1u64..9), 1..12), cpu in 1u64..9, memory in 1u64..9, count in 1u32..80) {
        let nodes: Vec<_> = (1u128..).zip(nodes).map(|(id, (cpu, memory))| (sized(id, cpu * 1000, memory * 1000), Ask::default())).collect();
        let mut fleet = fleet(&nodes);
        for anti_affinity in [false, true] {
            let demand = Demand { anti_affinity, ..demand(&fleet, ask(cpu * 125, memory * 125), count) };
            let mut replay = Reference::new(&fleet, &demand);
            let (number, sum) = Reference::new(&fleet, &demand).place(count);
            let start = fleet.checkpoint();
            let picks = place(&mut fleet, &demand, count);
            fleet.roll_back(start);
            prop_assert_eq!(placed(&picks), u64::from(number));
            let mut total = 0.0;
            for pick in picks {
                for _ in 0..pick.count {
                    total += replay.score(pick.ord.at()).unwrap();
                    replay.take(pick.ord.at());
                }
            }
            // Near-ties may fall the other way by rounding; the quality may not differ.
            prop_assert!((total - sum).abs() < 1e-3 * f64::from(count), "{} {}", total, sum);
        }
    }
}
