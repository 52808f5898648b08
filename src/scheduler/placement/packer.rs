//! Greedy placement of equal instances: always the best node by score, exactly.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::demand::Demand;
use super::devices::DeviceChoice;
use super::fleet::Grant;
use super::lanes::{Lanes, OwnScore};
use super::score::{self, ScoredTerm, fixed};
use super::{Fleet, NodeOrd, ports};
use crate::model::device::{DevicePosition, DeviceUsage};
use crate::model::fit::{self, Dimension, Usage};
use crate::model::{AllocId, Allocation, Ask};
use crate::util::random::split_mix;

/// Where one instance goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    pub ord: NodeOrd,
    /// With the compute of whole cores on this node.
    pub ask: Ask,
    /// Dynamic host ports, in the order asked for.
    pub ports: Vec<u16>,
    pub cores: Vec<u16>,
    /// By position on the node, with the need (an index into [`super::DeviceDemand::needs`]) that each is for.
    pub devices: Vec<(usize, DevicePosition)>,
    /// Who leaves the node for it.
    pub evicts: Vec<AllocId>,
}

/// Why a candidate cannot take another instance now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    Exhausted(Dimension),
    NoDynamicPort,
    /// It has its one instance.
    DistinctHosts,
    /// The value on this axis (an index into `Demand::distinct`) is used up.
    DistinctProperty(usize),
}

/// Places instances of one [`Demand`] one after the other.
#[derive(Debug)]
pub struct Packer<'a> {
    fleet: &'a mut Fleet,
    demand: Demand,
    /// Spread bucket of each candidate.
    buckets: Vec<u32>,
    /// The values that each bucket stands for, one per axis.
    bucket_values: Vec<Vec<u32>>,
    /// Fixed-point boost of each bucket.
    boosts: Vec<i64>,
    lanes: Lanes,
    /// Candidates that have their one instance (`distinct_hosts`).
    used_up: Vec<bool>,
}

impl<'a> Packer<'a> {
    pub fn new(fleet: &'a mut Fleet, demand: Demand) -> Self {
        let slots = demand.candidates.len();
        let (buckets, bucket_values) = spread_buckets(&demand);
        let lanes = Lanes::new(0, 0, std::iter::empty());
        let mut packer = Self { fleet, demand, buckets, bucket_values, boosts: Vec::new(), lanes, used_up: vec![false; slots] };
        packer.refresh_boosts();
        let scored = (0..slots).filter(|slot| packer.has_room(*slot)).map(|slot| {
            let at = u32::try_from(slot).unwrap_or(u32::MAX);
            (at, packer.buckets[slot], packer.own_score(slot))
        });
        packer.lanes = Lanes::new(slots, packer.bucket_values.len(), scored);
        packer
    }

    pub fn fleet(&self) -> &Fleet {
        self.fleet
    }

    /// Takes the best node for the next instance. `penalised` are nodes where it failed before: they count one term of -1 more.
    pub fn pick(&mut self, penalised: &[NodeOrd]) -> Option<Pick> {
        while let Some(slot) = self.lanes.pop(&self.boosts) {
            if penalised.contains(&self.demand.candidates[slot as usize].ord) {
                // A penalty only lowers, so an unpenalised best would have been exact; now every candidate must be compared.
                self.lanes.push(slot, self.buckets[slot as usize], self.own_score(slot as usize));
                return self.pick_by_scan(penalised);
            }
            if let Some(pick) = self.commit(slot as usize) {
                return Some(pick);
            }
        }
        None
    }

    /// Takes this very node, if it is a candidate and has room.
    pub fn pick_on(&mut self, ord: NodeOrd) -> Option<Pick> {
        self.commit(self.slot(ord)?)
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

    /// Whether a node comes into question and nothing but what it lacks keeps another instance away.
    pub fn is_open(&self, ord: NodeOrd) -> bool {
        self.slot(ord).is_some_and(|slot| !self.used_up[slot] && self.demand.distinct.iter().all(|axis| axis.admits(slot)))
    }

    /// What one instance takes from this node.
    pub fn ask_on(&self, ord: NodeOrd) -> Ask {
        self.fleet.effective_ask(ord, self.demand.ask)
    }

    /// Whether one instance keeps others of the group off its node.
    pub fn is_alone_on_its_node(&self) -> bool {
        self.demand.distinct_hosts || self.demand.ports.fixed.iter().any(|(_, shared)| !shared)
    }

    /// For how many instances, up to `most`, a node has devices beside `usage`.
    pub fn most_by_devices(&self, ord: NodeOrd, usage: &DeviceUsage, most: u32) -> u32 {
        if self.demand.devices.is_empty() {
            return most;
        }
        // No node has more devices than positions, and a device has a thousand shares: a bound for the absurd.
        let mut held = usage.clone();
        let mut instances = 0;
        while instances < most.min(1_000)
            && let Some(choice) = self.demand.devices.choose(self.fleet.class(ord), &self.fleet.node(ord).resources.devices, &held)
        {
            for (need, position) in choice.devices {
                held.add(position, self.demand.devices.needs[need].share);
            }
            instances += 1;
        }
        instances
    }

    /// Whether ports, core ids or devices are asked for.
    pub fn asks_beyond_amounts(&self) -> bool {
        !self.demand.ports.is_empty() || self.demand.ask.cores > 0 || !self.demand.devices.is_empty()
    }

    fn pick_by_scan(&mut self, penalised: &[NodeOrd]) -> Option<Pick> {
        let mut ranked: Vec<(i64, usize)> = (0..self.demand.candidates.len())
            .filter(|slot| self.obstacle(*slot).is_none())
            .map(|slot| {
                let mut own = self.own_score(slot);
                if penalised.contains(&self.demand.candidates[slot].ord) {
                    own = OwnScore { sum: own.sum - fixed(1.0), terms: own.terms + 1 };
                }
                (own.total(self.boosts[self.buckets[slot] as usize]), slot)
            })
            .collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().find_map(|(_, slot)| self.commit(slot))
    }

    fn slot(&self, ord: NodeOrd) -> Option<usize> {
        self.demand.candidates.binary_search_by_key(&ord, |candidate| candidate.ord).ok()
    }

    /// Takes one instance on a candidate and scores that node again. `None`: it cannot, and is out until it is scored again.
    fn commit(&mut self, slot: usize) -> Option<Pick> {
        let position = u32::try_from(slot).ok()?;
        if self.obstacle(slot).is_some() {
            self.lanes.withdraw(position);
            return None;
        }
        let candidate = self.demand.candidates[slot];
        let ord = candidate.ord;
        let ask = self.fleet.effective_ask(ord, self.demand.ask);
        let salt = split_mix(self.demand.salt ^ split_mix(u64::from(ord.0)) ^ (u64::from(candidate.collisions) << 32));
        let node = self.fleet.node(ord);
        let dynamic = ports::choose_dynamic(self.fleet.usage(ord), &self.demand.ports, salt)?;
        let cores = ports::choose_cores(&node.resources, self.fleet.usage(ord), self.demand.ask.cores)?;
        let devices = self.choose_devices(ord, self.fleet.usage(ord))?.devices;
        let grant = Grant {
            ask,
            ports: self.demand.ports.fixed.iter().copied().chain(dynamic.iter().map(|port| (*port, false))).collect(),
            cores: cores.clone(),
            devices: devices.iter().map(|(need, position)| (*position, self.demand.devices.needs[*need].share)).collect(),
        };
        self.fleet.take(ord, grant).ok()?;
        self.account(slot);
        self.lanes.withdraw(position);
        if self.obstacle(slot).is_none() {
            self.lanes.push(position, self.buckets[slot], self.own_score(slot));
        }
        Some(Pick { ord, ask, ports: dynamic, cores, devices, evicts: Vec::new() })
    }

    fn choose_devices(&self, ord: NodeOrd, usage: &Usage) -> Option<DeviceChoice> {
        let node = self.fleet.node(ord);
        self.demand.devices.choose(self.fleet.class(ord), &node.resources.devices, &usage.devices)
    }

    /// Counts one more instance on a candidate.
    fn account(&mut self, slot: usize) {
        self.demand.candidates[slot].collisions += 1;
        self.used_up[slot] = self.demand.distinct_hosts;
        for axis in &mut self.demand.distinct {
            if let Some(used) = axis.used.get_mut(axis.values[slot] as usize) {
                *used += 1;
            }
        }
        for axis in &mut self.demand.spreads {
            if let Some(used) = axis.used.get_mut(axis.values[slot] as usize) {
                *used += 1;
            }
        }
        if !self.demand.spreads.is_empty() {
            self.refresh_boosts();
        }
    }

    fn refresh_boosts(&mut self) {
        let boost = |values: &Vec<u32>| {
            let boosts = self.demand.spreads.iter().zip(values).map(|(axis, value)| score::spread(axis, *value));
            fixed(boosts.sum())
        };
        self.boosts = self.bucket_values.iter().map(boost).collect();
    }

    fn has_room(&self, slot: usize) -> bool {
        let ord = self.demand.candidates[slot].ord;
        self.fleet.has_room(ord, self.fleet.effective_ask(ord, self.demand.ask))
    }

    /// What keeps a candidate from taking another instance, if anything does.
    pub fn obstacle(&self, slot: usize) -> Option<Obstacle> {
        if self.used_up[slot] {
            return Some(Obstacle::DistinctHosts);
        }
        if let Some(axis) = self.demand.distinct.iter().position(|axis| !axis.admits(slot)) {
            return Some(Obstacle::DistinctProperty(axis));
        }
        let ord = self.demand.candidates[slot].ord;
        if !self.has_room(slot) {
            return self.fleet.first_exhausted(ord, self.fleet.effective_ask(ord, self.demand.ask)).map(Obstacle::Exhausted);
        }
        if !self.asks_beyond_amounts() {
            return None;
        }
        self.shortage(ord, self.fleet.usage(ord))
    }

    /// Whether another instance would fit on this node once `leaving` has ended, distinctness aside.
    pub fn fits_without(&self, ord: NodeOrd, leaving: &Allocation) -> bool {
        let node = self.fleet.node(ord);
        let mut usage = self.fleet.usage(ord).clone();
        usage.remove(node, leaving);
        // Reserved ports are counted as held, and stay so even if `leaving` held one.
        let reserved = |port: u16| node.resources.reserved_ports.contains(&port);
        !self.demand.ports.fixed.iter().any(|(port, _)| reserved(*port)) && self.shortage(ord, &usage).is_none()
    }

    /// What a node lacks for one instance beside `usage`.
    pub fn shortage(&self, ord: NodeOrd, usage: &Usage) -> Option<Obstacle> {
        let ask = self.fleet.effective_ask(ord, self.demand.ask);
        if let Some(dimension) = fit::first_exhausted(self.fleet.available(ord), usage.ask, ask) {
            return Some(Obstacle::Exhausted(dimension));
        }
        if let Some(port) = ports::first_collision(usage, &self.demand.ports) {
            return Some(Obstacle::Exhausted(Dimension::Port(port)));
        }
        if ports::choose_dynamic(usage, &self.demand.ports, 0).is_none() {
            return Some(Obstacle::NoDynamicPort);
        }
        if ports::choose_cores(&self.fleet.node(ord).resources, usage, self.demand.ask.cores).is_none() {
            return Some(Obstacle::Exhausted(Dimension::Cores));
        }
        self.choose_devices(ord, usage).is_none().then_some(Obstacle::Exhausted(Dimension::Devices))
    }

    /// Every candidate with what keeps it from taking another instance now.
    pub fn obstacles(&self) -> impl Iterator<Item = (NodeOrd, Obstacle)> {
        (0..self.demand.candidates.len()).filter_map(|slot| Some((self.demand.candidates[slot].ord, self.obstacle(slot)?)))
    }

    /// The best `count` candidates for the next instance with the terms of their scores and their totals, best first.
    pub fn best(&self, count: usize) -> Vec<(NodeOrd, Vec<ScoredTerm>, f64)> {
        let mut ranked: Vec<(i64, usize)> = Vec::with_capacity(count + 1);
        for slot in (0..self.demand.candidates.len()).filter(|slot| self.has_room(*slot)) {
            let total = self.own_score(slot).total(self.boosts[self.buckets[slot] as usize]);
            if ranked.len() == count && ranked.last().is_some_and(|(worst, _)| *worst >= total) {
                continue;
            }
            let at = ranked.partition_point(|(better, _)| *better >= total);
            ranked.insert(at, (total, slot));
            ranked.truncate(count);
        }
        ranked.into_iter().map(|(total, slot)| (self.demand.candidates[slot].ord, self.terms(slot), score::readable(total))).collect()
    }

    fn own_score(&self, slot: usize) -> OwnScore {
        let candidate = &self.demand.candidates[slot];
        let mut sum = self.packing(slot);
        let mut terms = 1;
        if candidate.collisions > 0 {
            sum += score::anti_affinity(candidate.collisions, self.demand.group_count);
            terms += 1;
        }
        if candidate.affinity != 0.0 {
            sum += candidate.affinity;
            terms += 1;
        }
        if let Some(devices) = self.device_affinity(slot) {
            sum += devices;
            terms += 1;
        }
        OwnScore { sum: fixed(sum), terms }
    }

    /// `None`: no device is liked better than another.
    fn device_affinity(&self, slot: usize) -> Option<f64> {
        if self.demand.devices.affinity_weight == 0 {
            return None;
        }
        let ord = self.demand.candidates[slot].ord;
        let choice = self.choose_devices(ord, self.fleet.usage(ord));
        Some(choice.map_or(0.0, |choice| self.demand.devices.score(&choice)))
    }

    fn packing(&self, slot: usize) -> f64 {
        let ord = self.demand.candidates[slot].ord;
        let (cpu, memory) = self.fleet.free_fractions(ord, self.fleet.effective_ask(ord, self.demand.ask));
        score::packing(self.demand.algorithm, cpu, memory)
    }

    fn terms(&self, slot: usize) -> Vec<ScoredTerm> {
        let candidate = &self.demand.candidates[slot];
        let mut terms = vec![(score::PACKING, self.packing(slot))];
        let collisions = candidate.collisions;
        let anti_affinity = if collisions > 0 { score::anti_affinity(collisions, self.demand.group_count) } else { 0.0 };
        terms.push((score::ANTI_AFFINITY, anti_affinity));
        terms.push((score::RESCHEDULE_PENALTY, 0.0));
        terms.push((score::AFFINITY, candidate.affinity));
        terms.extend(self.device_affinity(slot).map(|score| (score::DEVICES, score)));
        let boost = self.boosts[self.buckets[slot] as usize];
        if boost != 0 {
            terms.push((score::SPREAD, score::readable(boost)));
        }
        terms
    }
}

/// Sorts candidates into buckets of equal values on every spread axis: the bucket of each, and the values of each bucket.
fn spread_buckets(demand: &Demand) -> (Vec<u32>, Vec<Vec<u32>>) {
    let slots = demand.candidates.len();
    if demand.spreads.is_empty() {
        return (vec![0; slots], vec![Vec::new()]);
    }
    let mut interned: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    let mut bucket_values = Vec::new();
    let mut bucket_of = |slot: usize| {
        let values: Vec<u32> = demand.spreads.iter().map(|axis| axis.values[slot]).collect();
        *interned.entry(values).or_insert_with_key(|values| {
            bucket_values.push(values.clone());
            u32::try_from(bucket_values.len() - 1).unwrap_or(u32::MAX)
        })
    };
    let buckets = (0..slots).map(&mut bucket_of).collect();
    (buckets, bucket_values)
}
