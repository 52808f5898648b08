//! The whole way: an evaluation in, a plan out.

use std::time::Duration;

use pannier::scheduler::{Scheduler, Touched};
use pannier::util::clock::Timestamp;

use crate::fleets::{cluster, even_spread, group, job};
use crate::measure::{Report, Row, timed};
use crate::model::*;
use crate::testing::FakeState;

const NODES: u32 = 10_000;
const TASKS: u32 = 10_000;

pub fn run(report: &mut Report) {
    equal_tasks(report, "whole: 10,000 nodes, a batch job of 10,000 equal tasks", JobType::Batch, |_| {});
    equal_tasks(report, "whole: 10,000 nodes, a service of 10,000 equal tasks", JobType::Service, |_| {});
    equal_tasks(report, "whole: 10,000 nodes, a service of 10,000 equal tasks, spread over 50 racks", JobType::Service, |job| {
        job.groups[0].spreads.push(even_spread("${meta.rack}"));
    });
    equal_tasks(report, "whole: 10,000 nodes, a service of 10,000, affinities and three constraints", JobType::Service, |job| {
        let constraint = |left: &str, operand, right: &str| Constraint { left: left.into(), operand, right: right.into() };
        job.constraints.push(constraint("${attr.kernel.name}", Operand::Equal, "linux"));
        job.constraints.push(constraint("${attr.cpu.arch}", Operand::NotEqual, "arm64"));
        job.constraints.push(constraint("${meta.rack}", Operand::IsSet, ""));
        for (rack, weight) in [("r1", 50), ("r2", -30)] {
            job.affinities.push(Affinity { left: "${meta.rack}".into(), operand: Operand::Equal, right: rack.into(), weight });
        }
    });
    let name = "whole: 10,000 nodes, a job of 10,000 groups of one task, every ask different";
    if report.wants(name) {
        let mut different = job(JobType::Batch, 0);
        let size = |number: u32, factor: u32, range: u32| 100 + u64::from(number.wrapping_mul(factor) % range);
        different.groups =
            (0..TASKS).map(|number| group(&format!("g{number}"), 1, size(number, 7919, 401), size(number, 104_729, 509))).collect();
        let rounds = report.rounds().min(5);
        let times = plans(cluster(NODES, 50), different, rounds, TASKS);
        report.add(&Row { name, placements: u64::from(TASKS), target: None, reference: None }, times);
    }
    let name = "whole: a job of 1,000,000 tasks onto 10,000 nodes, submit to plan";
    if report.wants(name) {
        for (kind, text) in [(JobType::Batch, "batch"), (JobType::Service, "service")] {
            let times = plans(cluster(NODES, 50), job(kind, 1_000_000), report.rounds().min(3), 1_000_000);
            let slowest = times.into_iter().max().unwrap_or_default();
            report.note(&format!("{name} ({text})"), slowest.as_secs_f64(), "s", Some(2.0));
        }
    }
}

fn equal_tasks(report: &mut Report, name: &str, kind: JobType, change: impl FnOnce(&mut Job)) {
    if report.wants(name) {
        let mut wanted = job(kind, TASKS);
        change(&mut wanted);
        let times = plans(cluster(NODES, 50), wanted, report.rounds(), TASKS);
        report.add(&Row { name, placements: u64::from(TASKS), target: None, reference: None }, times);
    }
}

/// How long each of so many plans for a job takes.
pub fn plans(mut cluster: FakeState, job: Job, rounds: u32, placements: u32) -> Vec<Duration> {
    let job = cluster.register(job);
    let evaluation = [cluster.evaluation(&job)];
    let mut scheduler = Scheduler::new();
    scheduler.observe(&cluster, &Touched { everything: true, ..Touched::default() });
    let round = |number: u32| {
        let mut placed = 0;
        let taken = timed(
            || (),
            |()| {
                let plan = scheduler.process(&cluster, &evaluation, u128::from(number), Timestamp(0));
                placed = plan.placements.iter().flat_map(|placement| &placement.runs).map(|run| run.count).sum();
                plan
            },
        );
        assert_eq!(placed, placements, "the fleet is large enough");
        taken
    };
    (0..rounds).map(round).collect()
}
