//! What the free devices of a node are worth to the work that usually comes.
//!
//! A device is lost not only when it is given away: a graphics card beside which no processor or memory is left, or of which
//! a share is free that nobody asks for, is idle for good. So where devices are concerned the default policy does not ask how full a
//! node gets, but how much less it could then take of the work that the fleet sees:
//!
//! ```text
//! worth(node) = sum over typical shapes s, by popularity p(s), of
//!     p(s) * ( instances of s that fit, processor and memory counted in fractions
//!            + 8 * free devices that s could use / devices that s asks for, if one fits at all )
//! ```
//!
//! The node that loses the least worth is the best. The second summand is the measure of *fragmentation gradient descent* (Weng et al.,
//! "Beware of Fragmentation", USENIX ATC 2023), counted in instances in place of devices; the first adds what it is blind to: it
//! sees no loss in a node of eight devices whose processor just fell from eight instances to one.
//!
//! The form and the factor 8 were chosen while looking at about half of that paper's nine workloads (which, is not recorded); anything from
//! 4 to 20 does nearly as well. Eight more, made of its `default` with other proportions (`scripts/bench-packing --variations`), were only
//! measured when all was chosen: seven of them get 0.3 to 8.9 points more of the devices allocated than with FGD, one gets 0.1 less.
//!
//! Nobody has to say what is typical: it is what runs. The table holds the commonest shapes that together make up 95 % of the
//! instances with devices. It is made anew once half as many as it knew have come or gone, if a tenth of the popularity is then with other
//! shapes: all that was computed with the old one is void.

use std::collections::BTreeMap;

use crate::model::device::DeviceShare;

/// What an instance with devices asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// The kind of its devices, interned by the fleet.
    pub kind: u16,
    /// Devices, and thousandths of each.
    pub count: u16,
    pub share: u16,
    /// MHz and MiB.
    pub cpu: u64,
    pub memory: u64,
}

/// Of the instances with devices, so much is typical.
const COVERED_PERCENT: u64 = 95;
/// So many shapes at most.
const MOST_SHAPES: usize = 64;
/// A new table replaces the old one if so much popularity is with other shapes.
const LEAST_DRIFT: f64 = 0.1;
/// How much an idle device that could be used weighs against an instance that fits.
const USABLE_WEIGHT: f64 = 8.0;
const WHOLE: u16 = DeviceShare::WHOLE.0;

/// What runs with devices, counted, and what is typical of it.
#[derive(Debug, Default)]
pub struct Typical {
    census: BTreeMap<Shape, u64>,
    total: u64,
    /// Instances that came or went since the table was made.
    churn: u64,
    /// How many there were then.
    known: u64,
    table: Vec<Weighted>,
    epoch: u32,
}

#[derive(Clone, Copy, Debug)]
struct Weighted {
    shape: Shape,
    popularity: f64,
    /// One over all shares that an instance asks for.
    per_thousandth: f64,
}

impl Typical {
    fn add(&mut self, shape: Shape) {
        *self.census.entry(shape).or_default() += 1;
        self.total += 1;
        self.churn += 1;
    }

    fn remove(&mut self, shape: Shape) {
        if let Some(count) = self.census.get_mut(&shape) {
            *count -= 1;
            self.total -= 1;
            self.churn += 1;
            if *count == 0 {
                self.census.remove(&shape);
            }
        }
    }

    /// Counts what came and what went; both ascending.
    pub fn exchange(&mut self, before: &[Shape], now: &[Shape]) {
        let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
        loop {
            match (before.peek().copied(), now.peek().copied()) {
                (None, None) => return,
                (Some(old), Some(new)) if old == new => {
                    before.next();
                    now.next();
                }
                (Some(old), new) if new.is_none_or(|new| old < new) => {
                    self.remove(*old);
                    before.next();
                }
                (_, Some(new)) => {
                    self.add(*new);
                    now.next();
                }
                (Some(_), None) => return,
            }
        }
    }

    /// Makes the table anew if it has aged, unless that would change little.
    pub fn refresh(&mut self) {
        if self.churn == 0 || (self.churn * 2 < self.known && !self.table.is_empty()) {
            return;
        }
        self.churn = 0;
        self.known = self.total;
        let table = self.count();
        if self.table.is_empty() || drift(&self.table, &table) >= LEAST_DRIFT {
            self.epoch = self.epoch.wrapping_add(1);
            self.table = table;
        }
    }

    fn count(&self) -> Vec<Weighted> {
        let mut ranked: Vec<(Shape, u64)> = self.census.iter().map(|(shape, count)| (*shape, *count)).collect();
        ranked.sort_by_key(|(shape, count)| (std::cmp::Reverse(*count), *shape));
        let mut covered = 0;
        ranked.truncate(MOST_SHAPES);
        ranked.retain(|(_, count)| {
            let is_typical = covered * 100 < self.total * COVERED_PERCENT;
            covered += count;
            is_typical
        });
        let total = self.total as f64;
        let mut table: Vec<Weighted> = ranked.into_iter().map(|(shape, count)| Weighted::new(shape, count as f64 / total)).collect();
        table.sort_by_key(|typical| (typical.shape.share, typical.shape));
        table
    }

    /// Changes whenever the table does.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What free devices are good for. Shapes that they are too few for are left out.
    pub fn uses(&self, devices: &[IdleDevices]) -> Vec<Use> {
        let of_kind = |idle: &IdleDevices| {
            let (idle, kind) = (*idle, idle.kind);
            self.table.iter().filter(move |typical| typical.shape.kind == kind).filter_map(move |typical| typical.use_of(&idle))
        };
        let mut uses = Vec::with_capacity(self.table.len());
        uses.extend(devices.iter().flat_map(of_kind));
        uses
    }
}

/// How much popularity is with other shapes in one table than in the other, summed: 0..=2.
fn drift(before: &[Weighted], now: &[Weighted]) -> f64 {
    let of = |table: &[Weighted], shape| table.iter().find(|typical| typical.shape == shape).map_or(0.0, |typical| typical.popularity);
    let moved: f64 = now.iter().map(|typical| (typical.popularity - of(before, typical.shape)).abs()).sum();
    let gone = before.iter().filter(|typical| now.iter().all(|other| other.shape != typical.shape));
    moved + gone.map(|typical| typical.popularity).sum::<f64>()
}

impl Weighted {
    fn new(shape: Shape, popularity: f64) -> Self {
        let thousandths = f64::from(shape.count) * f64::from(shape.share);
        Self { shape, popularity, per_thousandth: 1.0 / thousandths.max(1.0) }
    }

    fn use_of(&self, idle: &IdleDevices) -> Option<Use> {
        let Shape { count, share, cpu, memory, .. } = self.shape;
        let (whole, share) = (u32::from(idle.whole), share.max(1));
        let mut shares = whole * u32::from(WHOLE / share);
        let mut devices = whole;
        let mut usable = whole * u32::from(WHOLE);
        if share < WHOLE {
            for part in idle.parts().iter().filter(|part| **part >= share) {
                shares += u32::from(part / share);
                devices += 1;
                usable += u32::from(*part);
            }
        }
        let instances = shares / u32::from(count.max(1));
        if instances == 0 {
            return None;
        }
        let one_fits = devices >= u32::from(count);
        Some(Use {
            instances: self.popularity * f64::from(instances),
            per_cpu: self.popularity / cpu as f64,
            per_memory: self.popularity / memory as f64,
            usable: if one_fits { self.popularity * USABLE_WEIGHT * f64::from(usable) * self.per_thousandth } else { 0.0 },
            cpu: cpu as f64,
            memory: memory as f64,
        })
    }
}

/// What some free devices are good for to one typical shape, its popularity multiplied in.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// That they are enough for.
    instances: f64,
    /// Instances by processor and by memory; infinite where none is asked for.
    per_cpu: f64,
    per_memory: f64,
    /// What counts beside those that fit, where one fits.
    usable: f64,
    cpu: f64,
    memory: f64,
}

/// What devices with these uses are worth, in instances, beside so much free processor and memory (negative on a node that shrank).
pub fn worth(uses: &[Use], cpu: i64, memory: i64) -> f64 {
    let (cpu, memory) = (cpu as f64, memory as f64);
    let (some_cpu, some_memory) = (cpu.max(0.0), memory.max(0.0));
    let mut sum = 0.0;
    for each in uses {
        // Nothing times infinity is no number, which is less than nothing: then the limit is another.
        let (by_cpu, by_memory) = (some_cpu * each.per_cpu, some_memory * each.per_memory);
        let mut fitting = each.instances;
        fitting = if by_cpu < fitting { by_cpu } else { fitting };
        fitting = if by_memory < fitting { by_memory } else { fitting };
        sum += fitting + if cpu >= each.cpu && memory >= each.memory { each.usable } else { 0.0 };
    }
    sum
}

/// The free devices of one kind on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdleDevices {
    pub kind: u16,
    /// Devices of which nothing is taken.
    whole: u16,
    /// Ascending, where there are any.
    parts: [u16; MOST_PARTS],
    number_of_parts: u8,
}

/// Partly free devices beyond so many on one node count as used up.
const MOST_PARTS: usize = 16;

impl IdleDevices {
    pub fn new(kind: u16) -> Self {
        Self { kind, whole: 0, parts: [0; MOST_PARTS], number_of_parts: 0 }
    }

    /// Adds a device with so many thousandths free.
    pub fn add(&mut self, free: u16) {
        let number = usize::from(self.number_of_parts);
        if free >= WHOLE {
            self.whole += 1;
        } else if free > 0 && number < MOST_PARTS {
            let at = self.parts[..number].partition_point(|part| *part < free);
            self.parts.copy_within(at..number, at + 1);
            self.parts[at] = free;
            self.number_of_parts += 1;
        }
    }

    fn parts(&self) -> &[u16] {
        &self.parts[..usize::from(self.number_of_parts)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typical(shapes: &[(u16, u16, u64, u64)]) -> Typical {
        let mut typical = Typical::default();
        for (count, share, cpu, times) in shapes {
            for _ in 0..*times {
                typical.add(Shape { kind: 0, count: *count, share: *share, cpu: *cpu, memory: 1 });
            }
        }
        typical.refresh();
        typical
    }

    fn worth(typical: &Typical, cpu: i64, free: &[u16]) -> f64 {
        let mut idle = IdleDevices::new(0);
        free.iter().for_each(|free| idle.add(*free));
        super::worth(&typical.uses(&[idle]), cpu, 1_000_000)
    }

    #[test]
    fn processors_that_devices_need_are_worth_more_than_others() {
        let typical = typical(&[(1, 1000, 1000, 1)]);
        let loss = |cpu: i64| worth(&typical, cpu, &[1000; 4]) - worth(&typical, cpu - 1000, &[1000; 4]);
        assert_eq!(loss(100_000), 0.0, "there is processor to spare");
        assert_eq!(loss(4000), 1.0, "one instance less fits");
        assert_eq!(loss(1000), 1.0 + 4.0 * USABLE_WEIGHT, "all devices are lost");
    }

    #[test]
    fn a_share_that_nobody_asks_for_is_worth_nothing() {
        let typical = typical(&[(1, 500, 1, 3), (2, 1000, 1, 1)]);
        assert_eq!(worth(&typical, 100, &[499]), 0.0);
        let is_close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(is_close(worth(&typical, 100, &[600]), 0.75 * (1.0 + 8.0 * 1.2)));
        assert!(is_close(worth(&typical, 100, &[1000]), 0.75 * (2.0 + 8.0 * 2.0)), "two whole ones are asked for, or none");
        assert_eq!(worth(&typical, -5, &[1000]), 0.0);
    }

    #[test]
    fn the_table_follows_what_runs() {
        let mut typical = typical(&[(1, 1000, 1, 20)]);
        let (epoch, seldom) = (typical.epoch(), Shape { kind: 0, count: 1, share: 100, cpu: 1, memory: 1 });
        typical.add(seldom);
        typical.refresh();
        assert_eq!(typical.epoch(), epoch, "one more changes nothing");
        (0..20).for_each(|_| typical.add(Shape { share: 1000, ..seldom }));
        typical.refresh();
        assert_eq!(typical.epoch(), epoch, "more of the same changes little");
        (0..60).for_each(|_| typical.add(seldom));
        typical.refresh();
        assert_ne!(typical.epoch(), epoch);
        assert!(worth(&typical, 100, &[100]) > 0.0);
        (0..61).for_each(|_| typical.remove(seldom));
        typical.refresh();
        assert_eq!(worth(&typical, 100, &[100]), 0.0, "nobody is left who could use it");
    }
}
