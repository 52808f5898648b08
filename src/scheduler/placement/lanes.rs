//! Candidates in heaps, so that the best is found without looking at all of them again.
//!
//! A total is `(own terms + spread boost) / number of terms`. The boost is the same for all candidates of one spread
//! *bucket* (equal values on every axis) and changes with each placement; the own terms change only on the node that was
//! touched. Among candidates of one bucket with an equal number of own terms, the order of totals is the order of the
//! sums whatever the boost is. So there is one heap (a lane) per bucket and number of terms: only the tops compete.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Own terms are packing, anti-affinity, affinity and devices.
const MOST_TERMS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Fixed-point sum of the own terms.
    sum: i64,
    slot: Reverse<u32>,
    /// Entries of a slot that was scored again since are stale.
    stamp: u32,
}

#[derive(Debug)]
pub struct Lanes {
    lanes: Vec<BinaryHeap<Entry>>,
    /// Newest stamp of each slot.
    stamps: Vec<u32>,
}

/// The own terms of a candidate, summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnScore {
    pub sum: i64,
    pub terms: u8,
}

impl OwnScore {
    /// The mean with a boost, which counts as a term unless it is zero.
    pub fn total(self, boost: i64) -> i64 {
        (self.sum + boost) / (i64::from(self.terms) + i64::from(boost != 0))
    }
}

impl Lanes {
    /// Heaps for `slots` candidates; `scored` gives bucket and score of those that fit.
    pub fn new(slots: usize, buckets: usize, scored: impl Iterator<Item = (u32, u32, OwnScore)>) -> Self {
        let mut entries: Vec<Vec<Entry>> = vec![Vec::new(); buckets.max(1) * MOST_TERMS];
        for (slot, bucket, score) in scored {
            entries[lane_of(bucket, score)].push(Entry { sum: score.sum, slot: Reverse(slot), stamp: 0 });
        }
        Self { lanes: entries.into_iter().map(BinaryHeap::from).collect(), stamps: vec![0; slots] }
    }

    /// Removes and returns the slot with the best total; ties go to the lowest slot. `boosts` are by bucket.
    pub fn pop(&mut self, boosts: &[i64]) -> Option<u32> {
        let mut best: Option<(i64, Reverse<u32>, usize)> = None;
        for (lane, heap) in self.lanes.iter_mut().enumerate() {
            while heap.peek().is_some_and(|top| self.stamps[top.slot.0 as usize] != top.stamp) {
                heap.pop();
            }
            let Some(top) = heap.peek() else {
                continue;
            };
            let score = OwnScore { sum: top.sum, terms: u8::try_from(lane % MOST_TERMS + 1).unwrap_or(1) };
            let total = score.total(boosts[lane / MOST_TERMS]);
            if best.is_none_or(|(best_total, best_slot, _)| (total, top.slot) > (best_total, best_slot)) {
                best = Some((total, top.slot, lane));
            }
        }
        let (_, slot, lane) = best?;
        self.lanes[lane].pop();
        Some(slot.0)
    }

    /// Puts a slot in under a new score; whatever the heaps hold of it becomes stale.
    pub fn push(&mut self, slot: u32, bucket: u32, score: OwnScore) {
        self.withdraw(slot);
        let stamp = self.stamps[slot as usize];
        self.lanes[lane_of(bucket, score)].push(Entry { sum: score.sum, slot: Reverse(slot), stamp });
    }

    /// Takes a slot out.
    pub fn withdraw(&mut self, slot: u32) {
        self.stamps[slot as usize] = self.stamps[slot as usize].wrapping_add(1);
    }
}

fn lane_of(bucket: u32, score: OwnScore) -> usize {
    bucket as usize * MOST_TERMS + usize::from(score.terms).clamp(1, MOST_TERMS) - 1
}
