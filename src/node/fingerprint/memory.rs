//! Memory.

use super::{Facts, read};
use crate::model::MebiBytes;
use crate::node::config::NodeConfig;

/// Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryInfo {
    pub total: u64,
    pub free: u64,
    pub available: u64,
}

impl MemoryInfo {
    /// Reads `/proc/meminfo`; a missing field is 0.
    pub fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            kib.unwrap_or(0) * 1024
        };
        Self { total: field("MemTotal"), free: field("MemFree"), available: field("MemAvailable") }
    }
}

pub fn add(facts: &mut Facts, config: &NodeConfig) {
    let measured = MemoryInfo::parse(&read("/proc/meminfo").unwrap_or_default()).total;
    let total = config.memory_total.unwrap_or(MebiBytes(measured >> 20));
    facts.set("memory.totalbytes", &(total.0 << 20));
    facts.resources.memory = total;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_meminfo() {
        let info = MemoryInfo::parse("MemTotal:       16384 kB\nMemFree:  1024 kB\nMemAvailable: 2048 kB\n");
        assert_eq!(info, MemoryInfo { total: 16 << 20, free: 1 << 20, available: 2 << 20 });
    }
}
