//! The terms of a node's score, by Nomad's names and formulas. A total is the mean of the terms that apply.

use crate::model::scheduler_config::SchedulerAlgorithm;

/// Scores are compared as integers in this unit.
const UNIT: f64 = 1e9;

pub const PACKING: &str = "binpack";
pub const ANTI_AFFINITY: &str = "job-anti-affinity";
pub const RESCHEDULE_PENALTY: &str = "node-reschedule-penalty";
pub const AFFINITY: &str = "node-affinity";
pub const DEVICES: &str = "devices";
pub const SPREAD: &str = "allocation-spread";

/// The names of all terms.
pub const TERMS: [&str; 6] = [PACKING, ANTI_AFFINITY, RESCHEDULE_PENALTY, AFFINITY, DEVICES, SPREAD];

/// A term's name and value, as placement metrics show it.
pub type ScoredTerm = (&'static str, f64);

/// A score or sum of terms as an integer, half a unit away from zero; `f64::round` is a call into the mathematics library.
pub fn fixed(score: f64) -> i64 {
    let scaled = score * UNIT;
    (scaled + 0.5f64.copysign(scaled)) as i64
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

/// The boost of a value that should have `wanted` instances and has `used`; this one counts as well. `None`: none should be there.
pub fn spread_target(wanted: Option<f64>, used: u32, weight_share: f64) -> f64 {
    match wanted {
        Some(wanted) if wanted > 0.0 => (wanted - f64::from(used) - 1.0) / wanted * weight_share,
        _ => -1.0,
    }
}

/// The boost of a value that has `used` instances where all should have as many; `least` and `most` are those of the values that have any.
pub fn even_spread(least: u32, most: u32, used: u32) -> f64 {
    let (least, most, used) = (f64::from(least), f64::from(most), f64::from(used));
    if used != least {
        (least - used) / least
    } else if least == most {
        -1.0
    } else {
        (most - least) / least
    }
}

/// The binpack score of a node whose free fractions add up to this energy (`10^cpu + 10^memory`) once the ask is taken.
pub fn packing_of_energy(energy: f64) -> f64 {
    (20.0 - energy).clamp(0.0, 18.0) / 18.0
}

/// `10^x` from a table with linear interpolation, off by less than 3e-6 of itself. `powf` would be most of the time that a scan of the
/// fleet takes, and is not the same on every machine; this is multiplication only.
pub fn power_of_ten(x: f64) -> f64 {
    if !(0.0..=1.0).contains(&x) {
        return power_of_ten_outside(x);
    }
    let position = x * STEPS as f64;
    let step = position as usize;
    let below = POWERS[step];
    below + (POWERS[step + 1] - below) * (position - step as f64)
}

/// Shrunk and impossible nodes; bounded so that no input takes long.
#[cold]
fn power_of_ten_outside(x: f64) -> f64 {
    let whole = x.clamp(-300.0, 300.0).floor();
    power_of_ten((x - whole).clamp(0.0, 1.0)) * 10f64.powi(whole as i32)
}

const STEPS: usize = 1024;

/// The powers of the 1024th root of ten.
static POWERS: [f64; STEPS + 2] = {
    let mut powers = [1.0; STEPS + 2];
    let mut step = 1;
    while step < powers.len() {
        powers[step] = powers[step - 1] * 1.002_251_148_292_913;
        step += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_prefers_the_fuller_node_and_spread_the_emptier() {
        let full = packing(SchedulerAlgorithm::Binpack, 0.0, 0.0);
        let half = packing(SchedulerAlgorithm::Binpack, 0.5, 0.5);
        let empty = packing(SchedulerAlgorithm::Binpack, 1.0, 1.0);
        for x in [-2.5, -0.3, 0.0, 0.001, 0.77, 1.0, 1.5, 7.25] {
            assert!((power_of_ten(x) / 10f64.powf(x) - 1.0).abs() < 3e-6, "{x}");
        }
        assert!((full - 1.0).abs() < 1e-9 && (empty - 0.0).abs() < 1e-9);
        assert!((half - (20.0 - 2.0 * 10f64.powf(0.5)) / 18.0).abs() < 1e-6);
        let spread = packing(SchedulerAlgorithm::Spread, 0.25, 0.25);
        assert!((spread - (2.0 * 10f64.powf(0.25) - 2.0) / 18.0).abs() < 1e-6);
    }
}
