//! Every node's capacity and use in columns, maintained from the change feed.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Classes, NodeOrd};
use crate::model::device::{DevicePosition, DeviceShare};
use crate::model::fit::{self, Dimension, Usage};
use crate::model::{Allocation, Ask, Node, NodeId};

/// The columns that the hot loops read, one entry per ordinal.
#[derive(Debug, Default)]
pub struct Fleet {
    /// Capacity minus use; negative when a node shrank under its allocations.
    free_cpu: Vec<i64>,
    free_memory: Vec<i64>,
    free_disk: Vec<i64>,
    free_cores: Vec<i64>,
    /// One over the capacity, zero where there is none: the score divides by it for each node.
    inverse_cpu: Vec<f64>,
    inverse_memory: Vec<f64>,
    class: Vec<u32>,
    placeable: Vec<bool>,
    rows: Vec<Row>,
    ords: HashMap<NodeId, NodeOrd>,
    vacant: Vec<NodeOrd>,
    classes: Classes,
    journal: Vec<Step>,
}

/// What is looked at only for nodes that are picked.
#[derive(Debug)]
struct Row {
    node: Arc<Node>,
    available: Ask,
    /// Of its allocations, the plan in the making included; the operator's reserved ports count among the ports.
    usage: Usage,
}

/// What one instance takes from its node.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// With the compute of whole cores on that node.
    pub ask: Ask,
    /// Number and whether it may be shared.
    pub ports: Vec<(u16, bool)>,
    pub cores: Vec<u16>,
    pub devices: Vec<(DevicePosition, DeviceShare)>,
}

/// A change within the plan in the making.
#[derive(Debug)]
enum Step {
    Took(NodeOrd, Grant),
    Released(NodeOrd, Arc<Allocation>),
}

/// A place in the journal to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint(usize);

impl Fleet {
    /// Forgets everything and starts from `nodes`.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Sets a node as it is now with the allocations recorded on it, of which those that still occupy it count.
    pub fn set(&mut self, node: &Arc<Node>, allocations: &[Arc<Allocation>]) {
        debug_assert!(self.journal.is_empty(), "observed while a plan is in the making");
        // What the operator reserved is held like a port of an allocation, and found as fast.
        let mut usage = Usage { ports: node.resources.reserved_ports.iter().copied().collect(), ..Usage::default() };
        for allocation in allocations.iter().filter(|allocation| allocation.holds_room()) {
            usage.add(node, allocation);
        }
        let row = Row { node: Arc::clone(node), available: node.resources.available(), usage };
        let ord = match self.ords.get(&node.id) {
            Some(ord) => {
                let ord = *ord;
                if !Arc::ptr_eq(&self.rows[ord.at()].node, node) {
                    self.classes.leave(self.class[ord.at()], self.placeable[ord.at()]);
                    self.class[ord.at()] = self.classes.join(node, node.is_placeable());
                    self.placeable[ord.at()] = node.is_placeable();
                }
                self.rows[ord.at()] = row;
                ord
            }
            None => self.insert(row),
        };
        self.refresh_columns(ord);
    }

    /// Forgets a node that was collected.
    pub fn remove(&mut self, id: NodeId) {
        debug_assert!(self.journal.is_empty(), "observed while a plan is in the making");
        let Some(ord) = self.ords.remove(&id) else {
            return;
        };
        self.classes.leave(self.class[ord.at()], self.placeable[ord.at()]);
        self.placeable[ord.at()] = false;
        self.vacant.push(ord);
    }

    fn insert(&mut self, row: Row) -> NodeOrd {
        let placeable = row.node.is_placeable();
        let class = self.classes.join(&row.node, placeable);
        let id = row.node.id;
        let ord = if let Some(ord) = self.vacant.pop() {
            self.class[ord.at()] = class;
            self.placeable[ord.at()] = placeable;
            self.rows[ord.at()] = row;
            ord
        } else {
            let ord = NodeOrd(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
            self.class.push(class);
            self.placeable.push(placeable);
            self.rows.push(row);
            for column in [&mut self.free_cpu, &mut self.free_memory, &mut self.free_disk, &mut self.free_cores] {
                column.push(0);
            }
            self.inverse_cpu.push(0.0);
            self.inverse_memory.push(0.0);
            ord
        };
        self.ords.insert(id, ord);
        ord
    }

    fn refresh_columns(&mut self, ord: NodeOrd) {
        let Row { available, usage, .. } = &self.rows[ord.at()];
        self.free_cpu[ord.at()] = signed(available.cpu.0) - signed(usage.ask.cpu.0);
        self.free_memory[ord.at()] = signed(available.memory.0) - signed(usage.ask.memory.0);
        self.free_disk[ord.at()] = signed(available.disk.0) - signed(usage.ask.disk.0);
        self.free_cores[ord.at()] = i64::from(available.cores) - i64::from(usage.ask.cores);
        let inverse = |capacity: u64| if capacity == 0 { 0.0 } else { 1.0 / capacity as f64 };
        self.inverse_cpu[ord.at()] = inverse(available.cpu.0);
        self.inverse_memory[ord.at()] = inverse(available.memory.0);
    }

    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The length of the columns: every ordinal is below it.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn ord(&self, id: NodeId) -> Option<NodeOrd> {
        self.ords.get(&id).copied()
    }

    pub fn node(&self, ord: NodeOrd) -> &Arc<Node> {
        &self.rows[ord.at()].node
    }

    pub fn class(&self, ord: NodeOrd) -> u32 {
        self.class[ord.at()]
    }

    pub fn available(&self, ord: NodeOrd) -> Ask {
        self.rows[ord.at()].available
    }

    pub fn usage(&self, ord: NodeOrd) -> &Usage {
        &self.rows[ord.at()].usage
    }

    /// Every node that may take new allocations, ascending.
    pub fn placeable(&self) -> impl Iterator<Item = NodeOrd> {
        self.placeable.iter().zip(0u32..).filter(|(placeable, _)| **placeable).map(|(_, ord)| NodeOrd(ord))
    }

    /// Every node that takes nothing new at the moment, ascending.
    pub fn unplaceable(&self) -> Vec<NodeOrd> {
        let mut ords: Vec<NodeOrd> = self.ords.values().copied().filter(|ord| !self.placeable[ord.at()]).collect();
        ords.sort_unstable();
        ords
    }

    /// `ask` with the compute of its whole cores, which depends on the node's speed.
    pub fn effective_ask(&self, ord: NodeOrd, ask: Ask) -> Ask {
        if ask.cores == 0 {
            return ask;
        }
        Ask { cpu: ask.cpu + fit::compute_of_cores(&self.rows[ord.at()].node, ask.cores), ..ask }
    }

    /// Whether an effective ask fits now, ports and core ids aside.
    pub fn has_room(&self, ord: NodeOrd, ask: Ask) -> bool {
        let at = ord.at();
        // One sign test for all dimensions.
        let left = (self.free_cpu[at] - signed(ask.cpu.0))
            | (self.free_memory[at] - signed(ask.memory.0))
            | (self.free_disk[at] - signed(ask.disk.0))
            | (self.free_cores[at] - i64::from(ask.cores));
        left >= 0
    }

    /// The fractions of compute and memory that stay free once an effective ask is taken; the input of the packing score.
    pub fn free_fractions(&self, ord: NodeOrd, ask: Ask) -> (f64, f64) {
        let at = ord.at();
        let cpu = (self.free_cpu[at] - signed(ask.cpu.0)) as f64 * self.inverse_cpu[at];
        let memory = (self.free_memory[at] - signed(ask.memory.0)) as f64 * self.inverse_memory[at];
        (cpu, memory)
    }

    /// The first dimension in which an effective ask does not fit, by the shared fit function.
    pub fn first_exhausted(&self, ord: NodeOrd, ask: Ask) -> Option<Dimension> {
        let row = &self.rows[ord.at()];
        fit::first_exhausted(row.available, row.usage.ask, ask)
    }

    /// Takes what was granted from a node until the next roll-back. Ports, cores and devices must have been chosen among the free ones.
    ///
    /// Returns the dimension that ran out, and takes nothing then.
    pub fn take(&mut self, ord: NodeOrd, grant: Grant) -> Result<(), Dimension> {
        if let Some(dimension) = self.first_exhausted(ord, grant.ask) {
            return Err(dimension);
        }
        let usage = &mut self.rows[ord.at()].usage;
        for (port, shared) in &grant.ports {
            usage.hold_port(*port, *shared);
        }
        usage.cores.extend(&grant.cores);
        for (position, share) in &grant.devices {
            usage.devices.add(*position, *share);
        }
        usage.ask = fit::add(usage.ask, grant.ask);
        self.refresh_columns(ord);
        self.journal.push(Step::Took(ord, grant));
        Ok(())
    }

    /// Gives the room of an evicted allocation free until the next roll-back.
    pub fn release(&mut self, ord: NodeOrd, allocation: &Arc<Allocation>) {
        let Row { node, usage, .. } = &mut self.rows[ord.at()];
        usage.remove(node, allocation);
        self.refresh_columns(ord);
        self.journal.push(Step::Released(ord, Arc::clone(allocation)));
    }

    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.journal.len())
    }

    /// Gives back everything taken since `checkpoint`.
    pub fn roll_back(&mut self, checkpoint: Checkpoint) {
        while self.journal.len() > checkpoint.0 {
            let (ord, grant) = match self.journal.pop() {
                Some(Step::Took(ord, grant)) => (ord, grant),
                Some(Step::Released(ord, allocation)) => {
                    let Row { node, usage, .. } = &mut self.rows[ord.at()];
                    usage.add(node, &allocation);
                    self.refresh_columns(ord);
                    continue;
                }
                None => return,
            };
            let usage = &mut self.rows[ord.at()].usage;
            usage.ask = fit::subtract(usage.ask, grant.ask);
            for (port, shared) in grant.ports {
                usage.release_port(port, shared);
            }
            for core in grant.cores {
                usage.cores.remove(&core);
            }
            for (position, share) in grant.devices {
                usage.devices.remove(position, share);
            }
            self.refresh_columns(ord);
        }
    }
}

/// Capacities are far below 2^63; a larger one counts as that.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MebiBytes, MegaHertz};
    use crate::scheduler::testing::node;

    #[test]
    fn a_roll_back_gives_everything_back() {
        let mut fleet = Fleet::default();
        fleet.set(&Arc::new(node(1)), &[]);
        let ord = fleet.ord(NodeId(1)).unwrap();
        let before = fleet.usage(ord).clone();
        let ask = Ask { cpu: MegaHertz(3000), cores: 2, memory: MebiBytes(10), disk: MebiBytes(0) };
        let start = fleet.checkpoint();
        let devices = vec![(DevicePosition(3), DeviceShare(250))];
        let grant = Grant { ask, ports: vec![(80, false), (81, true)], cores: vec![0, 1], devices };
        assert_eq!(fleet.take(ord, grant), Ok(()));
        assert!(!fleet.has_room(ord, ask), "4000 MHz take 3000 once");
        assert_eq!(fleet.take(ord, Grant { ask, ports: vec![(90, false)], ..Grant::default() }), Err(Dimension::Cpu));
        fleet.roll_back(start);
        assert_eq!(*fleet.usage(ord), before);
        assert!(fleet.has_room(ord, ask));
    }

    #[test]
    fn a_node_that_leaves_makes_room_for_another() {
        let mut fleet = Fleet::default();
        fleet.set(&Arc::new(node(1)), &[]);
        let epoch = fleet.classes().epoch();
        fleet.set(&Arc::new(node(2)), &[]);
        assert_eq!(fleet.classes().epoch(), epoch, "two equal nodes are one class");
        fleet.remove(NodeId(1));
        assert_eq!(fleet.placeable().count(), 1);
        fleet.set(&Arc::new(node(3)), &[]);
        assert_eq!(fleet.ord(NodeId(3)), Some(NodeOrd(0)));
        assert_eq!(fleet.classes().placeable().map(|(_, _, nodes)| nodes).sum::<u32>(), 2);
    }
}
