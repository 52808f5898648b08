//! The one fit function (law 4): the scheduler, `apply` and the node all ask it, so no committed state can
//! oversubscribe a node by two rooms counting differently.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::device::{self, DeviceUsage};
use super::{Allocation, Ask, MebiBytes, MegaHertz, Node};

/// Which dimension of a node ran out; displayed with Nomad's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    Cpu,
    Cores,
    /// Cores enough, but not on one NUMA node, or not on that of the device.
    Numa,
    Memory,
    Disk,
    Port(u16),
    Devices,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cores => f.write_str("cores"),
            Self::Numa => f.write_str("cores: no NUMA node has what is asked"),
            Self::Memory => f.write_str("memory"),
            Self::Disk => f.write_str("disk"),
            Self::Port(port) => write!(f, "network: reserved port collision {port}"),
            Self::Devices => f.write_str("devices: no devices match request"),
        }
    }
}

/// The first dimension in which `used + ask` exceeds `available`, if any.
pub fn first_exhausted(available: Ask, used: Ask, ask: Ask) -> Option<Dimension> {
    if used.cpu + ask.cpu > available.cpu {
        return Some(Dimension::Cpu);
    }
    if u32::from(used.cores) + u32::from(ask.cores) > u32::from(available.cores) {
        return Some(Dimension::Cores);
    }
    if used.memory + ask.memory > available.memory {
        return Some(Dimension::Memory);
    }
    if used.disk + ask.disk > available.disk {
        return Some(Dimension::Disk);
    }
    None
}

/// What a set of allocations holds on one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub ask: Ask,
    pub ports: BTreeSet<u16>,
    /// With how many hold each.
    pub shared_ports: BTreeMap<u16, u32>,
    pub cores: BTreeSet<u16>,
    pub devices: DeviceUsage,
}

impl Usage {
    /// Whether `allocation` fits beside what is counted already; adds it when it does.
    pub fn try_add(&mut self, node: &Node, allocation: &Allocation) -> Result<(), Dimension> {
        let available = node.resources.available();
        if let Some(dimension) = first_exhausted(available, self.ask, allocation.ask) {
            return Err(dimension);
        }
        for port in &allocation.ports {
            let held_alone = self.ports.contains(&port.value) || node.resources.reserved_ports.contains(&port.value);
            if held_alone || (!port.shared && self.shared_ports.contains_key(&port.value)) {
                return Err(Dimension::Port(port.value));
            }
        }
        if allocation.cores.iter().any(|core| self.cores.contains(core) || !node.resources.reservable_cores.contains(core)) {
            return Err(Dimension::Cores);
        }
        if !self.devices_fit(node, allocation) {
            return Err(Dimension::Devices);
        }
        self.add(node, allocation);
        Ok(())
    }

    fn devices_fit(&self, node: &Node, allocation: &Allocation) -> bool {
        if allocation.devices.is_empty() {
            return true;
        }
        // One after the other: an allocation may ask for two shares of one device.
        let mut held = self.devices.clone();
        allocation.devices.iter().all(|assigned| {
            let Some((position, instance)) = device::find(&node.resources.devices, assigned) else {
                return false;
            };
            let fits = instance.healthy && held.taken(position).checked_add(assigned.share).is_some();
            held.add(position, assigned.share);
            fits
        })
    }

    /// Counts `allocation` without asking whether it fits (what runs already is a fact).
    pub fn add(&mut self, node: &Node, allocation: &Allocation) {
        self.ask = add(self.ask, allocation.ask);
        for port in &allocation.ports {
            self.hold_port(port.value, port.shared);
        }
        self.cores.extend(allocation.cores.iter().copied());
        for assigned in &allocation.devices {
            // A device that the node lost since holds nothing up.
            if let Some((position, _)) = device::find(&node.resources.devices, assigned) {
                self.devices.add(position, assigned.share);
            }
        }
    }

    /// Counts `allocation` no more.
    pub fn remove(&mut self, node: &Node, allocation: &Allocation) {
        self.ask = subtract(self.ask, allocation.ask);
        for port in &allocation.ports {
            self.release_port(port.value, port.shared);
        }
        for core in &allocation.cores {
            self.cores.remove(core);
        }
        for assigned in &allocation.devices {
            if let Some((position, _)) = device::find(&node.resources.devices, assigned) {
                self.devices.remove(position, assigned.share);
            }
        }
    }

    pub fn hold_port(&mut self, port: u16, shared: bool) {
        if shared {
            *self.shared_ports.entry(port).or_default() += 1;
        } else {
            self.ports.insert(port);
        }
    }

    pub fn release_port(&mut self, port: u16, shared: bool) {
        if !shared {
            self.ports.remove(&port);
        } else if let Some(holders) = self.shared_ports.get_mut(&port) {
            *holders -= 1;
            if *holders == 0 {
                self.shared_ports.remove(&port);
            }
        }
    }
}

/// Sum of two asks, dimension by dimension.
pub fn add(a: Ask, b: Ask) -> Ask {
    Ask { cpu: a.cpu + b.cpu, cores: a.cores.saturating_add(b.cores), memory: a.memory + b.memory, disk: a.disk + b.disk }
}

/// An ask `count` times over.
pub fn times(ask: Ask, count: u32) -> Ask {
    let count = u64::from(count);
    Ask {
        cpu: MegaHertz(ask.cpu.0.saturating_mul(count)),
        cores: u16::try_from(u64::from(ask.cores).saturating_mul(count)).unwrap_or(u16::MAX),
        memory: MebiBytes(ask.memory.0.saturating_mul(count)),
        disk: MebiBytes(ask.disk.0.saturating_mul(count)),
    }
}

/// Difference of two asks, zero where it would be negative.
pub fn subtract(a: Ask, b: Ask) -> Ask {
    Ask { cpu: a.cpu - b.cpu, cores: a.cores.saturating_sub(b.cores), memory: a.memory - b.memory, disk: a.disk - b.disk }
}

/// The compute that `cores` whole cores of this node stand for.
pub fn compute_of_cores(node: &Node, cores: u16) -> MegaHertz {
    let total = u64::from(node.resources.total_cores.max(1));
    MegaHertz(node.resources.cpu.0 * u64::from(cores) / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_dimension_that_ran_out() {
        let ask = |cpu, memory, disk| Ask { cpu: MegaHertz(cpu), cores: 0, memory: MebiBytes(memory), disk: MebiBytes(disk) };
        let available = ask(1000, 1000, 1000);
        assert_eq!(first_exhausted(available, ask(500, 0, 0), ask(500, 1000, 1000)), None);
        assert_eq!(first_exhausted(available, ask(501, 0, 0), ask(500, 0, 0)), Some(Dimension::Cpu));
        assert_eq!(first_exhausted(available, ask(0, 1000, 0), ask(0, 1, 0)), Some(Dimension::Memory));
        assert_eq!(first_exhausted(available, ask(0, 0, 0), ask(0, 0, 1001)), Some(Dimension::Disk));
    }
}
