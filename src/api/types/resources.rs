//! Resources: what a node has and what an allocation was given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// What a node has for allocations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeResources {
    pub cpu: NodeCpuResources,
    pub memory: NodeMemoryResources,
    pub disk: NodeDiskResources,
    #[serde(deserialize_with = "null_as_default")]
    pub networks: Vec<NetworkResource>,
    #[serde(deserialize_with = "null_as_default")]
    pub devices: Vec<NodeDeviceResource>,
    pub min_dynamic_port: u16,
    pub max_dynamic_port: u16,
}

/// Compute of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeCpuResources {
    /// Megahertz over all cores.
    pub cpu_shares: i64,
    pub total_cpu_cores: u16,
    #[serde(deserialize_with = "null_as_default")]
    pub reservable_cpu_cores: Vec<u16>,
}

/// Memory of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeMemoryResources {
    #[serde(rename = "MemoryMB")]
    pub memory_mb: i64,
}

/// Disk of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeDiskResources {
    #[serde(rename = "DiskMB")]
    pub disk_mb: i64,
}

/// What a node keeps for itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeReservedResources {
    pub cpu: NodeReservedCpu,
    pub memory: NodeMemoryResources,
    pub disk: NodeDiskResources,
    pub networks: NodeReservedNetworks,
}

/// Compute a node keeps for itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeReservedCpu {
    /// Megahertz.
    pub cpu_shares: u64,
}

/// Ports a node keeps for itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeReservedNetworks {
    /// Ranges such as `22,80,8500-8600`.
    #[serde(deserialize_with = "null_as_default")]
    pub reserved_host_ports: String,
}

/// What an allocation was given, per task and for all of its tasks together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedResources {
    #[serde(deserialize_with = "null_as_default")]
    pub tasks: BTreeMap<String, AllocatedTaskResources>,
    pub shared: AllocatedSharedResources,
}

/// What one task was given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedTaskResources {
    pub cpu: AllocatedCpuResources,
    pub memory: AllocatedMemoryResources,
    #[serde(deserialize_with = "null_as_default")]
    pub networks: Vec<NetworkResource>,
    #[serde(deserialize_with = "null_as_default")]
    pub devices: Vec<AllocatedDeviceResource>,
}

/// Devices of one group that a task was given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedDeviceResource {
    pub vendor: String,
    pub r#type: String,
    pub name: String,
    #[serde(rename = "DeviceIDs", deserialize_with = "null_as_default")]
    pub device_ids: Vec<String>,
    /// Of each of them, 1 for whole devices (pannier's own).
    pub share: f64,
}

/// Equal devices of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeDeviceResource {
    pub vendor: String,
    pub r#type: String,
    pub name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub instances: Vec<NodeDevice>,
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: BTreeMap<String, DeviceAttribute>,
}

/// One device of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeDevice {
    #[serde(rename = "ID")]
    pub id: String,
    pub healthy: bool,
    pub health_description: String,
    pub locality: Option<NodeDeviceLocality>,
}

/// Where a device is plugged in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeDeviceLocality {
    #[serde(rename = "PciBusID")]
    pub pci_bus_id: String,
}

/// A fact of a device: exactly one of the values is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DeviceAttribute {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub float: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub int: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bool: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// Compute of one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedCpuResources {
    /// Megahertz.
    pub cpu_shares: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub reserved_cores: Vec<u16>,
}

/// Memory of one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedMemoryResources {
    #[serde(rename = "MemoryMB")]
    pub memory_mb: i64,
    /// The hard limit when memory may be oversubscribed; 0 is none.
    #[serde(rename = "MemoryMaxMB")]
    pub memory_max_mb: i64,
}

/// What the tasks of an allocation share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedSharedResources {
    #[serde(rename = "DiskMB")]
    pub disk_mb: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub networks: Vec<NetworkResource>,
    #[serde(deserialize_with = "null_as_default")]
    pub ports: Vec<AllocatedPort>,
}

/// A port of the host given to an allocation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocatedPort {
    #[serde(deserialize_with = "null_as_default")]
    pub label: String,
    pub value: u16,
    /// The port inside the allocation's network; 0 is the same.
    pub to: i32,
    #[serde(rename = "HostIP", deserialize_with = "null_as_default")]
    pub host_ip: String,
}

/// A network of a node or an allocation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkResource {
    #[serde(deserialize_with = "null_as_default")]
    pub mode: String,
    #[serde(deserialize_with = "null_as_default")]
    pub device: String,
    #[serde(rename = "CIDR", deserialize_with = "null_as_default")]
    pub cidr: String,
    #[serde(rename = "IP", deserialize_with = "null_as_default")]
    pub ip: String,
    #[serde(deserialize_with = "null_as_default")]
    pub hostname: String,
    #[serde(rename = "MBits")]
    pub mbits: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub reserved_ports: Vec<NetworkPort>,
    #[serde(deserialize_with = "null_as_default")]
    pub dynamic_ports: Vec<NetworkPort>,
}

/// A port asked for or given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkPort {
    #[serde(deserialize_with = "null_as_default")]
    pub label: String,
    pub value: u16,
    pub to: i32,
    #[serde(deserialize_with = "null_as_default")]
    pub host_network: String,
}

/// The flat form of resources that older clients read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Resources {
    #[serde(rename = "CPU")]
    pub cpu: i64,
    pub cores: i64,
    #[serde(rename = "MemoryMB")]
    pub memory_mb: i64,
    #[serde(rename = "MemoryMaxMB")]
    pub memory_max_mb: i64,
    #[serde(rename = "DiskMB")]
    pub disk_mb: i64,
    #[serde(rename = "IOPS")]
    pub iops: i64,
    #[serde(deserialize_with = "null_as_default")]
    pub networks: Vec<NetworkResource>,
    #[serde(deserialize_with = "null_as_default")]
    pub devices: Vec<serde_json::Value>,
}
