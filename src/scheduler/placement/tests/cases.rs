//! Which node comes first, and with which score: worked out by hand from the published formulas.

use super::*;

/// A candidate of 4,000 MHz and 8,000 MiB.
#[derive(Clone, Copy)]
struct On {
    /// Of both, in percent of the node.
    used: (u64, u64),
    collisions: u32,
    affinity: f64,
    penalised: bool,
}

const fn on(cpu: u64, memory: u64) -> On {
    On { used: (cpu, memory), collisions: 0, affinity: 0.0, penalised: false }
}

const fn beside(collisions: u32, node: On) -> On {
    On { collisions, ..node }
}

const fn liked(affinity: f64, node: On) -> On {
    On { affinity, ..node }
}

const fn failed_on(node: On) -> On {
    On { penalised: true, ..node }
}

/// The first pick for an ask in percent of a node: which of the nodes, and its total.
fn first(nodes: &[On], ask_percent: (u64, u64), algorithm: SchedulerAlgorithm, group_count: u32) -> Option<(usize, f64)> {
    let percent = |(cpu, memory): (u64, u64)| ask(cpu * 40, memory * 80);
    let rows: Vec<(Node, Ask)> = (1u128..).zip(nodes).map(|(id, node)| (sized(id, 4_000, 8_000), percent(node.used))).collect();
    let mut fleet = fleet(&rows);
    let mut demand = demand(&fleet, percent(ask_percent), group_count);
    (demand.algorithm, demand.anti_affinity) = (algorithm, true);
    for (candidate, node) in demand.candidates.iter_mut().zip(nodes) {
        (candidate.collisions, candidate.affinity) = (node.collisions, node.affinity);
    }
    let penalised: Vec<NodeOrd> = (0u32..).zip(nodes).filter(|(_, node)| node.penalised).map(|(ord, _)| NodeOrd(ord)).collect();
    let best = Packer::new(&mut fleet, demand.clone()).best(nodes.len());
    let start = fleet.checkpoint();
    let pick = Packer::new(&mut fleet, demand).pick(&penalised)?;
    fleet.roll_back(start);
    let total = best.iter().find(|(ord, ..)| *ord == pick.ord).unwrap().2;
    Some((pick.ord.at(), total))
}

/// `(20 - 10^cpu - 10^memory) / 18` of what stays free, in percent.
fn packed(cpu: f64, memory: f64) -> f64 {
    (20.0 - 10f64.powf(cpu / 100.0) - 10f64.powf(memory / 100.0)) / 18.0
}

#[test]
fn the_best_node_by_the_published_formulas() {
    use SchedulerAlgorithm::{Binpack, Spread};
    type Case<'a> = (&'a str, &'a [On], (u64, u64), SchedulerAlgorithm, Option<(usize, f64)>);
    let cases: [Case<'_>; 30] = [
        ("nobody", &[], (10, 10), Binpack, None),
        ("no room", &[on(95, 0), on(0, 95)], (10, 10), Binpack, None),
        ("empty", &[on(0, 0)], (10, 10), Binpack, Some((0, packed(90.0, 90.0)))),
        ("full to the brim", &[on(90, 90)], (10, 10), Binpack, Some((0, 1.0))),
        ("asks for nothing", &[on(0, 0)], (0, 0), Binpack, Some((0, 0.0))),
        ("the fuller", &[on(0, 0), on(50, 50)], (10, 10), Binpack, Some((1, packed(40.0, 40.0)))),
        ("the emptier", &[on(50, 50), on(0, 0)], (10, 10), Spread, Some((1, 1.0 - packed(90.0, 90.0)))),
        ("the first of two alike", &[on(30, 30), on(30, 30)], (10, 10), Binpack, Some((0, packed(60.0, 60.0)))),
        ("the first of two alike, spread", &[on(30, 30), on(30, 30)], (10, 10), Spread, Some((0, 1.0 - packed(60.0, 60.0)))),
        ("half full in both ways is better than full in one", &[on(40, 40), on(80, 0)], (10, 10), Binpack, Some((0, packed(50.0, 50.0)))),
        ("full in one way is better than little in both", &[on(20, 20), on(80, 0)], (10, 10), Binpack, Some((1, packed(10.0, 90.0)))),
        ("lopsided is emptier than even, spread", &[on(0, 80), on(45, 45)], (10, 10), Spread, Some((0, 1.0 - packed(90.0, 10.0)))),
        ("what has no room does not count", &[on(95, 95), on(10, 10)], (10, 10), Binpack, Some((1, packed(80.0, 80.0)))),
        ("cpu without room", &[on(91, 0), on(0, 0)], (10, 10), Binpack, Some((1, packed(90.0, 90.0)))),
        ("memory without room", &[on(0, 91), on(0, 0)], (10, 10), Binpack, Some((1, packed(90.0, 90.0)))),
        ("only cpu", &[on(50, 0), on(0, 50)], (50, 0), Binpack, Some((1, packed(50.0, 50.0)))),
        ("only memory", &[on(50, 0), on(0, 50)], (0, 50), Binpack, Some((0, packed(50.0, 50.0)))),
        ("away from its like", &[beside(4, on(50, 50)), on(0, 0)], (10, 10), Binpack, Some((1, packed(90.0, 90.0)))),
        (
            "away from more of its like",
            &[beside(2, on(50, 50)), beside(1, on(50, 50))],
            (10, 10),
            Binpack,
            Some((1, (packed(40.0, 40.0) - 0.2) / 2.0)),
        ),
        ("all have its like", &[beside(4, on(0, 0))], (10, 10), Binpack, Some((0, (packed(90.0, 90.0) - 0.5) / 2.0))),
        ("its like counts by the count", &[beside(9, on(90, 90)), on(0, 0)], (10, 10), Binpack, Some((1, packed(90.0, 90.0)))),
        ("liked", &[on(20, 20), liked(1.0, on(0, 0))], (10, 10), Binpack, Some((1, (packed(90.0, 90.0) + 1.0) / 2.0))),
        ("liked too little", &[on(90, 90), liked(0.5, on(0, 0))], (10, 10), Binpack, Some((0, 1.0))),
        ("disliked", &[liked(-1.0, on(90, 90)), on(0, 0)], (10, 10), Binpack, Some((1, packed(90.0, 90.0)))),
        ("all disliked", &[liked(-1.0, on(0, 0)), liked(-0.5, on(0, 0))], (10, 10), Binpack, Some((1, (packed(90.0, 90.0) - 0.5) / 2.0))),
        (
            "liked more than its like disturbs",
            &[beside(1, liked(1.0, on(0, 0))), on(0, 0)],
            (10, 10),
            Binpack,
            Some((0, (packed(90.0, 90.0) - 0.2 + 1.0) / 3.0)),
        ),
        ("where it failed before", &[failed_on(on(50, 50)), on(0, 0)], (10, 10), Binpack, Some((1, packed(90.0, 90.0)))),
        ("where it failed before, when there is no other", &[failed_on(on(50, 50))], (10, 10), Binpack, Some((0, packed(40.0, 40.0)))),
        (
            "where it failed before, when the other is full",
            &[failed_on(on(50, 50)), on(95, 95)],
            (10, 10),
            Binpack,
            Some((0, packed(40.0, 40.0))),
        ),
        ("where it failed before is liked", &[failed_on(liked(1.0, on(90, 90))), liked(-1.0, on(0, 0))], (10, 10), Binpack, Some((0, 1.0))),
    ];
    for (name, nodes, ask, algorithm, expected) in cases {
        let found = first(nodes, ask, algorithm, 10);
        assert_eq!(found.map(|(node, _)| node), expected.map(|(node, _)| node), "{name}: {found:?}");
        if let Some(((_, found), (_, expected))) = found.zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{name}: {found} instead of {expected}");
        }
    }
}

/// How many of `count` instances each value gets; a node per value unless `nodes` says which value each has.
fn spread_over(nodes: &[u32], used: &[u32], goal: SpreadGoal, count: u32) -> Vec<u32> {
    let rows: Vec<(Node, Ask)> = (1u128..).zip(nodes).map(|(id, _)| (sized(id, 100_000, 100_000), Ask::default())).collect();
    let mut fleet = fleet(&rows);
    let mut demand = demand(&fleet, ask(100, 100), count);
    demand.spreads.push(SpreadAxis { values: nodes.to_vec(), used: used.to_vec(), goal });
    let mut given = used.to_vec();
    for pick in place(&mut fleet, &demand, count) {
        if let Some(given) = given.get_mut(nodes[pick.ord.at()] as usize) {
            *given += pick.count;
        }
    }
    given
}

#[test]
fn how_many_each_value_gets() {
    const NONE: u32 = NO_VALUE;
    // Value of each node, instances that each value has, how many come; how many each value has then.
    type Even<'a> = (&'a str, &'a [u32], &'a [u32], u32, &'a [u32]);
    let cases: [Even<'_>; 12] = [
        ("one value", &[0], &[0], 5, &[5]),
        ("two values", &[0, 1], &[0, 0], 6, &[3, 3]),
        ("three values", &[0, 1, 2], &[0, 0, 0], 9, &[3, 3, 3]),
        ("an odd one goes to the first", &[0, 1, 2], &[0, 0, 0], 7, &[3, 2, 2]),
        ("those that are there count", &[0, 1], &[4, 0], 4, &[4, 4]),
        ("and are caught up with", &[0, 1, 2], &[2, 1, 0], 3, &[2, 2, 2]),
        ("one is behind", &[0, 1, 2], &[3, 3, 1], 2, &[3, 3, 3]),
        ("more nodes do not count for more", &[0, 0, 0, 1], &[0, 0], 8, &[4, 4]),
        ("nodes without a value come last", &[NONE, 0, 1], &[0, 0], 4, &[2, 2]),
        ("a value without nodes gets none", &[0, 1], &[0, 0, 0], 4, &[2, 2, 0]),
        ("hundred values", &HUNDRED, &[0; 100], 200, &[2; 100]),
        ("nobody comes", &[0, 1], &[1, 0], 0, &[1, 0]),
    ];
    for (name, nodes, used, count, expected) in cases {
        assert_eq!(spread_over(nodes, used, SpreadGoal::Even, count), expected, "{name}");
    }
    // With how many each value should have; `None`: none.
    type Target<'a> = (&'a str, &'a [u32], &'a [u32], &'a [Option<f64>], u32, &'a [u32]);
    let cases: [Target<'_>; 10] = [
        ("half and half", &[0, 1], &[0, 0], &[Some(5.0), Some(5.0)], 10, &[5, 5]),
        ("seven to three", &[0, 1], &[0, 0], &[Some(7.0), Some(3.0)], 10, &[7, 3]),
        ("nine to one", &[0, 1], &[0, 0], &[Some(9.0), Some(1.0)], 10, &[9, 1]),
        ("three ways", &[0, 1, 2], &[0, 0, 0], &[Some(5.0), Some(3.0), Some(2.0)], 10, &[5, 3, 2]),
        ("the rest of a part", &[0, 1], &[7, 0], &[Some(7.0), Some(3.0)], 3, &[7, 3]),
        ("all to one", &[0, 1], &[0, 0], &[Some(10.0), None], 10, &[10, 0]),
        ("unwanted ones stay empty", &[0, 1, 2], &[0, 0, 0], &[Some(2.0), None, Some(2.0)], 4, &[2, 0, 2]),
        ("nothing is wanted of it", &[0, 1], &[0, 0], &[Some(0.0), Some(4.0)], 4, &[0, 4]),
        ("too many are there already", &[0, 1], &[9, 0], &[Some(5.0), Some(5.0)], 1, &[9, 1]),
        ("without a value last", &[NONE, 0], &[0], &[Some(4.0)], 4, &[4]),
    ];
    for (name, nodes, used, wanted, count, expected) in cases {
        let goal = SpreadGoal::Targets { wanted: wanted.to_vec(), weight_share: 1.0 };
        assert_eq!(spread_over(nodes, used, goal, count), expected, "{name}");
    }
}

const HUNDRED: [u32; 100] = {
    let mut values = [0; 100];
    let mut at = 0;
    while at < 100 {
        values[at] = at as u32;
        at += 1;
    }
    values
};
