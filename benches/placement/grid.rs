//! The grid that Nomad's own scheduler benchmark measures: whole evaluations of a service by size of the fleet, racks, count and spread.

use std::time::Duration;

use crate::fleets::{cluster, even_spread, job};
use crate::measure::{Report, percentile};
use crate::model::JobType;
use crate::whole_rows::plans;

const NODES: [u32; 4] = [500, 1_000, 5_000, 10_000];
const RACKS: [u32; 3] = [25, 50, 75];
const COUNTS: [u32; 5] = [50, 300, 600, 900, 1_200];

pub fn run(report: &mut Report) {
    let mut worst = (Duration::ZERO, String::new());
    for nodes in NODES {
        for spread in [false, true] {
            let name = format!("grid: {nodes} nodes, {}, p99 of an evaluation", if spread { "spread" } else { "no spread" });
            if !report.wants(&name) {
                continue;
            }
            let mut slowest = Duration::ZERO;
            for (racks, count) in RACKS.iter().flat_map(|racks| COUNTS.map(|count| (*racks, count))) {
                let mut wanted = job(JobType::Service, count);
                if spread {
                    wanted.groups[0].spreads.push(even_spread("${meta.rack}"));
                }
                let rounds = if report.is_quick() { 5 } else { 100 };
                let p99 = percentile(plans(cluster(nodes, racks), wanted, rounds, count), 99);
                slowest = slowest.max(p99);
                if p99 > worst.0 {
                    worst = (p99, format!("{nodes} nodes, {racks} racks, count {count}, spread {spread}"));
                }
            }
            report.note(&name, slowest.as_secs_f64() * 1e3, "ms", Some(5.0));
        }
    }
    if !worst.1.is_empty() {
        report.note(&format!("grid: slowest case ({})", worst.1), worst.0.as_secs_f64() * 1e3, "ms", Some(5.0));
    }
}
