//! From a plan's limits to what is written into which file. Pure.

use std::collections::BTreeSet;

use super::Controller;
use crate::runtime::launch::CgroupPlan;

/// The period that a plan's CPU quota is counted in, microseconds.
pub const CPU_PERIOD_US: u64 = 100_000;

/// v1's and thus a plan's range of CPU shares.
const SHARES_MIN: u64 = 2;
const SHARES_MAX: u64 = 262_144;

/// One value for one file of a v2 group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub file: &'static str,
    pub value: String,
}

impl Setting {
    fn new(file: &'static str, value: impl Into<String>) -> Self {
        Self { file, value: value.into() }
    }
}

/// Shares within the range that the kernel takes.
pub fn clamp_shares(shares: u64) -> u64 {
    shares.clamp(SHARES_MIN, SHARES_MAX)
}

/// v1 shares (2..=262144, default 1024) as a v2 weight (1..=10000, default 100).
///
/// The curve of runc 1.3 and crun 1.23, which goes through the minima, the defaults and the maxima of both scales:
/// `weight = ceil(10^((l^2 + 125 l) / 612 - 7/34))` with `l = log2(shares)`. The older linear formula gave 512 shares a
/// weight of 20 where half the default is meant; this one gives 59.
pub fn weight_of_shares(shares: u64) -> u64 {
    let log = (clamp_shares(shares) as f64).log2();
    let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
    // The tolerance keeps the exact points (2, 1024, 262144) from being rounded up by the last bit of the logarithm.
    let weight = (10f64.powf(exponent) - 1e-9).ceil();
    (weight as u64).clamp(1, 10_000)
}

/// `0-2,5` for the cores 0, 1, 2 and 5.
pub fn cpu_list(cores: &[u16]) -> String {
    let sorted: BTreeSet<u16> = cores.iter().copied().collect();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for core in sorted {
        match ranges.last_mut() {
            Some((_, last)) if u32::from(*last) + 1 == u32::from(core) => *last = core,
            _ => ranges.push((core, core)),
        }
    }
    let texts: Vec<String> =
        ranges.into_iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") }).collect();
    texts.join(",")
}

/// What to write into a fresh v2 group, of the controllers that are `available` there, in order.
pub fn v2_settings(plan: &CgroupPlan, available: &BTreeSet<Controller>) -> Vec<Setting> {
    let mut settings = Vec::new();
    if available.contains(&Controller::Cpu) {
        if plan.cpu_shares > 0 {
            settings.push(Setting::new("cpu.weight", weight_of_shares(plan.cpu_shares).to_string()));
        }
        if let Some(quota) = plan.cpu_quota_us {
            settings.push(Setting::new("cpu.max", format!("{quota} {CPU_PERIOD_US}")));
        }
    }
    if available.contains(&Controller::Cpuset) && !plan.cores.is_empty() {
        settings.push(Setting::new("cpuset.cpus", cpu_list(&plan.cores)));
    }
    if available.contains(&Controller::Memory) {
        if let Some(hard) = plan.memory_hard {
            settings.push(Setting::new("memory.max", hard.to_string()));
            // A limit that swap could stretch would not be one.
            settings.push(Setting::new("memory.swap.max", "0"));
        }
        if plan.memory_soft > 0 {
            settings.push(Setting::new("memory.low", plan.memory_soft.to_string()));
        }
        // A task that lost one process to the OOM killer is broken as a whole.
        settings.push(Setting::new("memory.oom.group", "1"));
    }
    if available.contains(&Controller::Pids)
        && let Some(most) = plan.pids_max
    {
        settings.push(Setting::new("pids.max", most.to_string()));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> CgroupPlan {
        CgroupPlan {
            path: "allocs/a/web".to_owned(),
            cpu_shares: 512,
            cpu_quota_us: Some(25_000),
            cores: vec![3, 1, 0, 7],
            memory_soft: 1 << 20,
            memory_hard: Some(2 << 20),
            pids_max: Some(64),
        }
    }

    #[test]
    fn the_curve_goes_through_both_scales_fixed_points() {
        for (shares, weight) in [(0, 1), (2, 1), (512, 59), (1024, 100), (262_144, 10_000), (u64::MAX, 10_000)] {
            assert_eq!(weight_of_shares(shares), weight, "{shares} shares");
        }
        let weights: Vec<u64> = (2..5000).map(weight_of_shares).collect();
        assert!(weights.is_sorted(), "more shares never weigh less");
    }

    #[test]
    fn cores_become_ranges() {
        assert_eq!(cpu_list(&[3, 1, 0, 7, 2, 7]), "0-3,7");
        assert_eq!(cpu_list(&[u16::MAX, 0]), "0,65535");
        assert_eq!(cpu_list(&[]), "");
    }

    #[test]
    fn v2_files_have_the_kernels_form() {
        let all = Controller::ALL.into_iter().collect();
        let written: Vec<String> = v2_settings(&plan(), &all).into_iter().map(|s| format!("{}={}", s.file, s.value)).collect();
        let expected = [
            "cpu.weight=59",
            "cpu.max=25000 100000",
            "cpuset.cpus=0-1,3,7",
            "memory.max=2097152",
            "memory.swap.max=0",
            "memory.low=1048576",
            "memory.oom.group=1",
            "pids.max=64",
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn nothing_is_written_for_a_controller_that_is_not_there() {
        assert_eq!(v2_settings(&plan(), &BTreeSet::new()), []);
        let unlimited = CgroupPlan { cpu_quota_us: None, cores: vec![], memory_hard: None, pids_max: None, ..plan() };
        let all = Controller::ALL.into_iter().collect();
        assert!(v2_settings(&unlimited, &all).iter().all(|s| !["cpu.max", "memory.max", "pids.max"].contains(&s.file)));
    }
}
