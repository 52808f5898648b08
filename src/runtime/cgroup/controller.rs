//! The kernel's resource controllers that a task's group can use.

use serde::{Deserialize, Serialize};

/// One controller. `Io` is `blkio` on v1; `Cpuacct` and `Freezer` are part of the core on v2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    Cpu,
    Cpuacct,
    Cpuset,
    Memory,
    Pids,
    Io,
    Devices,
    Freezer,
}

impl Controller {
    pub const ALL: [Self; 8] = [Self::Cpu, Self::Cpuacct, Self::Cpuset, Self::Memory, Self::Pids, Self::Io, Self::Devices, Self::Freezer];

    /// The name in `cgroup.controllers`.
    pub fn v2_name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
            Self::Cpuset => "cpuset",
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Io => "io",
            Self::Devices => "devices",
            Self::Freezer => "freezer",
        }
    }

    /// The name among a v1 mount's options.
    pub fn v1_name(self) -> &'static str {
        match self {
            Self::Io => "blkio",
            other => other.v2_name(),
        }
    }

    pub fn from_v1_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|controller| controller.v1_name() == name)
    }

    pub fn from_v2_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|controller| controller.v2_name() == name)
    }
}
