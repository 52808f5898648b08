//! The slow reference: it looks at every candidate for every instance and computes every term anew, by the documented formulas.
//!
//! For tests, which hold the core to it, and for the benches, which measure against it in the same run. Ports, cores and devices are left
//! to the tests of their own rooms.

use super::{Demand, Fleet, NO_VALUE, SpreadAxis, SpreadGoal};
use crate::model::Ask;
use crate::model::scheduler_config::SchedulerAlgorithm;

pub struct Reference {
    demand: Demand,
    /// By candidate: what it has, what of it is used, and how many instances this placement gave it.
    available: Vec<Ask>,
    used: Vec<Ask>,
    taken: Vec<u32>,
}

impl Reference {
    pub fn new(fleet: &Fleet, demand: &Demand) -> Self {
        let available = demand.candidates.iter().map(|candidate| fleet.available(candidate.ord)).collect();
        let used = demand.candidates.iter().map(|candidate| fleet.usage(candidate.ord).ask).collect();
        Self { demand: demand.clone(), available, used, taken: vec![0; demand.candidates.len()] }
    }

    /// The total of one more instance on a candidate; `None`: it may not take one.
    pub fn score(&self, slot: usize) -> Option<f64> {
        let Demand { ask, algorithm, distinct_hosts, .. } = self.demand;
        let (has, used) = (self.available[slot], self.used[slot]);
        let left = |has: u64, used: u64, ask: u64| has.checked_sub(used)?.checked_sub(ask);
        let cpu = left(has.cpu.0, used.cpu.0, ask.cpu.0)?;
        let memory = left(has.memory.0, used.memory.0, ask.memory.0)?;
        left(has.disk.0, used.disk.0, ask.disk.0)?;
        if distinct_hosts && self.taken[slot] > 0 {
            return None;
        }
        for axis in &self.demand.distinct {
            if axis.values[slot] == NO_VALUE || axis.used[axis.values[slot] as usize] >= axis.limit {
                return None;
            }
        }
        let fraction = |left: u64, has: u64| if has == 0 { 0.0 } else { left as f64 / has as f64 };
        let sum = 10f64.powf(fraction(cpu, has.cpu.0)) + 10f64.powf(fraction(memory, has.memory.0));
        let mut terms = vec![match algorithm {
            SchedulerAlgorithm::Binpack => (20.0 - sum) / 18.0,
            SchedulerAlgorithm::Spread => (sum - 2.0) / 18.0,
        }];
        let candidate = &self.demand.candidates[slot];
        let collisions = candidate.collisions + self.taken[slot];
        if self.demand.anti_affinity && collisions > 0 {
            terms.push(-f64::from(collisions + 1) / f64::from(self.demand.group_count));
        }
        if candidate.affinity != 0.0 {
            terms.push(candidate.affinity);
        }
        let boost: f64 = self.demand.spreads.iter().map(|axis| boost(axis, axis.values[slot])).sum();
        // A boost that rounds to nothing is none.
        if boost.abs() >= 5e-10 {
            terms.push(boost);
        }
        Some(terms.iter().sum::<f64>() / terms.len() as f64)
    }

    /// The best candidate for the next instance; a tie goes to the first.
    pub fn best(&self) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        for slot in 0..self.taken.len() {
            if let Some(score) = self.score(slot)
                && best.is_none_or(|(_, most)| score > most)
            {
                best = Some((slot, score));
            }
        }
        best
    }

    /// Gives a candidate one instance.
    pub fn take(&mut self, slot: usize) {
        self.taken[slot] += 1;
        let used = &mut self.used[slot];
        used.cpu += self.demand.ask.cpu;
        used.memory += self.demand.ask.memory;
        used.disk += self.demand.ask.disk;
        for axis in &mut self.demand.distinct {
            if axis.values[slot] != NO_VALUE {
                axis.used[axis.values[slot] as usize] += 1;
            }
        }
        for axis in &mut self.demand.spreads {
            if axis.values[slot] != NO_VALUE {
                axis.used[axis.values[slot] as usize] += 1;
            }
        }
    }

    /// Places up to `count` instances: how many, and the sum of their scores.
    pub fn place(&mut self, count: u32) -> (u32, f64) {
        let mut sum = 0.0;
        for placed in 0..count {
            let Some((slot, score)) = self.best() else {
                return (placed, sum);
            };
            self.take(slot);
            sum += score;
        }
        (count, sum)
    }
}

/// The published table of the spread block.
fn boost(axis: &SpreadAxis, value: u32) -> f64 {
    if value == NO_VALUE {
        return -1.0;
    }
    let used = f64::from(axis.used[value as usize]);
    match &axis.goal {
        SpreadGoal::Targets { wanted, weight_share } => match wanted[value as usize] {
            Some(wanted) if wanted > 0.0 => (wanted - (used + 1.0)) / wanted * weight_share,
            _ => -1.0,
        },
        SpreadGoal::Even => {
            let occupied = || axis.used.iter().filter(|used| **used > 0).map(|used| f64::from(*used));
            let (least, most) = (occupied().fold(f64::INFINITY, f64::min), occupied().fold(0.0, f64::max));
            if most == 0.0 {
                0.0
            } else if used != least {
                (least - used) / least
            } else if least == most {
                -1.0
            } else {
                (most - least) / least
            }
        }
    }
}
