//! Cores and their compute: the sum of MHz over cores is what `cpu` asks are taken from.

use std::path::Path;

use super::{Facts, read};
use crate::model::{MegaHertz, NumaNode};
use crate::node::config::NodeConfig;
use crate::node::environment::core_list;

/// Where the kernel does not tell a frequency (many virtual machines and ARM boards).
const ASSUMED_MHZ: u64 = 1000;

pub fn add(facts: &mut Facts, config: &NodeConfig) {
    let cpuinfo = read("/proc/cpuinfo").unwrap_or_default();
    let cores = usable_cores();
    let count = u16::try_from(cores.len()).unwrap_or(u16::MAX).max(1);
    let frequency = frequency(&cpuinfo);
    let total = config.cpu_total_compute.unwrap_or(MegaHertz(frequency * u64::from(count)));
    let reservable: Vec<u16> = cores.into_iter().filter(|core| !config.reserved.cores.contains(core)).collect();

    facts.set("cpu.arch", architecture());
    facts.set("kernel.arch", std::env::consts::ARCH);
    facts.set("cpu.numcores", &count);
    facts.set("cpu.frequency", &frequency);
    facts.set("cpu.totalcompute", &total.0);
    facts.set("cpu.usablecompute", &(total - config.reserved.cpu).0);
    facts.set("cpu.reservablecores", &reservable.len());
    if let Some(model) = field(&cpuinfo, "model name") {
        facts.set("cpu.modelname", model);
    }
    facts.resources.numa = numa_nodes(Path::new("/sys/devices/system/node"));
    facts.set("numa.node.count", &facts.resources.numa.len());
    for node in facts.resources.numa.clone() {
        facts.set(&format!("numa.node{}.cores", node.id), &core_list(&node.cores));
    }
    facts.resources.cpu = total;
    facts.resources.total_cores = count;
    facts.resources.reservable_cores = reservable;
}

/// By Go's names, which jobspecs constrain on.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// Cores that this process, and so its tasks, may run on.
fn usable_cores() -> Vec<u16> {
    let status = read("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(|list| parse_core_list(list.trim()));
    allowed.filter(|cores| !cores.is_empty()).unwrap_or_else(|| {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        (0..u16::try_from(count).unwrap_or(u16::MAX)).collect()
    })
}

/// NUMA nodes that have cores, ascending; empty where the kernel does not tell.
fn numa_nodes(nodes: &Path) -> Vec<NumaNode> {
    let entries = std::fs::read_dir(nodes).into_iter().flatten().flatten();
    let node = |entry: std::fs::DirEntry| {
        let id = entry.file_name().to_str()?.strip_prefix("node")?.parse().ok()?;
        let list = std::fs::read_to_string(entry.path().join("cpulist")).ok()?;
        let cores = parse_core_list(list.trim());
        (!cores.is_empty()).then_some(NumaNode { id, cores })
    };
    let mut nodes: Vec<NumaNode> = entries.filter_map(node).collect();
    nodes.sort_by_key(|node| node.id);
    nodes
}

/// `0-3,8` as the kernel writes it; what is not a number is skipped.
fn parse_core_list(list: &str) -> Vec<u16> {
    let mut cores = Vec::new();
    for part in list.split(',') {
        let (start, end) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(start), Ok(end)) = (start.parse::<u16>(), end.parse::<u16>()) {
            cores.extend(start..=end);
        }
    }
    cores
}

/// MHz of a core: the frequency it is rated at, where told, else what it runs at now.
fn frequency(cpuinfo: &str) -> u64 {
    let rated = ["base_frequency", "cpuinfo_max_freq"]
        .iter()
        .find_map(|file| read(&format!("/sys/devices/system/cpu/cpu0/cpufreq/{file}"))?.trim().parse::<u64>().ok())
        .map(|khz| khz / 1000);
    let current = || field(cpuinfo, "cpu MHz").and_then(|mhz| mhz.parse::<f64>().ok()).map(|mhz| mhz as u64);
    rated.or_else(current).filter(|mhz| *mhz > 0).unwrap_or(ASSUMED_MHZ)
}

/// First value of a field of `/proc/cpuinfo`.
fn field<'a>(cpuinfo: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_core_lists_and_fields() {
        assert_eq!(parse_core_list("0-2,5,x"), [0, 1, 2, 5]);
        assert_eq!(parse_core_list(""), [0u16; 0]);
        let cpuinfo = "processor\t: 0\nmodel name\t: A CPU: fast\ncpu MHz\t\t: 2400.123\n";
        assert_eq!(field(cpuinfo, "model name"), Some("A CPU: fast"));
        assert_eq!(field(cpuinfo, "cpu MHz"), Some("2400.123"));
    }
}
