//! The packing core alone: from a demand in numbers to picks.

use std::time::Duration;

use pannier::scheduler::placement::{Demand, DeviceDemand, Fleet, Grant, Packer, SpreadAxis, SpreadGoal};

use crate::fleets::{ask, demand, fleet};
use crate::measure::{Report, Row, timed};
use crate::reference::Reference;

const NODES: u32 = 10_000;

pub fn run(report: &mut Report) {
    equal_tasks(report, "core: 10,000 nodes, 10,000 equal tasks, binpack", 10_000_000.0, |_| {});
    equal_tasks(report, "core: 10,000 nodes, 10,000 equal tasks, job anti-affinity", 5_000_000.0, |demand| demand.anti_affinity = true);
    for racks in [25, 50, 75] {
        equal_tasks(report, &format!("core: 10,000 nodes, 10,000 equal tasks, spread over {racks} racks"), 1_000_000.0, |demand| {
            demand.anti_affinity = true;
            let values = demand.candidates.iter().map(|candidate| candidate.ord.0 % racks).collect();
            demand.spreads.push(SpreadAxis { values, used: vec![0; racks as usize], goal: SpreadGoal::Even });
        });
    }
    equal_tasks(report, "core: 10,000 nodes, 10,000 equal tasks, affinities", 2_000_000.0, |demand| {
        demand.anti_affinity = true;
        for candidate in &mut demand.candidates {
            candidate.affinity = f64::from(candidate.ord.0 % 5) / 5.0 - 0.4;
        }
    });
    different_tasks(report, "core: 10,000 nodes, 10,000 tasks, every ask different", NODES, Some(1_000_000.0), false);
    different_tasks(report, "core: the same on a fleet that is 80 % full at random", NODES, None, true);
    growth(report);
}

fn equal_tasks(report: &mut Report, name: &str, target: f64, change: impl Fn(&mut Demand)) {
    if !report.wants(name) {
        return;
    }
    let mut fleet = fleet(NODES);
    let mut demand = demand(&fleet, ask(250, 256), NODES);
    change(&mut demand);
    let times = (0..report.rounds()).map(|_| place(&mut fleet, &demand, NODES)).collect();
    let sample = 30;
    let reference = timed(|| Reference::new(&fleet, &demand), |mut reference| reference.place(sample)) / sample;
    report.add(&Row { name, placements: u64::from(NODES), target: Some(target), reference: Some(reference) }, times);
}

/// Places and gives back, as the making of a plan does.
fn place(fleet: &mut Fleet, demand: &Demand, count: u32) -> Duration {
    let start = fleet.checkpoint();
    let fleet = &mut *fleet;
    timed(
        || demand.clone(),
        |demand| {
            let mut packer = Packer::new(fleet, demand);
            let mut left = count;
            while let Some(pick) = packer.pick_run(left) {
                left -= pick.count;
            }
            assert_eq!(left, 0, "the fleet is large enough");
            fleet.roll_back(start);
        },
    )
}

fn different_tasks(report: &mut Report, name: &str, nodes: u32, target: Option<f64>, is_filled: bool) -> f64 {
    if !report.wants(name) {
        return 0.0;
    }
    let tasks = 10_000u64;
    let mut fleet = fleet(nodes);
    if is_filled {
        fill_at_random(&mut fleet);
    }
    let nothing = DeviceDemand::default();
    let ask_of = |number: u64| ask(100 + number.wrapping_mul(7919) % 401, 100 + number.wrapping_mul(104_729) % 509);
    let start = fleet.checkpoint();
    let round = |fleet: &mut Fleet| {
        timed(
            || (),
            |()| {
                for number in 0..tasks {
                    let ask = ask_of(number);
                    let best = fleet.best_for(ask, &nothing, 1, &|_| true);
                    let Some((_, ord)) = best.first() else {
                        continue;
                    };
                    let taken = fleet.take(*ord, Grant { ask, ..Grant::default() }, 1);
                    assert!(taken.is_ok(), "it has room");
                }
                fleet.roll_back(start);
            },
        )
    };
    let times = (0..report.rounds()).map(|_| round(&mut fleet)).collect();
    let sample = 30;
    let slowly = |fleet: &Fleet| (0..sample).filter_map(|number| Reference::new(fleet, &demand(fleet, ask_of(number), 1)).best()).count();
    let reference = timed(|| (), |()| slowly(&fleet)) / u32::try_from(sample).unwrap_or(1);
    report.add(&Row { name, placements: tasks, target, reference: Some(reference) }, times)
}

fn fill_at_random(fleet: &mut Fleet) {
    let ords: Vec<_> = fleet.placeable().collect();
    for ord in ords {
        let random = pannier::util::random::split_mix(u64::from(ord.0));
        let available = fleet.available(ord);
        // 60 % to 100 % of each, apart from each other.
        let part = |whole: u64, random: u64| whole * (600 + random % 400) / 1000;
        let used = ask(part(available.cpu.0, random), part(available.memory.0, random >> 32));
        assert!(fleet.take(ord, Grant { ask: used, ..Grant::default() }, 1).is_ok(), "an empty node has room");
    }
}

/// The cost of one placement on fleets from small to large.
fn growth(report: &mut Report) {
    let mut equal = Vec::new();
    let mut different = Vec::new();
    for nodes in [1_000, 10_000, 100_000] {
        let name = format!("core: growth: {nodes} nodes, as many equal tasks, job anti-affinity");
        if report.wants(&name) {
            let mut fleet = fleet(nodes);
            let demand = Demand { anti_affinity: true, ..demand(&fleet, ask(250, 256), nodes) };
            let times = (0..report.rounds()).map(|_| place(&mut fleet, &demand, nodes)).collect();
            equal.push(report.add(&Row { name: &name, placements: u64::from(nodes), target: None, reference: None }, times));
        }
        let name = format!("core: growth: {nodes} nodes, 10,000 tasks, every ask different");
        if report.wants(&name) {
            different.push(different_tasks(report, &name, nodes, None, false));
        }
    }
    for (name, each) in [("equal tasks", equal), ("every ask different", different)] {
        if let [small, .., large] = each[..] {
            report.note(&format!("core: growth of cost from 1,000 to 100,000 nodes, {name}"), large / small, "times", Some(4.0));
        }
    }
}
