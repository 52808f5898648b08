//! How fast the costly kinds of placement are: `cargo test --release --lib rates -- --ignored --nocapture`.

use super::*;
use crate::model::{AllocId, MegaHertz};
use crate::scheduler::testing::{allocation, constraint};

const NODES: u128 = 5_000;

/// Instances per second of a second, warm decision.
fn rate(name: &str, state: &mut FakeState, wanted: Job) -> f64 {
    let registered = state.register(wanted);
    let evaluations = [state.evaluation(&registered)];
    let mut scheduler = Scheduler::new();
    scheduler.observe(state, &everything());
    let warm = scheduler.process(state, &evaluations, 1, NOW);
    let start = Timestamp::now();
    let plan = scheduler.process(state, &evaluations, 2, NOW);
    let elapsed = Timestamp::now().since(start);
    assert_eq!(placed(&plan), placed(&warm));
    let rate = f64::from(placed(&plan)) / elapsed.as_secs_f64();
    println!("{name}: {} placements in {elapsed:?}, {rate:.0}/s", placed(&plan));
    rate
}

#[test]
#[ignore = "a measurement"]
fn preemption_on_a_full_fleet_and_conditions_on_neighbours() {
    let mut full = FakeState::new(NODES);
    full.config.preempt_service = true;
    let low = full.register(Job { priority: 20, ..job("low", 1) });
    for node in 1..=NODES {
        let mut row = allocation(&low, u32::try_from(node).unwrap(), node);
        row.id = AllocId(node);
        row.ask.cpu = MegaHertz(4000);
        full.allocations.insert(row.id, Arc::new(row));
    }
    let mut high = Job { priority: 80, ..job("high", 5_000) };
    high.groups[0].tasks[0].resources.cpu = MegaHertz(4000);
    let preemption = rate("preemption, 5,000 nodes", &mut full, high);

    let mut half = FakeState::new(NODES);
    let cache = half.register(job("cache", 1));
    for node in 1..=NODES / 2 {
        let mut row = allocation(&cache, u32::try_from(node).unwrap(), node);
        row.id = AllocId(node);
        half.allocations.insert(row.id, Arc::new(row));
    }
    let mut apart = job("apart", 15_000);
    apart.constraints.push(constraint("${job.cache}", "is_not_set", ""));
    let other = rate("apart from another job, 5,000 nodes", &mut half, apart);
    let mut alone = job("alone", 5_000);
    alone.constraints.push(constraint("${job.alone}", "is_not_set", ""));
    let own = rate("apart from its own kind, 5,000 nodes", &mut FakeState::new(NODES), alone);
    if !cfg!(debug_assertions) {
        assert!(preemption >= 50_000.0 && other >= 200_000.0 && own >= 200_000.0, "{preemption:.0} {other:.0} {own:.0}");
    }
}
