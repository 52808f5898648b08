//! What tasks ask for and what nodes have.

use serde::{Deserialize, Serialize};

use super::{DeviceAsk, DeviceGroup, MebiBytes, MegaHertz, Text};

/// `resources` of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResources {
    /// Shares of compute; zero when `cores` are asked for.
    pub cpu: MegaHertz,
    /// Whole cores reserved through a cpuset.
    pub cores: u16,
    pub memory: MebiBytes,
    /// The hard limit when it is above `memory`; zero: `memory` is the limit; [`MebiBytes::UNLIMITED`]: there is none.
    pub memory_max: MebiBytes,
    pub devices: Vec<DeviceAsk>,
    pub numa: NumaAsk,
}

/// Where the cores of a task shall lie. It means something only together with `cores`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumaAsk {
    pub affinity: NumaAffinity,
    /// Names of devices that the task asks for and that shall be on the NUMA node of its cores.
    pub devices: Vec<Text>,
}

/// From the weakest to the strongest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NumaAffinity {
    #[default]
    None,
    /// All on one NUMA node where there is one that has room, else anywhere.
    Prefer,
    /// All on one NUMA node, or not on this machine.
    Require,
}

impl Default for TaskResources {
    fn default() -> Self {
        Self {
            cpu: MegaHertz(100),
            cores: 0,
            memory: MebiBytes(300),
            memory_max: MebiBytes(0),
            devices: Vec::new(),
            numa: NumaAsk::default(),
        }
    }
}

/// What one instance of a group takes from a node, summed over its tasks (see
/// [`super::TaskGroup::ask`]). The only currency of [`super::fit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ask {
    pub cpu: MegaHertz,
    pub cores: u16,
    pub memory: MebiBytes,
    pub disk: MebiBytes,
}

/// What a node has, before and after what its operator reserved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeResources {
    pub cpu: MegaHertz,
    /// Number of cores, and which of them may be reserved whole (ids as the kernel numbers them).
    pub total_cores: u16,
    pub reservable_cores: Vec<u16>,
    pub memory: MebiBytes,
    pub disk: MebiBytes,
    pub reserved_cpu: MegaHertz,
    pub reserved_memory: MebiBytes,
    pub reserved_disk: MebiBytes,
    pub reserved_ports: Vec<u16>,
    pub networks: Vec<NodeNetwork>,
    pub devices: Vec<DeviceGroup>,
    /// Ascending by id; empty where it is not known, which is taken as one.
    pub numa: Vec<NumaNode>,
}

/// Cores that share a path to memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumaNode {
    pub id: u16,
    pub cores: Vec<u16>,
}

impl NodeResources {
    /// What may be given to allocations.
    pub fn available(&self) -> Ask {
        Ask {
            cpu: self.cpu - self.reserved_cpu,
            cores: u16::try_from(self.reservable_cores.len()).unwrap_or(u16::MAX),
            memory: self.memory - self.reserved_memory,
            disk: self.disk - self.reserved_disk,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeNetwork {
    pub device: Text,
    pub ip: Text,
    pub cidr: Text,
}
