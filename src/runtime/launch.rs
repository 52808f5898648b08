//! A launch plan: all that the shim needs, as a file, so that a start can be looked at and replayed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Version of this file's shape; an agent speaks to shims of the version before, too.
pub const LAUNCH_PLAN_VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchPlan {
    pub version: u32,
    /// The driver that prepared it.
    pub driver: String,
    pub kind: LaunchKind,
    pub run_dir: PathBuf,
    pub logs: LogPlan,
    /// `None`: no cgroup is made (no permission, or the operator said so).
    pub cgroup: Option<CgroupPlan>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LaunchKind {
    /// A plain process without isolation.
    Process(ProcessPlan),
    /// No process at all: behaves as told, in the agent (for tests and simulations).
    Mock(MockPlan),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessPlan {
    /// Absolute path, then arguments.
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub work_dir: PathBuf,
    /// Empty: the agent's user.
    pub user: String,
    pub oom_score_adj: Option<i32>,
}

/// Nomad's `mock_driver` options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MockPlan {
    pub run_for_ms: u64,
    pub exit_code: i32,
    pub exit_signal: i32,
    pub start_error: String,
    pub start_error_recoverable: bool,
    pub start_block_for_ms: u64,
    pub kill_after_ms: u64,
    pub stdout_string: String,
    pub stdout_repeat: u32,
    pub stdout_repeat_duration_ms: u64,
    pub signal_error: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogPlan {
    /// `<task>.stdout.<n>` and `<task>.stderr.<n>` are made here.
    pub dir: PathBuf,
    pub task: String,
    pub max_files: u32,
    /// Bytes.
    pub max_file_size: u64,
    pub disabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CgroupPlan {
    /// Below the agent's parent group, e.g. `allocs/<alloc>/<task>`; never absolute.
    pub path: String,
    /// Nomad's MHz shares.
    pub cpu_shares: u64,
    /// Microseconds of CPU per 100 ms period; `None`: no hard limit.
    pub cpu_quota_us: Option<u64>,
    pub cores: Vec<u16>,
    /// Bytes: reclaim below is avoided / the hard limit.
    pub memory_soft: u64,
    pub memory_hard: Option<u64>,
    pub pids_max: Option<u64>,
}
