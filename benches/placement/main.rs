//! How long decisions take: the packing core alone, and the whole way from an evaluation to its plan.
//!
//! `scripts/bench-placement` runs it. Each row prints a line of a table, and with `--json` a line of JSON. Time is that of the
//! thread's processor, so that a busy machine disturbs it less; a row is the median of its rounds. The ratio is to the slow reference
//! scheduler of the tests (`src/scheduler/placement/reference.rs`), measured on the same fleet in the same run.
//!
//! Criterion would do the statistics, but not the ratio within one run, nor a tail over whole evaluations.

mod core_rows;
mod fleets;
mod grid;
mod measure;
#[path = "../shared/model.rs"]
mod model;
mod other_rows;
#[path = "../../src/scheduler/placement/reference.rs"]
mod reference;
#[allow(dead_code, clippy::unwrap_used, reason = "the small state of the scheduler's tests")]
#[path = "../../src/scheduler/testing.rs"]
mod testing;
mod whole_rows;

// What those two find around them in the library, which they name as `crate`.
use pannier::scheduler::StateView;
use pannier::scheduler::placement::{Demand, Fleet, NO_VALUE, SpreadAxis, SpreadGoal};
use pannier::util;

use measure::Report;

fn main() {
    let mut quick = false;
    let mut json = false;
    let mut filter = String::new();
    // Cargo hands `--bench` to every bench.
    for argument in std::env::args().skip(1).filter(|argument| argument != "--bench") {
        match argument.as_str() {
            "--quick" => quick = true,
            "--json" => json = true,
            "--help" | "-h" => {
                println!("usage: bench-placement [--quick] [--json] [FILTER]\n\nrows whose name contains FILTER; --quick: few rounds");
                return;
            }
            text => filter = text.to_owned(),
        }
    }
    let mut report = Report::new(quick, json, filter);
    core_rows::run(&mut report);
    whole_rows::run(&mut report);
    other_rows::run(&mut report);
    grid::run(&mut report);
    report.finish();
}
