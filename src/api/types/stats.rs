//! Resource usage of a node and of an allocation, as measured.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// `GET /v1/client/stats`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct HostStats {
    pub memory: HostMemoryStats,
    #[serde(rename = "CPU", deserialize_with = "null_as_default")]
    pub cpu: Vec<HostCpuStats>,
    #[serde(deserialize_with = "null_as_default")]
    pub disk_stats: Vec<HostDiskStats>,
    pub alloc_dir_stats: Option<HostDiskStats>,
    #[serde(deserialize_with = "null_as_default")]
    pub device_stats: Vec<serde_json::Value>,
    /// Seconds.
    pub uptime: u64,
    /// Megahertz in use over all cores.
    #[serde(rename = "CPUTicksConsumed")]
    pub cpu_ticks_consumed: f64,
    /// Unix time in nanoseconds.
    pub timestamp: i64,
}

/// Memory of a host, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct HostMemoryStats {
    pub total: u64,
    pub available: u64,
    pub used: u64,
    pub free: u64,
}

/// One core, in per cent of its time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct HostCpuStats {
    #[serde(rename = "CPU", deserialize_with = "null_as_default")]
    pub cpu: String,
    pub user: f64,
    pub system: f64,
    pub idle: f64,
    pub total_percent: f64,
    pub total_ticks: f64,
}

/// One file system, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct HostDiskStats {
    #[serde(deserialize_with = "null_as_default")]
    pub device: String,
    #[serde(deserialize_with = "null_as_default")]
    pub mountpoint: String,
    pub size: u64,
    pub used: u64,
    pub available: u64,
    pub used_percent: f64,
    pub inodes_used_percent: f64,
}

/// `GET /v1/client/allocation/:id/stats`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocResourceUsage {
    pub resource_usage: ResourceUsage,
    #[serde(deserialize_with = "null_as_default")]
    pub tasks: BTreeMap<String, TaskResourceUsage>,
    /// Unix time in nanoseconds.
    pub timestamp: i64,
}

/// Usage of one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskResourceUsage {
    pub resource_usage: ResourceUsage,
    /// Unix time in nanoseconds.
    pub timestamp: i64,
    /// Usage per process id, where a driver knows it.
    #[serde(deserialize_with = "null_as_default")]
    pub pids: BTreeMap<String, ResourceUsage>,
}

/// Memory and compute in use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct ResourceUsage {
    pub memory_stats: MemoryStats,
    pub cpu_stats: CpuStats,
    #[serde(deserialize_with = "null_as_default")]
    pub device_stats: Vec<serde_json::Value>,
}

/// Memory in use, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct MemoryStats {
    #[serde(rename = "RSS")]
    pub rss: u64,
    pub cache: u64,
    pub swap: u64,
    pub mapped_file: u64,
    pub usage: u64,
    pub max_usage: u64,
    pub kernel_usage: u64,
    pub kernel_max_usage: u64,
    /// Which of the fields the driver measures.
    #[serde(deserialize_with = "null_as_default")]
    pub measured: Vec<String>,
}

/// Compute in use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct CpuStats {
    /// Per cent of one core.
    pub system_mode: f64,
    pub user_mode: f64,
    pub percent: f64,
    /// Megahertz.
    pub total_ticks: f64,
    pub throttled_periods: u64,
    /// Nanoseconds.
    pub throttled_time: u64,
    /// Which of the fields the driver measures.
    #[serde(deserialize_with = "null_as_default")]
    pub measured: Vec<String>,
}
