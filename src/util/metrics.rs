//! Counters, gauges and timings of the agent, kept by whoever measures and read by the API. There is no global registry: it is made at
//! start-up and passed on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A name in Nomad's notation (`nomad.plan.submit`) with its labels in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricKey {
    pub name: String,
    pub labels: Vec<(String, String)>,
}

/// Only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The latest value of something.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    pub fn value(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// How long something takes, in milliseconds as Nomad counts.
#[derive(Debug, Default)]
pub struct Timing(Mutex<Distribution>);

/// What a [`Timing`] saw since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distribution {
    pub count: u64,
    pub sum: f64,
    pub sum_of_squares: f64,
    pub min: f64,
    pub max: f64,
}

impl Distribution {
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// Of the sample: divided by count - 1.
    pub fn standard_deviation(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let count = self.count as f64;
        ((self.sum_of_squares - self.sum * self.sum / count) / (count - 1.0)).max(0.0).sqrt()
    }
}

impl Timing {
    pub fn record(&self, duration: Duration) {
        let milliseconds = duration.as_secs_f64() * 1_000.0;
        let mut seen = lock(&self.0);
        seen.min = if seen.count == 0 { milliseconds } else { seen.min.min(milliseconds) };
        seen.max = seen.max.max(milliseconds);
        seen.count += 1;
        seen.sum += milliseconds;
        seen.sum_of_squares += milliseconds * milliseconds;
    }

    pub fn distribution(&self) -> Distribution {
        *lock(&self.0)
    }
}

/// All metrics of an agent. Asking for a metric twice gives the same one; keep the handle where something is measured often.
#[derive(Debug, Default)]
pub struct Registry {
    counters: Mutex<Metrics<Counter>>,
    gauges: Mutex<Metrics<Gauge>>,
    timings: Mutex<Metrics<Timing>>,
}

type Metrics<Metric> = BTreeMap<MetricKey, Arc<Metric>>;

impl Registry {
    pub fn counter(&self, name: &str, labels: &[(&str, &str)]) -> Arc<Counter> {
        get(&self.counters, name, labels)
    }

    pub fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> Arc<Gauge> {
        get(&self.gauges, name, labels)
    }

    pub fn timing(&self, name: &str, labels: &[(&str, &str)]) -> Arc<Timing> {
        get(&self.timings, name, labels)
    }

    pub fn counters(&self) -> Vec<(MetricKey, u64)> {
        lock(&self.counters).iter().map(|(key, counter)| (key.clone(), counter.value())).collect()
    }

    pub fn gauges(&self) -> Vec<(MetricKey, f64)> {
        lock(&self.gauges).iter().map(|(key, gauge)| (key.clone(), gauge.value())).collect()
    }

    pub fn timings(&self) -> Vec<(MetricKey, Distribution)> {
        lock(&self.timings).iter().map(|(key, timing)| (key.clone(), timing.distribution())).collect()
    }
}

impl MetricKey {
    pub fn new(name: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { name: name.to_owned(), labels }
    }
}

fn get<Metric: Default>(metrics: &Mutex<Metrics<Metric>>, name: &str, labels: &[(&str, &str)]) -> Arc<Metric> {
    Arc::clone(lock(metrics).entry(MetricKey::new(name, labels)).or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_and_labels_is_one_metric() {
        let registry = Registry::default();
        registry.counter("plans", &[("job", "a")]).add(2);
        registry.counter("plans", &[("job", "a")]).add(1);
        registry.counter("plans", &[("job", "b")]).add(5);
        let counts: Vec<u64> = registry.counters().into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [3, 5]);
    }

    #[test]
    fn timings_sum_up() {
        let timing = Timing::default();
        for milliseconds in [2, 4, 9] {
            timing.record(Duration::from_millis(milliseconds));
        }
        let seen = timing.distribution();
        assert_eq!((seen.count, seen.min, seen.max, seen.mean()), (3, 2.0, 9.0, 5.0));
        assert!((seen.standard_deviation() - 13f64.sqrt()).abs() < 1e-9);
    }
}
