//! The terms of a node's score, by Nomad's names and formulas. A total is the mean of the terms that apply.

use std::sync::LazyLock;

use crate::model::scheduler_config::SchedulerAlgorithm;

use super::demand::{NO_VALUE, SpreadAxis, SpreadGoal};

/// Scores are compared as integers in this unit.
const UNIT: f64 = 1e9;

pub const PACKING: &str = "binpack";
pub const ANTI_AFFINITY: &str = "job-anti-affinity";
pub const RESCHEDULE_PENALTY: &str = "node-reschedule-penalty";
pub const AFFINITY: &str = "node-affinity";
pub const DEVICES: &str = "devices";
pub const SPREAD: &str = "allocation-spread";

/// A term's name and value, as placement metrics show it.
pub type ScoredTerm = (&'static str, f64);

/// A score or sum of terms as an integer.
pub fn fixed(score: f64) -> i64 {
    (score * UNIT).round() as i64
}

/// What [`fixed`] made, as people read it.
pub fn readable(score: i64) -> f64 {
    score as f64 / UNIT
}

/// How well a node is filled once the ask is taken, 0..=1, from the fractions of compute and memory that stay free:
/// Google's best-fit v3 as Nomad uses it, `(20 - (10^cpu + 10^memory)) / 18`, or its mirror image for `Spread`.
pub fn packing(algorithm: SchedulerAlgorithm, free_cpu: f64, free_memory: f64) -> f64 {
    let total = power_of_ten(free_cpu) + power_of_ten(free_memory);
    let fitness = match algorithm {
        SchedulerAlgorithm::Binpack => 20.0 - total,
        SchedulerAlgorithm::Spread => total - 2.0,
    };
    fitness.clamp(0.0, 18.0) / 18.0
}

/// The penalty for `collisions` instances of the group that are on the node already (at least one).
pub fn anti_affinity(collisions: u32, group_count: u32) -> f64 {
    -(f64::from(collisions) + 1.0) / f64::from(group_count.max(1))
}

/// The boost of one axis for a candidate with `value`.
pub fn spread(axis: &SpreadAxis, value: u32) -> f64 {
    if value == NO_VALUE {
        return -1.0;
    }
    let used = axis.used[value as usize];
    match &axis.goal {
        SpreadGoal::Targets { wanted, weight_share } => match wanted[value as usize] {
            // This instance counts as well.
            Some(wanted) if wanted > 0.0 => (wanted - f64::from(used) - 1.0) / wanted * weight_share,
            _ => -1.0,
        },
        SpreadGoal::Even => even_spread(&axis.used, used),
    }
}

/// Values without instances are left out of the least and the most.
fn even_spread(all: &[u32], used: u32) -> f64 {
    let occupied = all.iter().copied().filter(|count| *count > 0);
    let (Some(least), Some(most)) = (occupied.clone().min(), occupied.max()) else {
        return 0.0;
    };
    let (least, most, used) = (f64::from(least), f64::from(most), f64::from(used));
    if used != least {
        (least - used) / least
    } else if least == most {
        -1.0
    } else {
        (most - least) / least
    }
}

/// `10^x` for 0..=1 from a table with linear interpolation, off by less than 1e-5; exact outside. `powf` would be most of the
/// time that a scan of the fleet takes.
fn power_of_ten(x: f64) -> f64 {
    const STEPS: usize = 1024;
    static TABLE: LazyLock<Vec<f64>> = LazyLock::new(|| (0..=STEPS + 1).map(|step| 10f64.powf(step as f64 / STEPS as f64)).collect());
    if !(0.0..=1.0).contains(&x) {
        return 10f64.powf(x);
    }
    let position = x * STEPS as f64;
    let step = position as usize;
    let below = TABLE[step];
    below + (TABLE[step + 1] - below) * (position - step as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_prefers_the_fuller_node_and_spread_the_emptier() {
        let full = packing(SchedulerAlgorithm::Binpack, 0.0, 0.0);
        let half = packing(SchedulerAlgorithm::Binpack, 0.5, 0.5);
        let empty = packing(SchedulerAlgorithm::Binpack, 1.0, 1.0);
        assert!((full - 1.0).abs() < 1e-9 && (empty - 0.0).abs() < 1e-9);
        assert!((half - (20.0 - 2.0 * 10f64.powf(0.5)) / 18.0).abs() < 1e-6);
        let spread = packing(SchedulerAlgorithm::Spread, 0.25, 0.25);
        assert!((spread - (2.0 * 10f64.powf(0.25) - 2.0) / 18.0).abs() < 1e-6);
    }

    #[test]
    fn spreads_follow_the_published_table() {
        let even = |used: &[u32], value| spread(&SpreadAxis { values: vec![], used: used.to_vec(), goal: SpreadGoal::Even }, value);
        assert_eq!(even(&[0, 0], 0), 0.0);
        assert_eq!(even(&[2, 2], 0), -1.0);
        assert_eq!(even(&[1, 3], 0), 2.0);
        assert_eq!(even(&[1, 3], 1), -2.0);
        assert_eq!(even(&[0, 3], 0), 1.0);
        assert_eq!(even(&[0, 3], NO_VALUE), -1.0);
        let goal = SpreadGoal::Targets { wanted: vec![Some(7.0), Some(3.0), None], weight_share: 0.5 };
        let axis = SpreadAxis { values: vec![], used: vec![0, 3, 0], goal };
        assert!((spread(&axis, 0) - 6.0 / 7.0 * 0.5).abs() < 1e-12);
        assert!((spread(&axis, 1) + 1.0 / 3.0 * 0.5).abs() < 1e-12);
        assert_eq!(spread(&axis, 2), -1.0);
    }
}
