//! Candidates in heaps, so that the best is found without looking at all of them again.
//!
//! A total is `(own terms + spread boost) / number of terms`. The own terms of a candidate change only when it is touched; the boost
//! is the same for all candidates of one *bucket* ([`super::spreads`]). Among candidates of one bucket with an equal number of
//! own terms, the order of totals is the order of the sums whatever the boost is: they are one heap, a *lane*. Among buckets
//! of one standing the same holds for the tops of their lanes: these are in one heap per standing, a *shelf*. So only the
//! tops of the few shelves are ever compared by their totals.
//!
//! Heaps are repaired lazily: an entry whose stamp is not the newest of its slot or bucket is passed over when it surfaces.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::spreads::{Spreads, Standing};

/// Own terms are packing, anti-affinity, affinity and devices.
const MOST_TERMS: usize = 4;

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

    fn lane(self) -> usize {
        usize::from(self.terms).clamp(1, MOST_TERMS) - 1
    }
}

/// A candidate in its lane, or the top of a lane on its shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Fixed-point sum of the own terms.
    sum: i64,
    slot: Reverse<u32>,
    stamp: u32,
}

type Lanes = [BinaryHeap<Entry>; MOST_TERMS];

#[derive(Debug)]
pub struct Ranking {
    spreads: Spreads,
    /// Of each slot; empty when there is one bucket only.
    buckets: Vec<u32>,
    /// By bucket.
    lanes: Vec<Lanes>,
    /// Newest stamp of each slot.
    stamps: Vec<u32>,
    /// Ascending by standing: there are few at any time.
    shelves: Vec<(Standing, Lanes)>,
    /// Newest stamp of each bucket's tops.
    bucket_stamps: Vec<u32>,
    /// Buckets whose tops are not on a shelf as they are now.
    changed: Vec<u32>,
}

impl Ranking {
    /// Ranks `slots` candidates; `scored` are those that have room, with their scores.
    pub fn new(spreads: Spreads, buckets: Vec<u32>, slots: usize, scored: impl Iterator<Item = (u32, OwnScore)>) -> Self {
        let number = spreads.buckets();
        let mut entries: Vec<[Vec<Entry>; MOST_TERMS]> = (0..number).map(|_| Default::default()).collect();
        let each = slots / number.max(1) + 1;
        for (slot, score) in scored {
            let bucket = buckets.get(slot as usize).map_or(0, |bucket| *bucket as usize);
            let lane = &mut entries[bucket][score.lane()];
            if lane.is_empty() {
                lane.reserve(each);
            }
            lane.push(Entry { sum: score.sum, slot: Reverse(slot), stamp: 0 });
        }
        let changed = if number > 1 { (0..).take(number).collect() } else { Vec::new() };
        Self {
            spreads,
            buckets,
            lanes: entries.into_iter().map(|lanes| lanes.map(BinaryHeap::from)).collect(),
            stamps: vec![0; slots],
            shelves: Vec::new(),
            bucket_stamps: vec![0; number],
            changed,
        }
    }

    pub fn bucket(&self, slot: u32) -> u32 {
        self.buckets.get(slot as usize).copied().unwrap_or(0)
    }

    /// The boost of a slot now, fixed-point.
    pub fn boost(&self, slot: u32) -> i64 {
        self.spreads.boost(&self.spreads.standing(self.bucket(slot)))
    }

    /// The boost of every bucket.
    pub fn boosts(&self) -> Vec<i64> {
        (0..).take(self.spreads.buckets()).map(|bucket| self.spreads.boost(&self.spreads.standing(bucket))).collect()
    }

    /// The slot with the best total; a tie goes to the lowest slot.
    pub fn best(&mut self) -> Option<u32> {
        if self.lanes.len() == 1 {
            let boost = self.boost(0);
            return best_of(&mut self.lanes[0], boost, |entry| self.stamps[entry.slot.0 as usize] == entry.stamp).map(|(_, slot)| slot.0);
        }
        self.shelve();
        let mut best: Option<(i64, Reverse<u32>)> = None;
        let (spreads, buckets, stamps) = (&self.spreads, &self.buckets, &self.bucket_stamps);
        self.shelves.retain_mut(|(standing, shelf)| {
            let top = best_of(shelf, spreads.boost(standing), |entry| stamps[buckets[entry.slot.0 as usize] as usize] == entry.stamp);
            best = best.max(top);
            top.is_some()
        });
        best.map(|(_, slot)| slot.0)
    }

    /// Ranks a slot by its score of now; `None` takes it out.
    pub fn set(&mut self, slot: u32, score: Option<OwnScore>) {
        let bucket = self.bucket(slot);
        self.take_out(slot);
        let stamp = self.stamps[slot as usize];
        if let Some(score) = score {
            self.lanes[bucket as usize][score.lane()].push(Entry { sum: score.sum, slot: Reverse(slot), stamp });
        }
        if self.lanes.len() > 1 {
            self.changed.push(bucket);
        }
    }

    fn take_out(&mut self, slot: u32) {
        let stamp = &mut self.stamps[slot as usize];
        *stamp = stamp.wrapping_add(1);
    }

    /// Takes a slot out until it is set, and says who is the best without it: how good, and which slot. Without spreads only.
    pub fn rival(&mut self, slot: u32) -> Option<(i64, Reverse<u32>)> {
        debug_assert!(self.buckets.is_empty(), "with spreads the totals of others change too");
        self.take_out(slot);
        best_of(&mut self.lanes[0], 0, |entry| self.stamps[entry.slot.0 as usize] == entry.stamp)
    }

    /// Whether nothing but its own terms makes a difference between candidates.
    pub fn is_without_spreads(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Counts `count` more instances on a slot for the spreads.
    pub fn place(&mut self, slot: u32, count: u32) {
        if self.buckets.is_empty() {
            return;
        }
        self.spreads.place(self.buckets[slot as usize], count, &mut self.changed);
        if self.lanes.len() == 1 {
            self.changed.clear();
        }
    }

    /// Puts the tops of changed buckets on the shelf where they stand now.
    fn shelve(&mut self) {
        self.changed.sort_unstable();
        self.changed.dedup();
        for bucket in self.changed.drain(..) {
            let at = bucket as usize;
            let stamp = self.bucket_stamps[at].wrapping_add(1);
            self.bucket_stamps[at] = stamp;
            let standing = self.spreads.standing(bucket);
            let place = self.shelves.binary_search_by(|(known, _)| known.cmp(&standing)).unwrap_or_else(|place| {
                self.shelves.insert(place, (standing, Lanes::default()));
                place
            });
            for (lane, shelved) in self.lanes[at].iter_mut().zip(&mut self.shelves[place].1) {
                if let Some(top) = newest(lane, |entry| self.stamps[entry.slot.0 as usize] == entry.stamp) {
                    shelved.push(Entry { stamp, ..top });
                }
            }
        }
    }
}

/// The top of a heap once what is stale above it is gone.
fn newest(heap: &mut BinaryHeap<Entry>, is_newest: impl Fn(&Entry) -> bool) -> Option<Entry> {
    while let Some(top) = heap.peek() {
        if is_newest(top) {
            return Some(*top);
        }
        heap.pop();
    }
    None
}

fn best_of(lanes: &mut Lanes, boost: i64, is_newest: impl Fn(&Entry) -> bool) -> Option<(i64, Reverse<u32>)> {
    let mut best = None;
    for (lane, terms) in lanes.iter_mut().zip(1u8..) {
        let top = newest(lane, &is_newest).map(|top| (OwnScore { sum: top.sum, terms }.total(boost), top.slot));
        best = best.max(top);
    }
    best
}
