//! Devices of a node beside its processors: graphics cards and the like. A job asks for whole ones or for a share of one.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Affinity, Constraint, Text};

/// A part of one device, in thousandths; integers, so that shares add up exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceShare(pub u16);

impl DeviceShare {
    pub const NONE: Self = Self(0);
    pub const WHOLE: Self = Self(1000);

    /// `None`: beyond a whole device.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self).filter(|sum| *sum <= Self::WHOLE)
    }

    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Default for DeviceShare {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for DeviceShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1000.0)
    }
}

/// `device "vendor/type/name"` of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceAsk {
    /// `type`, `vendor/type` or `vendor/type/name`.
    pub name: Text,
    pub count: u64,
    /// Of each of them; below a whole device others may share it.
    pub share: DeviceShare,
    /// On `${device.*}`.
    pub constraints: Vec<Constraint>,
    pub affinities: Vec<Affinity>,
}

/// Equal devices of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceGroup {
    pub vendor: Text,
    pub kind: Text,
    pub name: Text,
    /// `memory` = `40 GiB`, ...: numbers may have a unit.
    pub attributes: BTreeMap<Text, Text>,
    pub instances: Vec<DeviceInstance>,
}

impl DeviceGroup {
    /// Whether a job that asks for `name` may have one of these.
    pub fn answers_to(&self, name: &str) -> bool {
        let mut parts = name.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(kind), None, None) => *self.kind == *kind,
            (Some(vendor), Some(kind), None) => *self.vendor == *vendor && *self.kind == *kind,
            (Some(vendor), Some(kind), Some(name)) => *self.vendor == *vendor && *self.kind == *kind && *self.name == *name,
            _ => false,
        }
    }
}

impl fmt::Display for DeviceGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.vendor, self.kind, self.name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInstance {
    /// Unique within its group: a UUID, a PCI address, or what the operator calls it.
    pub id: Text,
    pub healthy: bool,
    /// Why it is not healthy; empty when it is.
    pub health_description: Text,
    /// Address on the PCI bus, where known.
    pub pci_bus_id: Text,
    /// The NUMA node that it hangs on, where known.
    pub numa_node: Option<u16>,
}

/// A device, or a share of one, that a placement gave to a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedDevice {
    pub task: Text,
    pub vendor: Text,
    pub kind: Text,
    pub name: Text,
    pub instance: Text,
    pub share: DeviceShare,
}

/// Position of an instance among all devices of its node, counted through the groups in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DevicePosition(pub u16);

/// The node's instance that `device` names, if the node still has it.
pub fn find<'a>(groups: &'a [DeviceGroup], device: &AssignedDevice) -> Option<(DevicePosition, &'a DeviceInstance)> {
    let mut first = 0;
    for group in groups {
        if group.kind == device.kind && group.vendor == device.vendor && group.name == device.name {
            let at = group.instances.iter().position(|instance| instance.id == device.instance)?;
            return Some((DevicePosition(u16::try_from(first + at).ok()?), &group.instances[at]));
        }
        first += group.instances.len();
    }
    None
}

/// What is taken of each of a node's devices. Empty, and without cost, on nodes without devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceUsage(Vec<DeviceShare>);

impl DeviceUsage {
    pub fn taken(&self, position: DevicePosition) -> DeviceShare {
        self.0.get(usize::from(position.0)).copied().unwrap_or(DeviceShare::NONE)
    }

    /// Counts a share that is held, even beyond the whole device: what runs already is a fact.
    pub fn add(&mut self, position: DevicePosition, share: DeviceShare) {
        let at = usize::from(position.0);
        if at >= self.0.len() {
            self.0.resize(at + 1, DeviceShare::NONE);
        }
        self.0[at] = DeviceShare(self.0[at].0.saturating_add(share.0));
    }

    pub fn remove(&mut self, position: DevicePosition, share: DeviceShare) {
        if let Some(taken) = self.0.get_mut(usize::from(position.0)) {
            *taken = taken.saturating_sub(share);
        }
        // Equal use is equal whatever came before.
        while self.0.last().is_some_and(|taken| *taken == DeviceShare::NONE) {
            self.0.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_from_the_type_to_the_model() {
        let group = DeviceGroup { vendor: "nvidia".into(), kind: "gpu".into(), name: "A100".into(), ..DeviceGroup::default() };
        for name in ["gpu", "nvidia/gpu", "nvidia/gpu/A100"] {
            assert!(group.answers_to(name), "{name}");
        }
        for name in ["", "fpga", "nvidia", "amd/gpu", "nvidia/gpu/H100", "gpu/nvidia", "nvidia/gpu/A100/0"] {
            assert!(!group.answers_to(name), "{name}");
        }
    }

    #[test]
    fn shares_never_exceed_the_whole() {
        assert_eq!(DeviceShare(400).checked_add(DeviceShare(600)), Some(DeviceShare::WHOLE));
        assert_eq!(DeviceShare(401).checked_add(DeviceShare(600)), None);
        assert_eq!(DeviceShare(u16::MAX).checked_add(DeviceShare::WHOLE), None);
    }
}
