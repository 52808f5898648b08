//! Rounds, medians and the two ways to print them.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

pub struct Report {
    quick: bool,
    json: bool,
    filter: String,
    missed: Vec<String>,
}

/// One row of the table.
pub struct Row<'a> {
    pub name: &'a str,
    /// Placements of one round.
    pub placements: u64,
    /// At least so many a second.
    pub target: Option<f64>,
    /// One placement of the slow reference.
    pub reference: Option<Duration>,
}

impl Report {
    pub fn new(quick: bool, json: bool, filter: String) -> Self {
        if !json {
            println!("{:<72} {:>12} {:>12} {:>12} {:>10}", "", "each", "per second", "target", "reference");
        }
        Self { quick, json, filter, missed: Vec::new() }
    }

    pub fn wants(&self, name: &str) -> bool {
        name.contains(&self.filter)
    }

    pub fn is_quick(&self) -> bool {
        self.quick
    }

    pub fn rounds(&self) -> u32 {
        if self.quick { 3 } else { 15 }
    }

    /// Prints a row; returns nanoseconds per placement.
    pub fn add(&mut self, row: &Row<'_>, times: Vec<Duration>) -> f64 {
        let each = median(times).as_nanos() as f64 / row.placements.max(1) as f64;
        let rate = 1e9 / each;
        let ratio = row.reference.map(|reference| reference.as_nanos() as f64 / each);
        if row.target.is_some_and(|target| rate < target) {
            self.missed.push(row.name.to_owned());
        }
        if self.json {
            let field = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.1}"));
            let (target, ratio) = (field(row.target), field(ratio));
            println!(
                r#"{{"bench":"{}","placements":{},"nanoseconds_each":{each:.1},"per_second":{rate:.0},"target_per_second":{target},"times_the_reference":{ratio}}}"#,
                row.name, row.placements
            );
        } else {
            let target = row.target.map_or(String::new(), thousands);
            let ratio = ratio.map_or(String::new(), |ratio| format!("{} x", thousands(ratio)));
            println!("{:<72} {:>12} {:>12} {target:>12} {ratio:>10}", row.name, nanoseconds(each), thousands(rate));
        }
        each
    }

    /// Prints a figure that is not a rate.
    pub fn note(&mut self, name: &str, figure: f64, unit: &str, most: Option<f64>) {
        let text = format!("{figure:.2} {unit}");
        if most.is_some_and(|most| figure > most) {
            self.missed.push(name.to_owned());
        }
        if self.json {
            let most = most.map_or("null".to_owned(), |most| most.to_string());
            println!(r#"{{"bench":"{name}","figure":{figure:.4},"unit":"{unit}","at_most":{most}}}"#);
        } else {
            println!("{name:<72} {text:>12} {:>12} {:>12}", "", most.map_or(String::new(), |most| format!("<= {most} {unit}")));
        }
    }

    pub fn finish(self) {
        if !self.missed.is_empty() && !self.json {
            println!("\nmissed: {}", self.missed.join("; "));
        }
    }
}

/// The time that this thread computed.
pub fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// How long `work` takes, its preparation apart.
pub fn timed<P, T>(prepare: impl FnOnce() -> P, work: impl FnOnce(P) -> T) -> Duration {
    let prepared = prepare();
    let start = thread_time();
    let result = work(prepared);
    let taken = thread_time() - start;
    std::hint::black_box(result);
    taken
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn nanoseconds(each: f64) -> String {
    if each < 10_000.0 { format!("{each:.1} ns") } else { format!("{:.1} us", each / 1000.0) }
}
