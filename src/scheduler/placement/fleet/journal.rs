//! What the plan in the making takes from nodes and gives back to them, and how all of it is undone.

use std::sync::Arc;

use super::{Fleet, Row};
use crate::model::device::{DevicePosition, DeviceShare};
use crate::model::fit::{self, Dimension};
use crate::model::{Allocation, Ask};
use crate::scheduler::placement::NodeOrd;

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
pub enum Step {
    /// So many times the ask of the grant, and the rest of it once.
    Took(NodeOrd, Grant, u32),
    Released(NodeOrd, Arc<Allocation>),
}

/// A place in the journal to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint(usize);

impl Fleet {
    /// Takes what was granted, `count` times, from a node until the next roll-back. Ports, cores and devices must have been chosen
    /// among the free ones; more than one instance at a time takes amounts only.
    ///
    /// Returns the dimension that ran out, and takes nothing then.
    pub fn take(&mut self, ord: NodeOrd, grant: Grant, count: u32) -> Result<(), Dimension> {
        debug_assert!(count == 1 || (grant.ports.is_empty() && grant.cores.is_empty() && grant.devices.is_empty()), "{count} of one kind");
        let ask = fit::times(grant.ask, count);
        if let Some(dimension) = self.first_exhausted(ord, ask) {
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
        usage.ask = fit::add(usage.ask, ask);
        self.refresh_columns(ord);
        self.journal.push(Step::Took(ord, grant, count));
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
            let (ord, grant, count) = match self.journal.pop() {
                Some(Step::Took(ord, grant, count)) => (ord, grant, count),
                Some(Step::Released(ord, allocation)) => {
                    let Row { node, usage, .. } = &mut self.rows[ord.at()];
                    usage.add(node, &allocation);
                    self.refresh_columns(ord);
                    continue;
                }
                None => return,
            };
            let usage = &mut self.rows[ord.at()].usage;
            usage.ask = fit::subtract(usage.ask, fit::times(grant.ask, count));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MebiBytes, MegaHertz, NodeId};
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
        assert_eq!(fleet.take(ord, grant, 1), Ok(()));
        assert!(!fleet.has_room(ord, ask), "4000 MHz take 3000 once");
        assert_eq!(fleet.take(ord, Grant { ask, ports: vec![(90, false)], ..Grant::default() }, 1), Err(Dimension::Cpu));
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
