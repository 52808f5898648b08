//! Greedy placement of equal instances: always the best node by score, exactly.

mod obstacle;
mod terms;

use std::cmp::Reverse;
use std::sync::Arc;

use super::demand::Demand;
use super::devices::DeviceChoice;
use super::fleet::Grant;
use super::packing::shares;
use super::ranking::{OwnScore, Ranking};
use super::score::fixed;
use super::spreads::Spreads;
use super::{Fleet, NodeOrd, cores, ports};
use crate::model::device::DevicePosition;
use crate::model::fit::{Dimension, Usage};
use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::model::{AllocId, Allocation, Ask};
use crate::util::random::split_mix;

pub use obstacle::Obstacle;

/// Where instances go: `count` of them on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    pub ord: NodeOrd,
    pub count: u32,
    /// Of one instance, with the compute of whole cores on this node.
    pub ask: Ask,
    /// Dynamic host ports, in the order asked for, instance by instance.
    pub ports: Vec<u16>,
    /// Instance by instance.
    pub cores: Vec<u16>,
    /// By position on the node, with the need (an index into [`super::DeviceDemand::needs`]) that each is for; instance by instance.
    pub devices: Vec<(usize, DevicePosition)>,
    /// Who leaves the node for it.
    pub evicts: Vec<AllocId>,
}

impl Pick {
    /// Joins another pick on the same node.
    pub fn absorb(&mut self, other: Self) {
        debug_assert!(self.ord == other.ord && self.ask == other.ask, "instances of one group cost the same on one node");
        self.count += other.count;
        self.ports.extend(other.ports);
        self.cores.extend(other.cores);
        self.devices.extend(other.devices);
        self.evicts.extend(other.evicts);
    }
}

/// Places instances of one [`Demand`] one after the other.
#[derive(Debug)]
pub struct Packer<'a> {
    fleet: &'a mut Fleet,
    demand: Demand,
    ranking: Ranking,
    /// Candidates that have their one instance (`distinct_hosts`).
    used_up: Vec<bool>,
    /// The best node stays the best until it is full, see [`stays_best`].
    is_sticky: bool,
}

impl<'a> Packer<'a> {
    pub fn new(fleet: &'a mut Fleet, mut demand: Demand) -> Self {
        let slots = demand.candidates.len();
        fleet.refresh_typical();
        let (spreads, buckets) = Spreads::new(std::mem::take(&mut demand.spreads), slots);
        let is_sticky = spreads.buckets() == 1 && stays_best(fleet, &demand);
        let ranking = Ranking::new(Spreads::new(Vec::new(), 0).0, Vec::new(), 0, std::iter::empty());
        let mut packer = Self { fleet, demand, ranking, used_up: vec![false; slots], is_sticky };
        let scored =
            (0u32..).take(slots).filter(|slot| packer.has_room(*slot as usize)).map(|slot| (slot, packer.own_score(slot as usize)));
        let ranking = Ranking::new(spreads, buckets, slots, scored);
        packer.ranking = ranking;
        packer
    }

    pub fn fleet(&self) -> &Fleet {
        self.fleet
    }

    /// Takes the best node for the next instance. `penalised` are nodes where it failed before: they count one term of -1 more.
    pub fn pick(&mut self, penalised: &[NodeOrd]) -> Option<Pick> {
        while let Some(slot) = self.ranking.best() {
            if penalised.contains(&self.demand.candidates[slot as usize].ord) {
                // A penalty only lowers, so an unpenalised best would have been exact; now every candidate must be compared.
                return self.pick_by_scan(penalised);
            }
            if let Some(pick) = self.commit(slot as usize, 1) {
                return Some(pick);
            }
        }
        None
    }

    /// Takes the best node for the next instances, at most `limit`: as many as would have come to it one after the other, as far as
    /// that is known without looking at other nodes.
    pub fn pick_run(&mut self, limit: u32) -> Option<Pick> {
        while let Some(slot) = self.ranking.best().filter(|_| limit > 0) {
            if let Some(pick) = self.commit(slot as usize, limit) {
                return Some(pick);
            }
        }
        None
    }

    /// Takes this very node, if it is a candidate and has room.
    pub fn pick_on(&mut self, ord: NodeOrd) -> Option<Pick> {
        self.commit(self.slot(ord)?, 1)
    }

    /// Takes this very node once `victims` have left it.
    pub fn pick_in_place_of(&mut self, ord: NodeOrd, victims: &[Arc<Allocation>]) -> Option<Pick> {
        let start = self.fleet.checkpoint();
        for victim in victims {
            self.fleet.release(ord, victim);
        }
        let Some(pick) = self.pick_on(ord) else {
            self.fleet.roll_back(start);
            return None;
        };
        Some(Pick { evicts: victims.iter().map(|victim| victim.id).collect(), ..pick })
    }

    /// How many nodes come into question at all.
    pub fn candidates(&self) -> usize {
        self.demand.candidates.len()
    }

    pub fn candidate(&self, slot: usize) -> NodeOrd {
        self.demand.candidates[slot].ord
    }

    /// What one instance takes from this node.
    pub fn ask_on(&self, ord: NodeOrd) -> Ask {
        self.fleet.effective_ask(ord, self.demand.ask)
    }

    fn pick_by_scan(&mut self, penalised: &[NodeOrd]) -> Option<Pick> {
        let boosts = self.ranking.boosts();
        let mut ranked: Vec<(i64, u32)> = (0u32..)
            .take(self.demand.candidates.len())
            .filter(|slot| self.obstacle(*slot as usize).is_none())
            .map(|slot| {
                let mut own = self.own_score(slot as usize);
                if penalised.contains(&self.demand.candidates[slot as usize].ord) {
                    own = OwnScore { sum: own.sum - fixed(1.0), terms: own.terms + 1 };
                }
                (own.total(boosts[self.ranking.bucket(slot) as usize]), slot)
            })
            .collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().find_map(|(_, slot)| self.commit(slot as usize, 1))
    }

    fn slot(&self, ord: NodeOrd) -> Option<usize> {
        self.demand.candidates.binary_search_by_key(&ord, |candidate| candidate.ord).ok()
    }

    /// Takes one instance on a candidate, or up to `limit` where the node stays the best, and ranks it anew. `None`: it can take
    /// none, and is out of the ranking.
    fn commit(&mut self, slot: usize, limit: u32) -> Option<Pick> {
        let position = u32::try_from(slot).ok()?;
        let mut pick = if self.obstacle(slot).is_none() { self.take_one(slot) } else { None };
        if let Some(pick) = pick.as_mut().filter(|pick| pick.count < limit) {
            if self.is_sticky {
                self.fill(slot, limit, pick);
            } else if self.changes_only_its_own_score(pick.ord) {
                self.fill_while_best(position, limit, pick);
            }
        }
        let score = (pick.is_some() && self.obstacle(slot).is_none()).then(|| self.own_score(slot));
        self.ranking.set(position, score);
        pick
    }

    /// Goes on with a node that stays the best: in one step where instances take amounts only, else one by one.
    fn fill(&mut self, slot: usize, limit: u32, pick: &mut Pick) {
        if !self.asks_beyond_amounts() {
            let more = self.fleet.capacity(pick.ord, pick.ask).min(limit - pick.count);
            self.take_more(slot, more, pick);
            return;
        }
        while pick.count < limit && self.obstacle(slot).is_none() {
            let Some(next) = self.take_one(slot) else {
                return;
            };
            pick.absorb(next);
        }
    }

    /// Goes on with a node as long as no other is better: what the next instance would find is computed without taking each.
    fn fill_while_best(&mut self, position: u32, limit: u32, pick: &mut Pick) {
        let slot = position as usize;
        let most = self.fleet.capacity(pick.ord, pick.ask).min(limit - pick.count);
        let rival = self.ranking.rival(position);
        let is_best = |more: &u32| Some((self.own_score_after(slot, *more).total(0), Reverse(position))) > rival;
        let more = (0..most).find(|more| !is_best(more)).unwrap_or(most);
        self.take_more(slot, more, pick);
    }

    fn take_more(&mut self, slot: usize, more: u32, pick: &mut Pick) {
        if more > 0 && self.fleet.take(pick.ord, Grant { ask: pick.ask, ..Grant::default() }, more).is_ok() {
            self.account(slot, more);
            pick.count += more;
        }
    }

    /// Whether an instance on this node changes nothing but what the node's fill and the instances on it make of its score.
    fn changes_only_its_own_score(&self, ord: NodeOrd) -> bool {
        self.ranking.is_without_spreads()
            && !self.demand.distinct_hosts
            && self.demand.distinct.is_empty()
            && !self.asks_beyond_amounts()
            && !self.fleet.has_devices(ord)
    }

    fn take_one(&mut self, slot: usize) -> Option<Pick> {
        let candidate = self.demand.candidates[slot];
        let ord = candidate.ord;
        let ask = self.fleet.effective_ask(ord, self.demand.ask);
        let salt = split_mix(self.demand.salt ^ split_mix(u64::from(ord.0)) ^ (u64::from(candidate.collisions) << 32));
        let usage = self.fleet.usage(ord);
        let dynamic = ports::choose_dynamic(usage, &self.demand.ports, salt)?;
        let (cores, choice) = self.choose_parts(ord, usage).ok()?;
        let grant = Grant {
            ask,
            ports: self.demand.ports.fixed.iter().copied().chain(dynamic.iter().map(|port| (*port, false))).collect(),
            cores: cores.clone(),
            devices: shares(&choice, &self.demand.devices),
        };
        self.fleet.take(ord, grant, 1).ok()?;
        self.account(slot, 1);
        Some(Pick { ord, count: 1, ask, ports: dynamic, cores, devices: choice.devices, evicts: Vec::new() })
    }

    /// The cores and the devices of one instance beside `usage`.
    fn choose_parts(&self, ord: NodeOrd, usage: &Usage) -> Result<(Vec<u16>, DeviceChoice), Dimension> {
        let Demand { ask, cores, devices, .. } = &self.demand;
        cores::choose(cores, ask.cores, devices, self.fleet.class(ord), &self.fleet.node(ord).resources, usage)
    }

    fn choose_devices(&self, ord: NodeOrd, usage: &Usage) -> Option<DeviceChoice> {
        let node = self.fleet.node(ord);
        self.demand.devices.choose(self.fleet.class(ord), &node.resources.devices, &usage.devices)
    }

    /// Counts `count` more instances on a candidate.
    fn account(&mut self, slot: usize, count: u32) {
        self.demand.candidates[slot].collisions += count;
        self.used_up[slot] = self.demand.distinct_hosts;
        for axis in &mut self.demand.distinct {
            if let Some(used) = axis.used.get_mut(axis.values[slot] as usize) {
                *used += count;
            }
        }
        if let Ok(slot) = u32::try_from(slot) {
            self.ranking.place(slot, count);
        }
    }
}

/// Whether a node that is the best for one instance is the best for the next one too, as long as it takes any: packing only rises as a
/// node fills, and an affinity stays what it is. The fleet's devices are worth less with each instance beside them, and all other
/// terms and conditions speak against a second instance.
fn stays_best(fleet: &Fleet, demand: &Demand) -> bool {
    demand.algorithm == SchedulerAlgorithm::Binpack
        && !demand.anti_affinity
        && !demand.distinct_hosts
        && demand.distinct.is_empty()
        && fleet.with_devices().is_empty()
}
