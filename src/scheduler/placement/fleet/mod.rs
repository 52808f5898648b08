//! Every node's capacity and use in columns, maintained from the change feed.

mod devices;
mod journal;

use std::collections::HashMap;
use std::sync::Arc;

use super::columns::Columns;
use super::index::Index;
use super::worth::{Shape, Typical};
use super::{Classes, NodeOrd};
use crate::model::fit::{self, Dimension, Usage};
use crate::model::{Allocation, Ask, Node, NodeId, Text};
use journal::Step;
pub use journal::{Checkpoint, Grant};

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
    has_devices: Vec<bool>,
    rows: Vec<Row>,
    ords: HashMap<NodeId, NodeOrd>,
    vacant: Vec<NodeOrd>,
    classes: Classes,
    version: Vec<u32>,
    /// Ascending.
    with_devices: Vec<NodeOrd>,
    kinds: Vec<Text>,
    typical: Typical,
    index: Index,
    columns: Columns,
    journal: Vec<Step>,
}

/// What is looked at only for nodes that are picked.
#[derive(Debug)]
struct Row {
    node: Arc<Node>,
    available: Ask,
    /// Of its allocations, the plan in the making included; the operator's reserved ports count among the ports.
    usage: Usage,
    /// The kind of each device, by position; `None` for one that is not healthy.
    devices: Vec<Option<u16>>,
    /// Of its allocations that have devices.
    shapes: Vec<Shape>,
}

impl Fleet {
    /// Forgets everything and starts from `nodes`.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Sets a node as it is now with the allocations recorded on it, of which those that still occupy it count.
    pub fn set(&mut self, node: &Arc<Node>, allocations: &[Arc<Allocation>]) {
        let mut usage = Usage::default();
        for allocation in allocations.iter().filter(|allocation| allocation.holds_room()) {
            usage.add(node, allocation);
        }
        self.set_usage(node, usage, || allocations.to_vec());
    }

    /// As [`Self::set`] with what the allocations hold together, so that they are only looked at on a node with devices.
    pub fn set_usage(&mut self, node: &Arc<Node>, mut usage: Usage, allocations: impl FnOnce() -> Vec<Arc<Allocation>>) {
        debug_assert!(self.journal.is_empty(), "observed while a plan is in the making");
        // What the operator reserved is held like a port of an allocation, and found as fast.
        usage.ports.extend(&node.resources.reserved_ports);
        let known = self.ords.get(&node.id).copied();
        let is_same = |ord: &NodeOrd| Arc::ptr_eq(&self.rows[ord.at()].node, node);
        let devices = match known.filter(is_same) {
            Some(ord) => std::mem::take(&mut self.rows[ord.at()].devices),
            None => self.kinds_of(node),
        };
        let shapes = if devices.is_empty() { Vec::new() } else { self.shapes(&allocations()) };
        let row = Row { node: Arc::clone(node), available: node.resources.available(), usage, devices, shapes };
        let mut before = Vec::new();
        let ord = match known {
            Some(ord) => {
                if !Arc::ptr_eq(&self.rows[ord.at()].node, node) {
                    self.classes.leave(self.class[ord.at()], self.placeable[ord.at()]);
                    self.class[ord.at()] = self.classes.join(node, node.is_placeable());
                    self.placeable[ord.at()] = node.is_placeable();
                }
                before = std::mem::replace(&mut self.rows[ord.at()], row).shapes;
                ord
            }
            None => self.insert(row),
        };
        let inverse = |capacity: u64| if capacity == 0 { 0.0 } else { 1.0 / capacity as f64 };
        let available = self.rows[ord.at()].available;
        self.inverse_cpu[ord.at()] = inverse(available.cpu.0);
        self.inverse_memory[ord.at()] = inverse(available.memory.0);
        self.learn_devices(ord, &before);
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
        self.bump(ord);
        self.forget_devices(ord);
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
            self.has_devices.push(false);
            self.version.push(0);
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
        self.bump(ord);
    }

    fn bump(&mut self, ord: NodeOrd) {
        self.version[ord.at()] = self.version[ord.at()].wrapping_add(1).max(1);
        self.index.touch(ord);
        if self.has_devices[ord.at()] {
            self.columns.touch(ord);
        }
    }

    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The length of the columns: every ordinal is below it.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
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
    #[inline]
    pub fn effective_ask(&self, ord: NodeOrd, ask: Ask) -> Ask {
        if ask.cores == 0 {
            return ask;
        }
        Ask { cpu: ask.cpu + fit::compute_of_cores(&self.rows[ord.at()].node, ask.cores), ..ask }
    }

    /// Whether an effective ask fits now, ports and core ids aside.
    #[inline]
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
    #[inline]
    pub fn free_fractions(&self, ord: NodeOrd, ask: Ask) -> (f64, f64) {
        let at = ord.at();
        let cpu = (self.free_cpu[at] - signed(ask.cpu.0)) as f64 * self.inverse_cpu[at];
        let memory = (self.free_memory[at] - signed(ask.memory.0)) as f64 * self.inverse_memory[at];
        (cpu, memory)
    }

    /// How many times an effective ask fits now, ports and core ids aside.
    pub fn capacity(&self, ord: NodeOrd, ask: Ask) -> u32 {
        let at = ord.at();
        let times = |free: i64, asked: u64| if asked == 0 { i64::MAX } else { free.max(0) / signed(asked) };
        let fits = times(self.free_cpu[at], ask.cpu.0)
            .min(times(self.free_memory[at], ask.memory.0))
            .min(times(self.free_disk[at], ask.disk.0))
            .min(times(self.free_cores[at], u64::from(ask.cores)));
        u32::try_from(fits).unwrap_or(u32::MAX)
    }

    /// Every node that has devices beside its processors.
    pub fn with_devices(&self) -> &[NodeOrd] {
        &self.with_devices
    }

    #[inline]
    pub fn has_devices(&self, ord: NodeOrd) -> bool {
        self.has_devices[ord.at()]
    }

    /// The kind of each of a node's devices, in the order of their positions; `None` for one that is not healthy.
    pub fn devices_on(&self, ord: NodeOrd) -> &[Option<u16>] {
        &self.rows[ord.at()].devices
    }

    pub fn typical(&self) -> &Typical {
        &self.typical
    }

    /// Learns from what came and went what is typical.
    pub fn refresh_typical(&mut self) {
        self.typical.refresh();
    }

    #[inline]
    pub fn is_placeable(&self, ord: NodeOrd) -> bool {
        self.placeable[ord.at()]
    }

    /// Changes with every change of a node.
    #[inline]
    pub fn version(&self, ord: NodeOrd) -> u32 {
        self.version[ord.at()]
    }

    /// Free compute, memory and disk.
    pub fn free(&self, ord: NodeOrd) -> (i64, i64, i64) {
        (self.free_cpu[ord.at()], self.free_memory[ord.at()], self.free_disk[ord.at()])
    }

    /// Free compute and memory once an ask is taken.
    #[inline]
    pub fn free_beside(&self, ord: NodeOrd, ask: Ask) -> (i64, i64) {
        (self.free_cpu[ord.at()] - signed(ask.cpu.0), self.free_memory[ord.at()] - signed(ask.memory.0))
    }

    /// One over the capacity in compute and memory, zero where there is none.
    #[inline]
    pub fn inverse_capacity(&self, ord: NodeOrd) -> (f64, f64) {
        (self.inverse_cpu[ord.at()], self.inverse_memory[ord.at()])
    }

    pub(super) fn take_index(&mut self) -> Index {
        std::mem::take(&mut self.index)
    }

    pub(super) fn put_index(&mut self, index: Index) {
        self.index = index;
    }

    pub(super) fn take_columns(&mut self) -> Columns {
        std::mem::take(&mut self.columns)
    }

    pub(super) fn put_columns(&mut self, columns: Columns) {
        self.columns = columns;
    }

    /// The first dimension in which an effective ask does not fit, by the shared fit function.
    pub fn first_exhausted(&self, ord: NodeOrd, ask: Ask) -> Option<Dimension> {
        let row = &self.rows[ord.at()];
        fit::first_exhausted(row.available, row.usage.ask, ask)
    }
}

/// Capacities are far below 2^63; a larger one counts as that.
#[inline]
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX / 2)
}
