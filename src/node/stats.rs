//! What the machine as a whole uses.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use nix::sys::statvfs::statvfs;

use super::fingerprint::memory::MemoryInfo;
use crate::util::clock::Timestamp;

/// Ticks per second of the kernel's user interface, fixed at 100 on every Linux architecture we run on.
const TICKS_PER_SECOND: u64 = 100;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostStats {
    pub at: Timestamp,
    pub uptime: Duration,
    pub cpu: CpuTime,
    pub memory: MemoryInfo,
    /// Of the file system that holds the allocations; bytes.
    pub disk_total: u64,
    pub disk_available: u64,
}

/// Time that all cores together spent since the boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    pub user: Duration,
    pub system: Duration,
    pub idle: Duration,
}

/// Reads `/proc` and the file system of `alloc_root`. Blocks for microseconds.
pub fn read(alloc_root: &Path, now: Timestamp) -> io::Result<HostStats> {
    let disk = statvfs(alloc_root)?;
    Ok(HostStats {
        at: now,
        uptime: parse_uptime(&fs::read_to_string("/proc/uptime")?),
        cpu: parse_cpu(&fs::read_to_string("/proc/stat")?),
        memory: MemoryInfo::parse(&fs::read_to_string("/proc/meminfo")?),
        disk_total: disk.blocks() * disk.fragment_size(),
        disk_available: disk.blocks_available() * disk.fragment_size(),
    })
}

fn parse_uptime(text: &str) -> Duration {
    let seconds = text.split_whitespace().next().and_then(|field| field.parse().ok()).unwrap_or(0.0);
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn parse_cpu(text: &str) -> CpuTime {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    let spent = |fields: &[usize]| {
        let sum: u64 = fields.iter().filter_map(|field| ticks.get(*field)).sum();
        Duration::from_millis(sum * 1000 / TICKS_PER_SECOND)
    };
    // user nice system idle iowait irq softirq
    CpuTime { user: spent(&[0, 1]), system: spent(&[2, 5, 6]), idle: spent(&[3, 4]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_files() {
        let cpu = parse_cpu("cpu  100 50 200 1000 25 1 4 0 0 0\ncpu0 1 2 3\n");
        assert_eq!(cpu.user, Duration::from_millis(1500));
        assert_eq!(cpu.system, Duration::from_millis(2050));
        assert_eq!(cpu.idle, Duration::from_millis(10_250));
        assert_eq!(parse_uptime("12.50 99.1\n"), Duration::from_millis(12_500));
        assert!(read(Path::new("/"), Timestamp(1)).unwrap().disk_total > 0);
    }
}
