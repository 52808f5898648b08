//! How much an instance is wanted on each value of the spread attributes.
//!
//! Candidates with equal values on every axis are one *bucket*. The boost of a bucket follows from its *standing*: how many
//! instances each of its values has, and how many it should have. Buckets of one standing have one boost, and there are few standings
//! at any time, so that a placement costs the same for ten values as for ten thousand.

use std::collections::{BTreeMap, HashMap};

use super::demand::{NO_VALUE, SpreadAxis, SpreadGoal};
use super::score::{self, fixed};

/// For every axis: the goal of the bucket's value, and how many instances have that value. Nearly always there is one axis, which
/// costs no allocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    first: (u32, u32),
    others: Box<[(u32, u32)]>,
}

/// The goal of candidates that lack the attribute.
const UNWANTED: u32 = u32::MAX;

#[derive(Debug)]
pub struct Spreads {
    axes: Vec<Axis>,
    /// The values that each bucket stands for, one per axis.
    values: Vec<Vec<u32>>,
}

#[derive(Debug)]
struct Axis {
    used: Vec<u32>,
    /// So many values have so many instances; those without any are left out.
    census: BTreeMap<u32, u32>,
    /// The goal of each value, as a position in `goals`.
    goal_of: Vec<u32>,
    goals: Vec<Goal>,
    /// The buckets of each value.
    buckets: Vec<Vec<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    Even,
    Target { wanted: Option<f64>, weight_share: f64 },
}

impl Spreads {
    /// The buckets of all candidates, and which of them each candidate is in (nothing without axes: all are in the first).
    pub fn new(axes: Vec<SpreadAxis>, slots: usize) -> (Self, Vec<u32>) {
        if axes.is_empty() {
            return (Self { axes: Vec::new(), values: vec![Vec::new()] }, Vec::new());
        }
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut values: Vec<Vec<u32>> = Vec::new();
        let mut bucket_of = |slot: usize| {
            let of_slot: Vec<u32> = axes.iter().map(|axis| axis.values[slot]).collect();
            *known.entry(of_slot).or_insert_with_key(|of_slot| {
                values.push(of_slot.clone());
                u32::try_from(values.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let buckets = (0..slots).map(&mut bucket_of).collect();
        let axes = axes.into_iter().enumerate().map(|(at, axis)| Axis::new(axis, values.iter().map(|values| values[at]))).collect();
        (Self { axes, values }, buckets)
    }

    pub fn buckets(&self) -> usize {
        self.values.len()
    }

    pub fn standing(&self, bucket: u32) -> Standing {
        let values = &self.values[bucket as usize];
        let of_axis = |(axis, value): (&Axis, &u32)| match axis.used.get(*value as usize) {
            Some(used) => (axis.goal_of[*value as usize], *used),
            None => (UNWANTED, 0),
        };
        let mut all = self.axes.iter().zip(values).map(of_axis);
        Standing { first: all.next().unwrap_or((UNWANTED, 0)), others: all.collect() }
    }

    /// The boost of every bucket of this standing, fixed-point.
    pub fn boost(&self, standing: &Standing) -> i64 {
        let all = std::iter::once(&standing.first).chain(&standing.others);
        fixed(self.axes.iter().zip(all).map(|(axis, (goal, used))| axis.boost(*goal, *used)).sum())
    }

    /// Counts `count` more instances in a bucket; adds the buckets whose standing changed with it to `moved`, some maybe twice.
    pub fn place(&mut self, bucket: u32, count: u32, moved: &mut Vec<u32>) {
        for (axis, value) in self.axes.iter_mut().zip(&self.values[bucket as usize]) {
            if *value != NO_VALUE {
                axis.place(*value, count);
                moved.extend_from_slice(&axis.buckets[*value as usize]);
            }
        }
    }
}

impl Axis {
    fn new(axis: SpreadAxis, bucket_values: impl Iterator<Item = u32>) -> Self {
        let SpreadAxis { used, goal, .. } = axis;
        let mut census = BTreeMap::new();
        for used in used.iter().filter(|used| **used > 0) {
            *census.entry(*used).or_default() += 1;
        }
        let mut buckets = vec![Vec::new(); used.len()];
        for (value, bucket) in bucket_values.zip(0u32..) {
            if value != NO_VALUE {
                buckets[value as usize].push(bucket);
            }
        }
        let mut goals: Vec<Goal> = Vec::new();
        let mut intern = |goal: Goal| {
            let at = goals.iter().position(|known| *known == goal).unwrap_or_else(|| {
                goals.push(goal);
                goals.len() - 1
            });
            u32::try_from(at).unwrap_or(u32::MAX - 1)
        };
        let goal_of = match goal {
            SpreadGoal::Even => vec![intern(Goal::Even); used.len()],
            SpreadGoal::Targets { wanted, weight_share } => {
                wanted.into_iter().map(|wanted| intern(Goal::Target { wanted, weight_share })).collect()
            }
        };
        Self { used, census, goal_of, goals, buckets }
    }

    fn place(&mut self, value: u32, count: u32) {
        let used = &mut self.used[value as usize];
        if let Some(values) = self.census.get_mut(used) {
            *values -= 1;
            if *values == 0 {
                self.census.remove(used);
            }
        }
        *used = used.saturating_add(count);
        *self.census.entry(*used).or_default() += 1;
    }

    fn boost(&self, goal: u32, used: u32) -> f64 {
        match self.goals.get(goal as usize) {
            None => -1.0,
            Some(Goal::Target { wanted, weight_share }) => score::spread_target(*wanted, used, *weight_share),
            Some(Goal::Even) => {
                let least = self.census.first_key_value().map(|(used, _)| *used);
                let most = self.census.last_key_value().map(|(used, _)| *used);
                least.zip(most).map_or(0.0, |(least, most)| score::even_spread(least, most, used))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boosts(axes: Vec<SpreadAxis>, slots: usize) -> Vec<f64> {
        let (spreads, buckets) = Spreads::new(axes, slots);
        buckets.iter().map(|bucket| score::readable(spreads.boost(&spreads.standing(*bucket)))).collect()
    }

    #[test]
    fn boosts_follow_the_published_table() {
        let even =
            |used: &[u32], value| boosts(vec![SpreadAxis { values: vec![value], used: used.to_vec(), goal: SpreadGoal::Even }], 1)[0];
        assert_eq!(even(&[0, 0], 0), 0.0);
        assert_eq!(even(&[2, 2], 0), -1.0);
        assert_eq!(even(&[1, 3], 0), 2.0);
        assert_eq!(even(&[1, 3], 1), -2.0);
        assert_eq!(even(&[0, 3], 0), 1.0);
        assert_eq!(even(&[0, 3], NO_VALUE), -1.0);
        let goal = SpreadGoal::Targets { wanted: vec![Some(7.0), Some(3.0), None], weight_share: 0.5 };
        let axis = SpreadAxis { values: vec![0, 1, 2], used: vec![0, 3, 0], goal };
        let found = boosts(vec![axis], 3);
        assert!((found[0] - 6.0 / 7.0 * 0.5).abs() < 1e-8);
        assert!((found[1] + 1.0 / 3.0 * 0.5).abs() < 1e-8);
        assert_eq!(found[2], -1.0);
    }

    #[test]
    fn a_placement_moves_the_buckets_that_share_a_value() {
        let axis = |values: &[u32]| SpreadAxis { values: values.to_vec(), used: vec![0; 2], goal: SpreadGoal::Even };
        let (mut spreads, buckets) = Spreads::new(vec![axis(&[0, 0, 1, 1]), axis(&[0, 1, 0, 1])], 4);
        assert_eq!(buckets, [0, 1, 2, 3]);
        let mut moved = Vec::new();
        spreads.place(0, 1, &mut moved);
        assert_eq!(moved, [0, 1, 0, 2], "3 shares neither value");
        assert_eq!(spreads.standing(1), Standing { first: (0, 1), others: [(0, 0)].into() });
        assert_eq!(spreads.standing(3), Standing { first: (0, 0), others: [(0, 0)].into() });
    }
}
