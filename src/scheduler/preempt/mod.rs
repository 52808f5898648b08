//! Places for important work on a full fleet: what is less important leaves.
//!
//! Only where no node has room, only if the scheduler configuration allows it for the job's type, and only for victims whose priority is at
//! least [`LEAST_PRIORITY_GAP`] lower. `victims` finds the smallest set of victims on one node; here the node is chosen: the one where
//!
//! 1. the highest priority among the victims is the lowest,
//! 2. the fewest victims leave beyond their group's `migrate.max_parallel`,
//! 3. the fewest leave at all,
//! 4. the least is freed in vain (in tenths of the node).
//!
//! Equal nodes go by their ordinal. The order is lexical because a sum of scores would trade a service's interruption against a few
//! megabytes. Nodes are looked at as they are needed: one that cannot be beaten is taken at once, the others wait in a heap.
//! While a plan is made, the cost of a node that it does not touch only grows (groups come closer to their limits), so the top of the heap
//! is right if it still costs what it did.

mod residents;
mod victims;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::plan::LEAST_PRIORITY_GAP;
use crate::model::{Job, JobKey};
use crate::scheduler::StateView;
use crate::scheduler::in_flight::InFlight;
use crate::scheduler::placement::{NodeOrd, Packer};

pub use residents::{Resident, Residents};
use victims::Need;

/// Smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    highest: u8,
    beyond: u32,
    victims: u32,
    waste: u8,
    ord: NodeOrd,
}

/// Finds nodes and victims for the instances of one group.
pub struct Preemptor<'a> {
    residents: &'a mut Residents,
    job: JobKey,
    /// The highest priority that must yield.
    limit: u8,
    /// The lowest priority that anybody on the fleet has: nothing costs less.
    lowest: u8,
    /// Candidates that were not looked at yet, from this one on.
    next: usize,
    seen: BinaryHeap<Reverse<Cost>>,
}

/// A node, and who leaves it.
#[derive(Debug)]
pub struct Preemption {
    pub ord: NodeOrd,
    pub victims: Vec<Resident>,
}

/// The name of the score that a node has for what leaves it.
pub const SCORE: &str = "preemption";

impl Preemption {
    /// Nomad's measure of what is lost, for people to compare: near 1 for little, falling with the priorities that leave.
    pub fn score(&self) -> f64 {
        let priorities = || self.victims.iter().map(|victim| f64::from(victim.priority));
        let highest = priorities().fold(0.0, f64::max);
        let net = if highest > 0.0 { highest + priorities().sum::<f64>() / highest } else { 0.0 };
        1.0 / (1.0 + (0.0048 * (net - 2048.0)).exp())
    }
}

impl<'a> Preemptor<'a> {
    /// `None`: the job is not important enough to push anybody aside.
    pub fn new(view: &dyn StateView, in_flight: &InFlight, residents: &'a mut Residents, job: &Job) -> Option<Self> {
        let limit = job.priority.checked_sub(LEAST_PRIORITY_GAP)?;
        residents.refresh(view, in_flight);
        let lowest = residents.lowest();
        (lowest <= limit).then(|| Self { residents, job: job.key.clone(), limit, lowest, next: 0, seen: BinaryHeap::new() })
    }

    /// The best node for one more instance. The caller takes it, or asks no more.
    pub fn find(&mut self, packer: &Packer<'_>) -> Option<Preemption> {
        loop {
            while self.seen.peek().is_none_or(|Reverse(best)| !self.cannot_be_beaten(best)) && self.next < packer.candidates() {
                let ord = packer.candidate(self.next);
                self.next += 1;
                if let Some((cost, _)) = self.look_at(packer, ord) {
                    self.seen.push(Reverse(cost));
                }
            }
            let Reverse(best) = self.seen.pop()?;
            let Some((cost, victims)) = self.look_at(packer, best.ord) else {
                continue;
            };
            if cost != best {
                self.seen.push(Reverse(cost));
                continue;
            }
            // It may be the best for the next instance, too.
            self.seen.push(Reverse(cost));
            return Some(Preemption { ord: best.ord, victims });
        }
    }

    /// Who must leave this very node.
    pub fn find_on(&self, packer: &Packer<'_>, ord: NodeOrd) -> Option<Preemption> {
        let (_, victims) = self.look_at(packer, ord)?;
        Some(Preemption { ord, victims })
    }

    /// Notes that the victims go.
    pub fn evict(&mut self, victims: &[Resident]) {
        for victim in victims {
            self.residents.evict(victim);
        }
    }

    fn cannot_be_beaten(&self, cost: &Cost) -> bool {
        cost.highest <= self.lowest && cost.beyond == 0 && cost.victims <= 1 && cost.waste == 0
    }

    fn look_at(&self, packer: &Packer<'_>, ord: NodeOrd) -> Option<(Cost, Vec<Resident>)> {
        if !packer.is_open(ord) {
            return None;
        }
        let fleet = packer.fleet();
        let node = fleet.node(ord);
        let yields = |resident: &&Resident| resident.priority <= self.limit && resident.alloc.job.key != self.job;
        let candidates: Vec<&Resident> =
            self.residents.on(ord).take_while(|resident| resident.priority <= self.limit).filter(yields).collect();
        let shortage = |usage: &_| packer.shortage(ord, usage);
        let need = Need {
            node,
            available: fleet.available(ord),
            ask: packer.ask_on(ord),
            shortage: packer.asks_beyond_amounts().then_some(&shortage),
        };
        let victims = victims::choose(&need, fleet.usage(ord), &candidates, self.residents)?;
        let mut beyond = 0;
        for (at, victim) in victims.iter().enumerate() {
            beyond += u32::from(victims::is_beyond(victim, &victims[..at], self.residents));
        }
        let cost = Cost {
            highest: victims.iter().map(|victim| victim.priority).max().unwrap_or_default(),
            beyond,
            victims: u32::try_from(victims.len()).unwrap_or(u32::MAX),
            waste: waste(&need, fleet.usage(ord).ask, &victims),
            ord,
        };
        Some((cost, victims.into_iter().cloned().collect()))
    }
}

/// How much of the node is left free by going and coming, in tenths of its scarcest amount.
fn waste(need: &Need<'_>, used: crate::model::Ask, victims: &[&Resident]) -> u8 {
    let freed = victims.iter().fold(crate::model::Ask::default(), |sum, victim| crate::model::fit::add(sum, victim.alloc.ask));
    let tenths = |available: u64, used: u64, freed: u64, ask: u64| {
        let left = (available + freed).saturating_sub(used + ask).min(freed);
        left.saturating_mul(10) / available.max(1)
    };
    let cpu = tenths(need.available.cpu.0, used.cpu.0, freed.cpu.0, need.ask.cpu.0);
    let memory = tenths(need.available.memory.0, used.memory.0, freed.memory.0, need.ask.memory.0);
    u8::try_from(cpu.max(memory)).unwrap_or(u8::MAX)
}
