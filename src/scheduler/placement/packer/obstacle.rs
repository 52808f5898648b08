//! What keeps a node from taking another instance.

use super::Packer;
use crate::model::Allocation;
use crate::model::device::DeviceUsage;
use crate::model::fit::{self, Dimension, Usage};
use crate::scheduler::placement::{NodeOrd, ports};

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

impl Packer<'_> {
    pub(super) fn has_room(&self, slot: usize) -> bool {
        let ord = self.demand.candidates[slot].ord;
        self.fleet.has_room(ord, self.fleet.effective_ask(ord, self.demand.ask))
    }

    /// Whether a node comes into question and nothing but what it lacks keeps another instance away.
    pub fn is_open(&self, ord: NodeOrd) -> bool {
        self.slot(ord).is_some_and(|slot| !self.used_up[slot] && self.demand.distinct.iter().all(|axis| axis.admits(slot)))
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
        self.choose_parts(ord, usage).err().map(Obstacle::Exhausted)
    }

    /// Every candidate with what keeps it from taking another instance now.
    pub fn obstacles(&self) -> impl Iterator<Item = (NodeOrd, Obstacle)> {
        (0..self.demand.candidates.len()).filter_map(|slot| Some((self.demand.candidates[slot].ord, self.obstacle(slot)?)))
    }
}
