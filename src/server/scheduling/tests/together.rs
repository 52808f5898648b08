//! Decisions made while others are on their way, which they must take into account.

use std::collections::BTreeSet;

use super::*;
use crate::model::{Affinity, AllocId, Allocation};

fn rows(cluster: &Cluster, job: &JobKey) -> Vec<Arc<Allocation>> {
    cluster.state.allocations_of_job(job).filter(|row| !row.is_terminal()).cloned().collect()
}

fn nodes(cluster: &Cluster, job: &JobKey) -> BTreeSet<NodeId> {
    rows(cluster, job).iter().map(|row| row.node_id).collect()
}

fn with_condition(mut job: Job, left: &str, operand: Operand) -> Job {
    job.constraints.push(Constraint { left: left.into(), operand, right: "".into() });
    job
}

/// Applies what is on its way; nothing of it may be dropped.
fn commit_all(cluster: &mut Cluster) {
    while let Some(Proposal { ticket, plan }) = cluster.log.pop_front() {
        let reply = cluster.apply(ticket, Command::ApplyPlan { plan: Box::new(plan) });
        assert_eq!(reply.dropped_placements, 0);
        cluster.desk.applied(&cluster.state, ticket, reply.index, 0);
    }
}

#[test]
fn who_keeps_away_from_a_job_on_its_way_waits_for_it() {
    let mut cluster = Cluster::new(1_000);
    cluster.node(node(1, ""));
    cluster.node(node(2, ""));
    let first = cluster.register(job("first", 1, 10));
    assert_eq!(cluster.step(), 1);
    let second = cluster.register(with_condition(job("second", 5, 10), "${job.first}", Operand::IsNotSet));
    let third = cluster.register(job("third", 1, 10));
    assert_eq!(cluster.step(), 1, "the third is nobody's neighbour: it does not wait");
    commit_all(&mut cluster);
    assert_eq!((cluster.running(&second), cluster.running(&third)), (0, 1));
    cluster.settle();
    assert_eq!(cluster.running(&second), 5);
    assert!(nodes(&cluster, &second).is_disjoint(&nodes(&cluster, &first)));
}

#[test]
fn who_wants_to_be_near_a_job_on_its_way_waits_for_it() {
    for wish in [false, true] {
        let mut cluster = Cluster::new(1_000);
        cluster.node(node(1, "other"));
        cluster.node(node(2, "cache"));
        // Where it would go by itself: the fuller node is packed first.
        cluster.register(on_class(job("filler", 1, 4_000), "other"));
        cluster.settle();
        let cache = cluster.register(on_class(job("cache", 1, 10), "cache"));
        assert_eq!(cluster.step(), 1);
        let mut web = job("web", 1, 10);
        if wish {
            web.affinities.push(Affinity { left: "${job.cache}".into(), operand: Operand::IsSet, right: "".into(), weight: 100 });
        } else {
            web = with_condition(web, "${job.cache}", Operand::IsSet);
        }
        let web = cluster.register(web);
        cluster.settle();
        assert_eq!(nodes(&cluster, &web), nodes(&cluster, &cache), "wish: {wish}");
    }
}

#[test]
fn a_job_waits_for_those_on_their_way_that_keep_away_from_it() {
    // The large one goes in slices: without the wait, its neighbour would be placed between them, where the large one is about to go.
    let mut cluster = Cluster::new(10);
    (1..=4).for_each(|id| cluster.node(node(id, "")));
    let alone = cluster.register(with_condition(job("alone", 100, 10), "${job.noisy}", Operand::IsNotSet));
    cluster.step();
    let noisy = cluster.register(Job { priority: 90, ..job("noisy", 4, 10) });
    while cluster.running(&alone) < 100 {
        assert_eq!(cluster.running(&noisy), 0);
        cluster.step();
        cluster.commit();
    }
    cluster.settle();
    assert_eq!(cluster.running(&noisy), 4, "it has no condition of its own");
}

#[test]
fn conditions_do_not_starve_under_others_load() {
    let mut cluster = Cluster::new(1_000);
    cluster.node(node(1, ""));
    let cache = cluster.register(job("cache", 1, 10));
    cluster.settle();
    let web = cluster.register(with_condition(job("web", 1, 10), "${job.cache}", Operand::IsSet));
    for round in 0..5 {
        // Something is on its way at every moment.
        cluster.register(job(&format!("load-{round}"), 1, 10));
        cluster.step();
        cluster.register(job(&format!("more-{round}"), 1, 10));
        cluster.step();
        cluster.commit();
        assert!(!cluster.log.is_empty());
    }
    assert_eq!(nodes(&cluster, &web), nodes(&cluster, &cache));
}

/// One node of 8,192 MiB, full with `count` instances of a job that matters little; everybody may push others aside.
fn full(count: u32, memory: u64) -> (Cluster, JobKey) {
    let mut cluster = Cluster::new(1_000);
    let config = crate::model::scheduler_config::SchedulerConfig { preempt_batch: true, ..Default::default() };
    cluster.apply(0, Command::SetSchedulerConfig { config, check_index: None });
    cluster.node(node(1, ""));
    let low = cluster.register(Job { priority: 10, ..job("low", count, memory) });
    cluster.settle();
    assert_eq!(cluster.running(&low), count as usize);
    (cluster, low)
}

#[test]
fn nobody_is_pushed_aside_twice() {
    let (mut cluster, low) = full(2, 4_000);
    let important = |id: &str| Job { priority: 80, ..job(id, 1, 4_000) };
    let first = cluster.register(important("first"));
    assert_eq!(cluster.step(), 1);
    let second = cluster.register(important("second"));
    assert_eq!(cluster.step(), 1, "decided while the first is on its way");
    commit_all(&mut cluster);
    let victims = |job: &JobKey| rows(&cluster, job).iter().flat_map(|row| row.history.preempted.clone()).collect::<Vec<AllocId>>();
    assert_eq!((victims(&first).len(), victims(&second).len()), (1, 1));
    assert_ne!(victims(&first), victims(&second));
    for (job, victim) in [(&first, victims(&first)[0]), (&second, victims(&second)[0])] {
        assert_eq!(cluster.state.allocation(victim).unwrap().history.preempted_by, Some(rows(&cluster, job)[0].id));
    }
    cluster.settle();
    assert_eq!([&first, &second, &low].map(|job| cluster.running(job)), [1, 1, 0]);
}

#[test]
fn what_an_eviction_on_its_way_leaves_over_is_free() {
    let (mut cluster, low) = full(1, 8_000);
    let first = cluster.register(Job { priority: 80, ..job("first", 1, 4_000) });
    assert_eq!(cluster.step(), 1);
    let second = cluster.register(Job { priority: 15, ..job("second", 1, 4_000) });
    assert_eq!(cluster.step(), 1);
    commit_all(&mut cluster);
    assert_eq!([&first, &second, &low].map(|job| cluster.running(job)), [1, 1, 0]);
    assert!(rows(&cluster, &second)[0].history.preempted.is_empty());
}

#[test]
fn an_eviction_that_is_never_applied_is_taken_back() {
    let (mut cluster, low) = full(1, 8_000);
    let first = cluster.register(Job { priority: 80, ..job("first", 1, 4_000) });
    assert_eq!(cluster.step(), 1);
    cluster.lose();
    let stop = |key: &JobKey, at| Command::DeregisterJob { key: key.clone(), purge: true, evaluation: None, no_shutdown_delay: false, at };
    let at = cluster.now();
    cluster.apply(0, stop(&first, at));
    let second = cluster.register(Job { priority: 80, ..job("second", 1, 1_000) });
    cluster.settle();
    assert_eq!([&first, &second, &low].map(|job| cluster.running(job)), [0, 1, 0]);
    assert_eq!(rows(&cluster, &second)[0].history.preempted.len(), 1, "the node was full again");
}
