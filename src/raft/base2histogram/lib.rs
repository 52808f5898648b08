//! A stand-in for `base2histogram` 0.2.3, into which openraft counts what it does, for statistics that pannier never reads.
//!
//! The original makes lookup tables for all of its sixteen precisions as soon as one is used: 25 MB that stay resident in every agent. This one
//! has the part of its interface that openraft calls, and counts samples. To be dropped when the original makes only the tables it uses.

use std::fmt;
use std::marker::PhantomData;

/// Counts samples; their values are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram<T = ()> {
    samples: u64,
    slots: PhantomData<T>,
}

impl<T> Histogram<T> {
    pub fn new() -> Self {
        Self { samples: 0, slots: PhantomData }
    }

    pub fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    pub fn record_n(&mut self, _value: u64, count: u64) {
        self.samples = self.samples.saturating_add(count);
    }

    pub fn percentile_stats(&self) -> PercentileStats {
        PercentileStats { samples: self.samples, ..PercentileStats::default() }
    }
}

/// All percentiles are 0 here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PercentileStats {
    pub samples: u64,
    pub p0_1: u64,
    pub p1: u64,
    pub p5: u64,
    pub p10: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p99_9: u64,
}

impl fmt::Display for PercentileStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[samples: {}]", self.samples)
    }
}

/// Names and numbers of samples, a line each.
#[derive(Clone, Debug, Default)]
pub struct AsciiChart {
    lines: Vec<(String, u64)>,
}

impl AsciiChart {
    pub fn new() -> Self {
        Self::default()
    }

    #[allow(clippy::should_implement_trait)] // The original's name.
    pub fn add<T>(mut self, name: &str, histogram: Histogram<T>) -> Self {
        self.lines.push((name.to_owned(), histogram.samples));
        self
    }
}

impl fmt::Display for AsciiChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(name, samples)| writeln!(f, "{name}: {samples}"))
    }
}
