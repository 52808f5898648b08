//! Cluster compaction, as Borg's authors measure packing: how few nodes still hold the work when nodes are taken away at random.
//!
//! The trace's pods count by processor and memory only. In each trial nodes and pods come in an order of their own; the fewest leading nodes
//! that hold every pod are found by halving. The bound is what the nodes would need if pods were liquid.

use std::sync::Arc;

use pannier::scheduler::placement::{DeviceDemand, Fleet, Grant};

use crate::default_policy::{ask, node};
use crate::machine::Machine;
use crate::rng::Rng;
use crate::trace::{Pod, Trace};

/// The fewest nodes of each trial, by policy.
pub struct Trials {
    pub name: &'static str,
    pub nodes: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Policy {
    FirstFit,
    BestFit,
    /// Nomad's: the best of a few nodes met at random, by the same score.
    Sampled,
    Pannier,
}

pub fn run(trace: &Trace, trials: u64, json: bool) -> Vec<Trials> {
    let policies = [
        ("First-Fit", Policy::FirstFit),
        ("BestFit", Policy::BestFit),
        ("Nomad's sampled best-fit", Policy::Sampled),
        ("pannier", Policy::Pannier),
    ];
    let mut results: Vec<Trials> = std::iter::once("lower bound")
        .chain(policies.iter().map(|(name, _)| *name))
        .map(|name| Trials { name, nodes: Vec::new() })
        .collect();
    for trial in 0..trials {
        let mut rng = Rng::new(1000 + trial);
        let (mut machines, mut pods) = (trace.machines.clone(), trace.pods.clone());
        rng.shuffle(&mut machines);
        rng.shuffle(&mut pods);
        let bound = lower_bound(&machines, &pods);
        results[0].nodes.push(bound);
        for (result, (_, policy)) in results[1..].iter_mut().zip(policies) {
            result.nodes.push(fewest(bound, machines.len(), |nodes| holds(&machines[..nodes], &pods, policy, trial)));
        }
    }
    report(&results, trace.machines.len(), json);
    results
}

fn report(results: &[Trials], all: usize, json: bool) {
    if !json {
        println!("\ncompaction: fewest of {all} nodes that hold all pods by processor and memory, {} trials", results[0].nodes.len());
        println!("{:<26} {:>8} {:>8} {:>8} {:>14}", "", "least", "median", "most", "over the bound");
    }
    let bounds: usize = results[0].nodes.iter().sum();
    for Trials { name, nodes } in results {
        let mut sorted = nodes.clone();
        sorted.sort_unstable();
        let (least, median, most) = (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
        let over = 100.0 * (nodes.iter().sum::<usize>() as f64 / bounds as f64 - 1.0);
        if json {
            println!(
                r#"{{"bench":"compaction","policy":"{name}","trials":{},"least":{least},"median":{median},"most":{most},"over_bound_percent":{over:.2}}}"#,
                nodes.len()
            );
        } else {
            println!("{name:<26} {least:>8} {median:>8} {most:>8} {over:>12.2} %");
        }
    }
}

/// The fewest nodes in `low..=high` that suffice; `high + 1` if not even all do.
fn fewest(low: usize, high: usize, suffices: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (low, high + 1);
    while low < high {
        let middle = low.midpoint(high);
        if suffices(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

fn lower_bound(machines: &[Machine], pods: &[Pod]) -> usize {
    let (cpu, memory) = pods.iter().fold((0, 0), |sum, pod| (sum.0 + pod.cpu, sum.1 + pod.memory));
    let mut held = (0, 0);
    for (at, machine) in machines.iter().enumerate() {
        if held.0 >= cpu && held.1 >= memory {
            return at;
        }
        held = (held.0 + machine.cpu, held.1 + machine.memory);
    }
    machines.len()
}

fn holds(machines: &[Machine], pods: &[Pod], policy: Policy, trial: u64) -> bool {
    match policy {
        Policy::Pannier => holds_by_pannier(machines, pods),
        _ => holds_by_scan(machines, pods, policy, trial),
    }
}

fn holds_by_pannier(machines: &[Machine], pods: &[Pod]) -> bool {
    let mut fleet = Fleet::default();
    for (machine, number) in machines.iter().zip(0u32..) {
        fleet.set(&Arc::new(node(number, machine.cpu, machine.memory, 0, "")), &[]);
    }
    let nothing = DeviceDemand::default();
    pods.iter().all(|pod| {
        let ask = ask(pod.cpu, pod.memory);
        let best = fleet.best_for(ask, &nothing, 1, &|_| true);
        best.first().is_some_and(|(_, ord)| fleet.take(*ord, Grant { ask, ..Grant::default() }, 1).is_ok())
    })
}

fn holds_by_scan(machines: &[Machine], pods: &[Pod], policy: Policy, trial: u64) -> bool {
    let mut rng = Rng::new(trial);
    let capacity: Vec<(f64, f64)> = machines.iter().map(|machine| (machine.cpu as f64, machine.memory as f64)).collect();
    let mut free: Vec<(i64, i64)> = machines.iter().map(|machine| (machine.cpu, machine.memory)).collect();
    let few = (machines.len() as f64).log2().ceil().max(2.0) as usize;
    pods.iter().all(|pod| {
        let fits = |at: &usize| free[*at].0 >= pod.cpu && free[*at].1 >= pod.memory;
        let fractions = |at: usize| {
            let ((cpu, memory), (all_cpu, all_memory)) = (free[at], capacity[at]);
            ((cpu - pod.cpu) as f64 / all_cpu, (memory - pod.memory) as f64 / all_memory)
        };
        let fill = |at: usize| 10f64.powf(fractions(at).0) + 10f64.powf(fractions(at).1);
        let least = |a: &usize, b: &usize, of: &dyn Fn(usize) -> f64| of(*a).total_cmp(&of(*b));
        let chosen = match policy {
            Policy::FirstFit | Policy::Pannier => (0..free.len()).find(fits),
            Policy::BestFit => (0..free.len()).filter(fits).min_by(|a, b| least(a, b, &|at| fractions(at).0 + fractions(at).1)),
            Policy::Sampled => {
                // Nodes are met in a random order of their own for each pod.
                let (start, step) = (rng.below(free.len()), 1 + 2 * rng.below(free.len()));
                let step = (step..).find(|step| gcd(*step, free.len()) == 1).unwrap_or(1);
                let met = (0..free.len()).map(|number| (start + number * step) % free.len());
                met.filter(fits).take(few).min_by(|a, b| least(a, b, &fill))
            }
        };
        let Some(at) = chosen else {
            return false;
        };
        free[at] = (free[at].0 - pod.cpu, free[at].1 - pod.memory);
        true
    })
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
