//! Nodes ordered by how full they are, so that the best for a small ask is found without looking at all of them.
//!
//! Nodes of one size are a *bucket*. In a bucket, packing an instance takes the same fractions `a` of compute and `b` of
//! memory from each node, so the *energy* `10^cpu + 10^memory` of the free fractions after it is at least the energy before,
//! divided by `10^max(a, b)`. Nodes are kept in order of their energy, in blocks that know the most and the least that is
//! free in them: a search starts at the first node that can be full enough, leaves out blocks without room or without hope, and ends
//! where energies are too high for anything better.
//!
//! Changes are noted and worked in before the next search: a plan that fills thousands of nodes pays for it once.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::NodeOrd;
use super::score::{self, fixed};
use crate::model::Ask;
use crate::model::scheduler_config::SchedulerAlgorithm;

/// A block is split in two beyond so many nodes.
const MOST_ENTRIES: usize = 48;

/// A node as the index sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub class: u32,
    pub free_cpu: i64,
    pub free_memory: i64,
    pub free_disk: i64,
    /// One over the capacity; zero without any.
    pub inverse_cpu: f64,
    pub inverse_memory: f64,
}

#[derive(Debug, Default)]
pub struct Index {
    buckets: Vec<Bucket>,
    known: HashMap<(u64, u64), u32>,
    /// The bucket and energy that each node is filed under.
    filed: Vec<Option<(u32, i64)>>,
    changed: Vec<NodeOrd>,
    is_changed: Vec<bool>,
}

#[derive(Debug)]
struct Bucket {
    inverse_cpu: f64,
    inverse_memory: f64,
    /// Ascending by energy and ordinal, over all blocks.
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, Default)]
struct Block {
    least: Free,
    most: Free,
    highest: (i64, NodeOrd),
    /// The lowest ordinal in it.
    first_ord: NodeOrd,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Free {
    cpu: i64,
    memory: i64,
    disk: i64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: (i64, NodeOrd),
    free: Free,
    class: u32,
}

impl Index {
    /// Notes that a node changed.
    pub fn touch(&mut self, ord: NodeOrd) {
        if ord.at() >= self.is_changed.len() {
            self.is_changed.resize(ord.at() + 1, false);
        }
        if !std::mem::replace(&mut self.is_changed[ord.at()], true) {
            self.changed.push(ord);
        }
    }

    /// Works in what changed; `standing` says how a node is now, `None` takes it out.
    pub fn refresh(&mut self, standing: impl Fn(NodeOrd) -> Option<Standing>) {
        let changed = std::mem::take(&mut self.changed);
        if changed.len() > 64 && changed.len() * 4 > self.filed.len() {
            return self.rebuild(standing);
        }
        for ord in changed {
            self.is_changed[ord.at()] = false;
            self.file(ord, standing(ord));
        }
    }

    fn rebuild(&mut self, standing: impl Fn(NodeOrd) -> Option<Standing>) {
        let size = self.is_changed.len();
        *self = Self { is_changed: vec![false; size], filed: vec![None; size], ..Self::default() };
        let mut entries: Vec<Vec<Entry>> = Vec::new();
        for ord in (0..).take(size).map(NodeOrd) {
            if let Some(standing) = standing(ord) {
                let bucket = self.bucket(&standing);
                let entry = Entry::new(ord, &standing);
                self.filed[ord.at()] = Some((bucket, entry.key.0));
                entries.resize_with(self.buckets.len(), Vec::new);
                entries[bucket as usize].push(entry);
            }
        }
        for (bucket, mut entries) in self.buckets.iter_mut().zip(entries) {
            entries.sort_unstable_by_key(|entry| entry.key);
            bucket.blocks = entries.chunks(MOST_ENTRIES / 2).map(|entries| Block::new(entries.to_vec())).collect();
        }
    }

    fn bucket(&mut self, standing: &Standing) -> u32 {
        let key = (standing.inverse_cpu.to_bits(), standing.inverse_memory.to_bits());
        *self.known.entry(key).or_insert_with(|| {
            let Standing { inverse_cpu, inverse_memory, .. } = *standing;
            self.buckets.push(Bucket { inverse_cpu, inverse_memory, blocks: Vec::new() });
            u32::try_from(self.buckets.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn file(&mut self, ord: NodeOrd, standing: Option<Standing>) {
        if ord.at() >= self.filed.len() {
            self.filed.resize(ord.at() + 1, None);
        }
        if let Some((bucket, energy)) = self.filed[ord.at()].take() {
            self.buckets[bucket as usize].remove((energy, ord));
        }
        if let Some(standing) = standing {
            let entry = Entry::new(ord, &standing);
            let bucket = self.bucket(&standing);
            self.buckets[bucket as usize].insert(entry);
            self.filed[ord.at()] = Some((bucket, entry.key.0));
        }
    }

    /// The `count` best nodes for `ask` by their packing score, best first; a tie goes to the lower ordinal. Only classes that
    /// `allowed` says so of are considered.
    pub fn best(&self, ask: Ask, count: usize, allowed: &dyn Fn(u32) -> bool) -> Best {
        let mut found = Best::new(count);
        for bucket in &self.buckets {
            bucket.search(ask, allowed, &mut found);
        }
        found
    }
}

impl Bucket {
    fn insert(&mut self, entry: Entry) {
        let at = self.blocks.partition_point(|block| block.highest < entry.key).min(self.blocks.len().saturating_sub(1));
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(Block::new(vec![entry]));
            return;
        };
        let position = block.entries.partition_point(|other| other.key < entry.key);
        block.entries.insert(position, entry);
        block.widen(entry);
        if block.entries.len() > MOST_ENTRIES {
            let upper = block.entries.split_off(MOST_ENTRIES / 2);
            block.measure();
            self.blocks.insert(at + 1, Block::new(upper));
        }
    }

    fn remove(&mut self, key: (i64, NodeOrd)) {
        let at = self.blocks.partition_point(|block| block.highest < key);
        let Some(block) = self.blocks.get_mut(at) else {
            return;
        };
        if let Ok(position) = block.entries.binary_search_by_key(&key, |entry| entry.key) {
            block.entries.remove(position);
        }
        if block.entries.is_empty() {
            self.blocks.remove(at);
        } else {
            block.measure();
        }
    }

    fn search(&self, ask: Ask, allowed: &dyn Fn(u32) -> bool, found: &mut Best) {
        let (cpu, memory, disk) = (amount(ask.cpu.0), amount(ask.memory.0), amount(ask.disk.0));
        let (a, b) = (cpu as f64 * self.inverse_cpu, memory as f64 * self.inverse_memory);
        // No node that has room has less energy than the ask itself: less by a little, for the table behind `power_of_ten`.
        let first = fixed((score::power_of_ten(a) + score::power_of_ten(b)) * 0.999);
        let shrink = 0.999 / score::power_of_ten(a.max(b));
        let start = self.blocks.partition_point(|block| block.highest.0 < first);
        for block in &self.blocks[start..] {
            let most = &block.most;
            if ((most.cpu - cpu) | (most.memory - memory) | (most.disk - disk)) < 0 {
                continue;
            }
            let lowest = score::readable(block.entries[0].key.0) * shrink;
            if found.excludes(fixed(score::packing_of_energy(lowest)), NodeOrd(0)) {
                return;
            }
            let bound = self.score(block.least.cpu.max(cpu) - cpu, block.least.memory.max(memory) - memory);
            if found.excludes(bound, block.first_ord) {
                continue;
            }
            let mut last: Option<(Free, i64)> = None;
            for Entry { key, free, class } in &block.entries {
                if ((free.cpu - cpu) | (free.memory - memory) | (free.disk - disk)) < 0 {
                    continue;
                }
                let score = match last {
                    Some((same, score)) if same == *free => score,
                    _ => self.score(free.cpu - cpu, free.memory - memory),
                };
                last = Some((*free, score));
                if !found.excludes(score, key.1) && allowed(*class) {
                    found.offer(score, key.1);
                }
            }
        }
    }

    fn score(&self, cpu: i64, memory: i64) -> i64 {
        let (cpu, memory) = (cpu as f64 * self.inverse_cpu, memory as f64 * self.inverse_memory);
        fixed(score::packing(SchedulerAlgorithm::Binpack, cpu, memory))
    }
}

impl Block {
    fn new(entries: Vec<Entry>) -> Self {
        let mut block = Self { entries, ..Self::default() };
        block.measure();
        block
    }

    fn measure(&mut self) {
        let Some(last) = self.entries.last() else {
            return;
        };
        (self.highest, self.first_ord) = (last.key, last.key.1);
        (self.least, self.most) = (last.free, last.free);
        for Entry { key, free, .. } in &self.entries {
            self.first_ord = self.first_ord.min(key.1);
            self.least = self.least.least(free);
            self.most = self.most.most(free);
        }
    }

    fn widen(&mut self, entry: Entry) {
        self.highest = self.highest.max(entry.key);
        self.first_ord = self.first_ord.min(entry.key.1);
        self.least = self.least.least(&entry.free);
        self.most = self.most.most(&entry.free);
    }
}

impl Free {
    fn least(&self, other: &Self) -> Self {
        Self { cpu: self.cpu.min(other.cpu), memory: self.memory.min(other.memory), disk: self.disk.min(other.disk) }
    }

    fn most(&self, other: &Self) -> Self {
        Self { cpu: self.cpu.max(other.cpu), memory: self.memory.max(other.memory), disk: self.disk.max(other.disk) }
    }
}

impl Entry {
    fn new(ord: NodeOrd, standing: &Standing) -> Self {
        let cpu = standing.free_cpu as f64 * standing.inverse_cpu;
        let memory = standing.free_memory as f64 * standing.inverse_memory;
        let energy = fixed(score::power_of_ten(cpu) + score::power_of_ten(memory));
        let free = Free { cpu: standing.free_cpu, memory: standing.free_memory, disk: standing.free_disk };
        Self { key: (energy, ord), free, class: standing.class }
    }
}

/// The best few found so far.
#[derive(Debug)]
pub struct Best {
    count: usize,
    ranked: Vec<(i64, NodeOrd)>,
}

impl Best {
    pub fn new(count: usize) -> Self {
        Self { count, ranked: Vec::with_capacity(count + 1) }
    }

    pub fn into_ranked(self) -> Vec<(i64, NodeOrd)> {
        self.ranked
    }

    /// Whether nothing of this score or less and this ordinal or higher can be among the best.
    pub fn excludes(&self, score: i64, ord: NodeOrd) -> bool {
        self.ranked.len() == self.count && self.ranked.last().is_none_or(|worst| (score, Reverse(ord)) < (worst.0, Reverse(worst.1)))
    }

    pub fn offer(&mut self, score: i64, ord: NodeOrd) {
        if self.excludes(score, ord) {
            return;
        }
        let is_better = |(other, other_ord): &(i64, NodeOrd)| (*other, Reverse(*other_ord)) > (score, Reverse(ord));
        let at = self.ranked.partition_point(is_better);
        self.ranked.insert(at, (score, ord));
        self.ranked.truncate(self.count);
    }
}

fn amount(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX / 2)
}
