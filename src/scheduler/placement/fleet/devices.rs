//! What the fleet knows of devices: their kinds, and what usually is asked of them.

use std::sync::Arc;

use super::Fleet;
use crate::model::{Allocation, Node, Text};
use crate::scheduler::placement::NodeOrd;
use crate::scheduler::placement::worth::Shape;

impl Fleet {
    pub(super) fn kinds_of(&mut self, node: &Node) -> Vec<Option<u16>> {
        let groups = &node.resources.devices;
        groups
            .iter()
            .flat_map(|group| {
                let kind = self.kind(&group.kind);
                group.instances.iter().map(move |instance| instance.healthy.then_some(kind))
            })
            .collect()
    }

    fn kind(&mut self, name: &Text) -> u16 {
        let at = self.kinds.iter().position(|known| known == name).unwrap_or_else(|| {
            self.kinds.push(Text::clone(name));
            self.kinds.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// What the allocations with devices ask for, by kind of device; ascending.
    pub(super) fn shapes(&mut self, allocations: &[Arc<Allocation>]) -> Vec<Shape> {
        let mut shapes: Vec<Shape> = Vec::new();
        for allocation in allocations.iter().filter(|allocation| allocation.holds_room()) {
            let first = shapes.len();
            for device in &allocation.devices {
                let kind = self.kind(&device.kind);
                let (cpu, memory) = (allocation.ask.cpu.0, allocation.ask.memory.0);
                match shapes[first..].iter_mut().find(|shape| shape.kind == kind) {
                    Some(shape) => {
                        shape.count = shape.count.saturating_add(1);
                        shape.share = shape.share.max(device.share.0);
                    }
                    None => shapes.push(Shape { kind, count: 1, share: device.share.0, cpu, memory }),
                }
            }
        }
        shapes.sort_unstable();
        shapes
    }

    /// Takes note of a node's devices, and of what came to them and went since `before`.
    pub(super) fn learn_devices(&mut self, ord: NodeOrd, before: &[Shape]) {
        let row = &self.rows[ord.at()];
        self.typical.exchange(before, &row.shapes);
        let has_devices = !row.devices.is_empty();
        if std::mem::replace(&mut self.has_devices[ord.at()], has_devices) && !has_devices {
            self.columns.touch(ord);
        }
        match (row.devices.is_empty(), self.with_devices.binary_search(&ord)) {
            (false, Err(at)) => self.with_devices.insert(at, ord),
            (true, Ok(at)) => drop(self.with_devices.remove(at)),
            _ => {}
        }
    }

    pub(super) fn forget_devices(&mut self, ord: NodeOrd) {
        let shapes = std::mem::take(&mut self.rows[ord.at()].shapes);
        self.typical.exchange(&shapes, &[]);
        self.has_devices[ord.at()] = false;
        if let Ok(at) = self.with_devices.binary_search(&ord) {
            self.with_devices.remove(at);
        }
    }
}
