//! Nodes come, change and go, work comes and ends: each placement is held to the reference, which starts from nothing each time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::reference::Reference;
use super::*;

/// The packing table is off by so much at most.
const ROUNDING: f64 = 1e-5;

#[derive(Clone, Debug)]
enum Event {
    /// A node comes, or has another size from now on.
    Node {
        id: u8,
        cpu: u64,
        memory: u64,
        eligible: bool,
    },
    Remove {
        id: u8,
    },
    Place {
        cpu: u64,
        memory: u64,
        count: u32,
        spreads: bool,
        anti_affinity: bool,
        even: bool,
    },
    /// One allocation ends.
    End {
        nth: u16,
    },
    /// What was placed last is forgotten, as when its plan is never applied.
    Lose,
}

fn event() -> impl Strategy<Value = Event> {
    let place = (1u64..9, 1u64..9, 1u32..30, prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.3));
    prop_oneof![
        3 => (0u8..12, 1u64..9, 1u64..9, prop::bool::weighted(0.9)).prop_map(|(id, cpu, memory, eligible)| Event::Node { id, cpu, memory, eligible }),
        1 => (0u8..12).prop_map(|id| Event::Remove { id }),
        4 => place.prop_map(|(cpu, memory, count, spreads, anti_affinity, even)| Event::Place { cpu, memory, count, spreads, anti_affinity, even }),
        4 => any::<u16>().prop_map(|nth| Event::End { nth }),
        1 => Just(Event::Lose),
    ]
}

/// A fleet with what runs on it.
#[derive(Default)]
struct Cluster {
    fleet: Fleet,
    nodes: BTreeMap<u128, (Arc<Node>, Vec<Arc<Allocation>>)>,
    /// The newest placement: node and number.
    newest: Vec<(u128, u32)>,
}

impl Cluster {
    fn set(&mut self, id: u128) {
        let (node, allocations) = &self.nodes[&id];
        self.fleet.set(node, allocations);
    }

    fn happen(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match *event {
            Event::Node { id, cpu, memory, eligible } => {
                let mut node = sized(id.into(), cpu * 1_000, memory * 1_000);
                node.eligibility = if eligible { crate::model::Eligibility::Eligible } else { crate::model::Eligibility::Ineligible };
                let node = Arc::new(node);
                let known = self.nodes.entry(id.into()).or_insert_with(|| (Arc::clone(&node), Vec::new()));
                known.0 = node;
                self.set(id.into());
            }
            Event::Remove { id } => {
                if self.nodes.remove(&id.into()).is_some() {
                    self.fleet.remove(NodeId(id.into()));
                    self.newest.retain(|(node, _)| *node != u128::from(id));
                }
            }
            Event::Place { cpu, memory, count, spreads, anti_affinity, even } => {
                let mut demand = demand(&self.fleet, ask(cpu * 125, memory * 125), count);
                demand.anti_affinity = anti_affinity;
                if spreads {
                    demand.algorithm = SchedulerAlgorithm::Spread;
                }
                if even {
                    let values = demand.candidates.iter().map(|candidate| candidate.ord.0 % 3).collect();
                    demand.spreads.push(SpreadAxis { values, used: vec![0; 3], goal: SpreadGoal::Even });
                }
                self.place(&demand, count)?;
            }
            Event::End { nth } => {
                let running: usize = self.nodes.values().map(|(_, allocations)| allocations.len()).sum();
                let mut nth = usize::from(nth) % running.max(1);
                let found = self.nodes.iter_mut().find_map(|(id, (_, allocations))| {
                    if nth < allocations.len() {
                        allocations.remove(nth);
                        return Some(*id);
                    }
                    nth -= allocations.len();
                    None
                });
                if let Some(id) = found {
                    self.newest.clear();
                    self.set(id);
                }
            }
            Event::Lose => {
                for (id, count) in std::mem::take(&mut self.newest) {
                    let allocations = &mut self.nodes.get_mut(&id).unwrap().1;
                    allocations.truncate(allocations.len() - count as usize);
                    self.set(id);
                }
            }
        }
        Ok(())
    }

    fn place(&mut self, demand: &Demand, count: u32) -> Result<(), TestCaseError> {
        let mut replay = Reference::new(&self.fleet, demand);
        let start = self.fleet.checkpoint();
        let picks = place(&mut self.fleet, demand, count);
        self.fleet.roll_back(start);
        for pick in &picks {
            let slot = demand.candidates.iter().position(|candidate| candidate.ord == pick.ord).unwrap();
            for _ in 0..pick.count {
                let score = replay.score(slot);
                let best = replay.best().map_or(f64::NEG_INFINITY, |(_, score)| score);
                prop_assert!(score.is_some_and(|score| score >= best - ROUNDING), "{score:?} on {slot} where {best} was to be had");
                replay.take(slot);
            }
        }
        prop_assert!(placed(&picks) == u64::from(count) || replay.best().is_none(), "{count} wanted, missed: {:?}", replay.best());
        self.newest.clear();
        for pick in picks {
            let id = self.fleet.node(pick.ord).id.0;
            self.nodes.get_mut(&id).unwrap().1.extend((0..pick.count).map(|_| holding(id, pick.ask)));
            self.newest.push((id, pick.count));
            self.set(id);
        }
        Ok(())
    }

    /// What was kept up to date is what a fresh look finds.
    fn check(&self) -> Result<(), TestCaseError> {
        let mut fresh = Fleet::default();
        for (node, allocations) in self.nodes.values() {
            fresh.set(node, allocations);
        }
        for id in self.nodes.keys() {
            let (kept, seen) = (self.fleet.ord(NodeId(*id)).unwrap(), fresh.ord(NodeId(*id)).unwrap());
            prop_assert_eq!(self.fleet.free(kept), fresh.free(seen));
            prop_assert_eq!(self.fleet.is_placeable(kept), fresh.is_placeable(seen));
        }
        Ok(())
    }
}

fn hold(events: &[Event]) -> Result<(), TestCaseError> {
    let mut cluster = Cluster::default();
    for event in events {
        cluster.happen(event)?;
    }
    cluster.check()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_before_every_pick_is_the_best(events in prop::collection::vec(event(), 1..60)) {
        hold(&events)?;
    }
}

/// As above, for as many cases as `PROPTEST_CASES` says.
#[test]
#[ignore = "takes minutes; run it by hand with PROPTEST_CASES=50000"]
fn soak() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner.run(&prop::collection::vec(event(), 1..150), |events| hold(&events)).unwrap();
}
