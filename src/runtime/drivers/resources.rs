//! From what a task asks for to the limits of its group. The same for every driver.

use crate::runtime::cgroup::limits::CPU_PERIOD_US;
use crate::runtime::driver::TaskContext;
use crate::runtime::launch::{CgroupPlan, LogPlan};

const MIB: u64 = 1024 * 1024;

/// v1's default, taken for each reserved core.
const SHARES_PER_CORE: u64 = 1024;

/// The group of a task. `hard_limit_core_mhz`: the speed of one core when CPU beyond the asked share is to be refused.
pub(super) fn cgroup_plan(context: &TaskContext, hard_limit_core_mhz: Option<u64>) -> CgroupPlan {
    let resources = &context.resources;
    let hard = if resources.memory_max.0 > 0 { resources.memory_max } else { resources.memory };
    let reserved_cores = context.cores.len() as u64;
    let quota = |core_mhz: u64| resources.cpu.0.saturating_mul(CPU_PERIOD_US).checked_div(core_mhz);
    CgroupPlan {
        path: format!("allocs/{}/{}", context.alloc_id, context.task),
        cpu_shares: if reserved_cores > 0 { SHARES_PER_CORE * reserved_cores } else { resources.cpu.0 },
        // The kernel refuses less than a millisecond.
        cpu_quota_us: hard_limit_core_mhz.filter(|_| reserved_cores == 0).and_then(quota).map(|quota| quota.max(1000)),
        cores: context.cores.clone(),
        memory_soft: resources.memory.0.saturating_mul(MIB),
        memory_hard: (hard.0 > 0).then(|| hard.0.saturating_mul(MIB)),
        pids_max: None,
    }
}

pub(super) fn log_plan(context: &TaskContext) -> LogPlan {
    LogPlan {
        dir: context.logs_dir.clone(),
        task: context.task.clone(),
        max_files: context.logs.max_files,
        max_file_size: u64::from(context.logs.max_file_size) * MIB,
        disabled: context.logs.disabled,
    }
}
