//! From what a task asks for to the limits of its group. The same for every driver.

use crate::model::MebiBytes;
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
        memory_hard: (hard.0 > 0 && hard != MebiBytes::UNLIMITED).then(|| hard.0.saturating_mul(MIB)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    use crate::model::task::LogConfig;
    use crate::model::{AllocId, ConfigValue, MegaHertz, TaskResources};

    fn context(resources: TaskResources, cores: Vec<u16>) -> TaskContext {
        TaskContext {
            alloc_id: AllocId(7),
            job_id: "job".into(),
            group: "group".into(),
            task: "web".into(),
            config: ConfigValue::Null,
            user: String::new(),
            env: Default::default(),
            resources,
            cores,
            alloc_dir: PathBuf::new(),
            task_dir: PathBuf::new(),
            logs_dir: PathBuf::new(),
            run_dir: PathBuf::new(),
            logs: LogConfig::default(),
        }
    }

    #[test]
    fn asked_megahertz_are_shares_and_with_a_hard_limit_a_quota() {
        let context = context(TaskResources { cpu: MegaHertz(500), ..TaskResources::default() }, Vec::new());
        let soft = cgroup_plan(&context, None);
        assert_eq!((soft.cpu_shares, soft.cpu_quota_us), (500, None));
        assert_eq!((soft.memory_soft, soft.memory_hard), (300 * MIB, Some(300 * MIB)));
        assert_eq!(soft.path, format!("allocs/{}/web", context.alloc_id));
        assert_eq!(cgroup_plan(&context, Some(2000)).cpu_quota_us, Some(CPU_PERIOD_US / 4));
        assert_eq!(cgroup_plan(&context, Some(10_000_000)).cpu_quota_us, Some(1000));
    }

    #[test]
    fn reserved_cores_need_no_quota_and_memory_max_is_the_hard_limit() {
        let resources = TaskResources { cpu: MegaHertz(0), cores: 2, memory_max: MebiBytes(512), ..TaskResources::default() };
        let plan = cgroup_plan(&context(resources, vec![1, 3]), Some(2000));
        assert_eq!((plan.cpu_shares, plan.cpu_quota_us, plan.cores), (2048, None, vec![1, 3]));
        assert_eq!((plan.memory_soft, plan.memory_hard), (300 * MIB, Some(512 * MIB)));
        let unlimited = TaskResources { memory_max: MebiBytes::UNLIMITED, ..TaskResources::default() };
        assert_eq!(cgroup_plan(&context(unlimited, Vec::new()), None).memory_hard, None);
    }
}
