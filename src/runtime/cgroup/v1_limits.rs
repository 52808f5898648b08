//! Limits on v1 hierarchies, written through `cgroups-rs` controllers and read back.
//!
//! The crate's controllers are given explicit directories below a mount that [`super::detect`] found: its own detection does not
//! know hybrid hosts, its group paths may be absolute (it would then write below `/`), and it drops some write errors.

use std::fs;
use std::path::Path;

use cgroups_rs::fs::cpu::CpuController;
use cgroups_rs::fs::cpuset::CpuSetController;
use cgroups_rs::fs::memory::MemController;
use cgroups_rs::fs::pid::PidController;
use cgroups_rs::fs::{Controller as _, MaxValue};

use super::limits::{CPU_PERIOD_US, clamp_shares, cpu_list};
use super::{CgroupPaths, Controller};
use crate::runtime::launch::CgroupPlan;

/// Writes the plan's limits into the v1 groups of `paths`; what did not hold comes back as text.
pub(super) fn apply(plan: &CgroupPlan, paths: &CgroupPaths) -> Vec<String> {
    let mut problems = Problems::default();
    if let Some(dir) = paths.v1.get(&Controller::Cpu) {
        let cpu = CpuController::new(dir.clone(), dir.clone(), false);
        if plan.cpu_shares > 0 {
            let shares = clamp_shares(plan.cpu_shares);
            problems.check(cpu.set_shares(shares), dir, "cpu.shares", &shares);
        }
        if let Some(quota) = plan.cpu_quota_us {
            problems.check(cpu.set_cfs_period(CPU_PERIOD_US), dir, "cpu.cfs_period_us", &CPU_PERIOD_US);
            problems.check(cpu.set_cfs_quota(signed(quota)), dir, "cpu.cfs_quota_us", &quota);
        }
    }
    if let Some(dir) = paths.v1.get(&Controller::Cpuset) {
        let cpus = cpu_list(&plan.cores);
        let cpuset = CpuSetController::new(dir.clone(), dir.clone(), false);
        problems.check(cpuset.set_cpus(&cpus), dir, "cpuset.cpus", &cpus);
    }
    if let Some(dir) = paths.v1.get(&Controller::Memory) {
        let memory = MemController::new(dir.clone(), dir.clone(), false);
        if let Some(hard) = plan.memory_hard {
            let hard = page_aligned(hard);
            problems.check(memory.set_limit(signed(hard)), dir, "memory.limit_in_bytes", &hard);
            // Memory and swap together: the kernel wants it at or above the limit, so it comes second. Absent without swap accounting.
            if dir.join("memory.memsw.limit_in_bytes").exists() {
                problems.check(memory.set_memswap_limit(signed(hard)), dir, "memory.memsw.limit_in_bytes", &hard);
            }
        }
        if plan.memory_soft > 0 {
            let soft = page_aligned(plan.memory_soft);
            problems.check(memory.set_soft_limit(signed(soft)), dir, "memory.soft_limit_in_bytes", &soft);
        }
    }
    if let (Some(dir), Some(most)) = (paths.v1.get(&Controller::Pids), plan.pids_max) {
        let pids = PidController::new(dir.clone(), dir.clone(), false);
        problems.check(pids.set_pid_max(MaxValue::Value(signed(most))), dir, "pids.max", &most);
    }
    problems.0
}

/// Makes a cpuset group usable: a fresh v1 cpuset has no CPUs and no memory nodes until they are copied down from its parents.
pub(super) fn create_cpuset(dir: &Path, mount: &Path) -> Result<(), String> {
    CpuSetController::new(dir.to_path_buf(), mount.to_path_buf(), false).create().map_err(|error| error.to_string())
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The kernel counts in pages of 4 KiB at least and rounds down.
fn page_aligned(bytes: u64) -> u64 {
    bytes & !0xFFF
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn check<E: std::error::Error>(&mut self, written: Result<(), E>, dir: &Path, file: &str, value: &impl ToString) {
        let value = value.to_string();
        if let Err(error) = written {
            let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            self.0.push(format!("{}: cannot write {value}: {error}{cause}", dir.join(file).display()));
            return;
        }
        match fs::read_to_string(dir.join(file)) {
            Ok(held) if held.trim() == value => {}
            Ok(held) => self.0.push(format!("{}: wrote {value}, the kernel holds {}", dir.join(file).display(), held.trim())),
            Err(error) => self.0.push(format!("{}: cannot read back: {error}", dir.join(file).display())),
        }
    }
}
