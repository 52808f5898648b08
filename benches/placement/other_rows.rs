//! Whole evaluations in which other jobs matter: those that must leave, and those that must not be near.

use std::sync::Arc;

use crate::fleets::{cluster, group, job};
use crate::measure::{Report, Row};
use crate::model::*;
use crate::testing::{FakeState, allocation};
use crate::whole_rows::plans;

const NODES: u32 = 5_000;

pub fn run(report: &mut Report) {
    preemption(report, "whole: preemption on a full fleet of 5,000 nodes, one victim each", 1, 50_000.0);
    preemption(report, "whole: preemption on a full fleet of 5,000 nodes, the best of four each", 4, 50_000.0);
    apart(report, "whole: 5,000 nodes, never where another job runs", "cache", 200_000.0);
    apart(report, "whole: 5,000 nodes, never where one of its own runs", "bench", 200_000.0);
}

/// The fleet is filled by less important jobs, `each` instances of growing size on a node; for each instance of the new one somebody must leave.
fn preemption(report: &mut Report, name: &str, each: u32, target: f64) {
    if !report.wants(name) {
        return;
    }
    let mut full = cluster(NODES, 50);
    full.config.preempt_service = true;
    let low = full.register(Job { key: JobKey::new("default", "low"), priority: 20, ..job(JobType::Service, 1) });
    let parts = u64::from(each * (each + 1) / 2);
    for (number, node) in full.nodes.values().cloned().collect::<Vec<_>>().iter().enumerate() {
        for part in 1..=each {
            let index = number as u32 * each + part;
            let mut row = Allocation { id: AllocId(u128::from(index)), ..allocation(&low, index, node.id.0) };
            row.ask.cpu = MegaHertz(node.resources.cpu.0 * u64::from(part) / parts);
            full.allocations.insert(row.id, Arc::new(row));
        }
    }
    // As large as the smallest instance that there is.
    let mut wanted = Job { priority: 80, ..job(JobType::Service, NODES) };
    wanted.groups = vec![group("work", NODES, 20_000 / parts, 256)];
    measure(report, name, full, wanted, NODES, target);
}

/// Half of the nodes run the job that is to be avoided.
fn apart(report: &mut Report, name: &str, other: &str, target: f64) {
    if !report.wants(name) {
        return;
    }
    let mut cluster = cluster(NODES, 50);
    let cache = cluster.register(Job { key: JobKey::new("default", "cache"), ..job(JobType::Service, 1) });
    for node in (1..=NODES).step_by(2) {
        let row = Allocation { id: AllocId(u128::from(node)), ..allocation(&cache, node, u128::from(node)) };
        cluster.allocations.insert(row.id, Arc::new(row));
    }
    let mut wanted = job(JobType::Service, NODES);
    wanted.constraints.push(Constraint { left: format!("${{job.{other}}}").into(), operand: Operand::IsNotSet, right: "".into() });
    measure(report, name, cluster, wanted, NODES, target);
}

fn measure(report: &mut Report, name: &str, cluster: FakeState, wanted: Job, placements: u32, target: f64) {
    let times = plans(cluster, wanted, report.rounds(), placements);
    report.add(&Row { name, placements: u64::from(placements), target: Some(target), reference: None }, times);
}
