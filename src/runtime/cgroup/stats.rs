//! Usage of a group, read from the kernel's files: v2's where they are, else v1's.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::paths::field;
use super::{CgroupPaths, Controller};
use crate::runtime::driver::TaskStats;
use crate::util::clock::Timestamp;

/// Ticks per second of `cpuacct.stat`; fixed at 100 on every architecture that Linux exports it to user space for.
const USER_HZ: u64 = 100;

/// What the group uses now; fields that no mounted controller counts stay zero.
pub fn read(paths: &CgroupPaths) -> TaskStats {
    let mut stats = TaskStats { at: Timestamp::now(), ..TaskStats::default() };
    if let Some(dir) = &paths.v2 {
        read_v2(dir, &mut stats);
    }
    for (controller, dir) in &paths.v1 {
        read_v1(*controller, dir, &mut stats);
    }
    stats
}

fn read_v2(dir: &Path, stats: &mut TaskStats) {
    let cpu = text(dir, "cpu.stat");
    let micros = |name| Duration::from_micros(field(&cpu, name).unwrap_or(0));
    stats.cpu_total = micros("usage_usec");
    stats.cpu_user = micros("user_usec");
    stats.cpu_system = micros("system_usec");
    stats.throttled_periods = field(&cpu, "nr_throttled").unwrap_or(0);
    stats.throttled_time = micros("throttled_usec");
    let memory = text(dir, "memory.stat");
    stats.memory_usage = number(dir, "memory.current");
    stats.memory_max_usage = number(dir, "memory.peak");
    stats.memory_rss = field(&memory, "anon").unwrap_or(0);
    stats.memory_cache = field(&memory, "file").unwrap_or(0);
    stats.memory_swap = number(dir, "memory.swap.current");
    stats.pids = number(dir, "pids.current");
}

fn read_v1(controller: Controller, dir: &Path, stats: &mut TaskStats) {
    match controller {
        Controller::Cpu => {
            let cpu = text(dir, "cpu.stat");
            stats.throttled_periods = field(&cpu, "nr_throttled").unwrap_or(0);
            stats.throttled_time = Duration::from_nanos(field(&cpu, "throttled_time").unwrap_or(0));
        }
        Controller::Cpuacct => {
            let split = text(dir, "cpuacct.stat");
            let ticks = |name| Duration::from_millis(field(&split, name).unwrap_or(0) * (1000 / USER_HZ));
            stats.cpu_total = Duration::from_nanos(number(dir, "cpuacct.usage"));
            stats.cpu_user = ticks("user");
            stats.cpu_system = ticks("system");
        }
        Controller::Memory => {
            let memory = text(dir, "memory.stat");
            stats.memory_usage = number(dir, "memory.usage_in_bytes");
            stats.memory_max_usage = number(dir, "memory.max_usage_in_bytes");
            stats.memory_rss = field(&memory, "total_rss").unwrap_or(0);
            stats.memory_cache = field(&memory, "total_cache").unwrap_or(0);
            stats.memory_swap = field(&memory, "total_swap").unwrap_or(0);
        }
        Controller::Pids => stats.pids = number(dir, "pids.current"),
        Controller::Cpuset | Controller::Io | Controller::Devices | Controller::Freezer => {}
    }
}

fn text(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap_or_default()
}

fn number(dir: &Path, file: &str) -> u64 {
    text(dir, file).trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn v2_files_are_understood() {
        let dir = tempfile::tempdir().unwrap();
        for (file, content) in [
            ("cpu.stat", "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 9\nnr_throttled 2\nthrottled_usec 50\n"),
            ("memory.current", "4096\n"),
            ("memory.stat", "anon 1000\nfile 2000\n"),
            ("pids.current", "3\n"),
        ] {
            fs::write(dir.path().join(file), content).unwrap();
        }
        let stats = read(&CgroupPaths { v2: Some(dir.path().to_path_buf()), v1: BTreeMap::new() });
        assert_eq!(stats.cpu_total, Duration::from_micros(300));
        assert_eq!((stats.throttled_periods, stats.throttled_time), (2, Duration::from_micros(50)));
        assert_eq!((stats.memory_usage, stats.memory_rss, stats.memory_cache, stats.pids), (4096, 1000, 2000, 3));
        assert_eq!(stats.memory_max_usage, 0, "memory.peak is newer than this host");
    }
}
