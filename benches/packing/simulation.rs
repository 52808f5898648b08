//! Pods come until 130 % of the GPUs are asked for; what is allocated then, and what of the rest is lost.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::baselines::{Baseline, Scorer};
use crate::default_policy::Pannier;
use crate::machine::{Machine, typical};
use crate::trace::{Pod, Trace};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Baseline(Baseline),
    Pannier,
}

impl Policy {
    pub const ALL: [Self; 6] = [
        Self::Baseline(Baseline::FirstFit),
        Self::Baseline(Baseline::BestFit),
        Self::Baseline(Baseline::DotProduct),
        Self::Baseline(Baseline::FragmentationGradientDescent),
        Self::Baseline(Baseline::FragmentationGradientDescentLast),
        Self::Pannier,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline(Baseline::FirstFit) => "First-Fit",
            Self::Baseline(Baseline::BestFit) => "BestFit",
            Self::Baseline(Baseline::DotProduct) => "DotProduct",
            Self::Baseline(Baseline::FragmentationGradientDescent) => "FGD",
            Self::Baseline(Baseline::FragmentationGradientDescentLast) => "FGD, last tie",
            Self::Pannier => "pannier",
        }
    }

    /// As the published figures call it; pannier stands beside the best of them.
    pub fn published_name(self) -> &'static str {
        match self {
            Self::Baseline(Baseline::DotProduct) => "DotProd",
            Self::Baseline(Baseline::FragmentationGradientDescentLast) | Self::Pannier => "FGD",
            other => other.name(),
        }
    }
}

pub struct Outcome {
    pub policy: Policy,
    /// Percent of all GPUs, by seed.
    pub allocated: Vec<f64>,
    /// Idle and of no use to the typical pods, in percent of all GPUs, by seed.
    pub fragmented: Vec<f64>,
    pub pods_per_second: f64,
}

/// The first seed of the published figures.
const FIRST_SEED: u64 = 42;

pub fn run(trace: &Trace, policy: Policy, seeds: u64) -> Outcome {
    let typical = typical(&trace.pods);
    let mut outcome = Outcome { policy, allocated: Vec::new(), fragmented: Vec::new(), pods_per_second: 0.0 };
    let (mut pods, mut time) = (0, Duration::ZERO);
    for seed in FIRST_SEED..FIRST_SEED + seeds {
        let arrivals = trace.arrivals(seed);
        let start = thread_time();
        let machines = match policy {
            Policy::Baseline(baseline) => place_by_baseline(trace, baseline, &typical, &arrivals),
            Policy::Pannier => place_by_pannier(trace, &arrivals),
        };
        time += thread_time() - start;
        pods += arrivals.len();
        let capacity = trace.capacity() as f64;
        let idle: u64 = machines.iter().map(Machine::idle).sum();
        let lost: f64 = machines.iter().map(|machine| machine.fragmentation(&typical)).sum();
        outcome.allocated.push(100.0 * (capacity - idle as f64) / capacity);
        outcome.fragmented.push(100.0 * lost / capacity);
    }
    outcome.pods_per_second = pods as f64 / time.as_secs_f64();
    outcome
}

fn place_by_baseline(trace: &Trace, baseline: Baseline, typical: &[(Pod, f64)], arrivals: &[Pod]) -> Vec<Machine> {
    let mut machines = trace.machines.clone();
    let mut scorer = Scorer::new(baseline, typical, machines.len());
    for pod in arrivals {
        if let Some(at) = scorer.best(&machines, pod) {
            let gpus = machines[at].choose(pod);
            machines[at].take(pod, &gpus);
            scorer.changed(at);
        }
    }
    machines
}

fn place_by_pannier(trace: &Trace, arrivals: &[Pod]) -> Vec<Machine> {
    let mut machines = trace.machines.clone();
    let mut pannier = Pannier::new(trace);
    for pod in arrivals {
        match pannier.place(pod) {
            Some((at, gpus)) => machines[at].take(pod, &gpus),
            None => debug_assert!(!machines.iter().any(|machine| machine.fits(pod)), "{pod:?} would have fitted"),
        }
    }
    machines
}

/// The time that this thread computed: other work on the machine does not count.
fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
