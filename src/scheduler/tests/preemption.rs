//! Who is pushed aside for whom.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::fit::Usage;
use crate::model::plan::LEAST_PRIORITY_GAP;
use crate::model::policy::{HealthCheck, MigrateStrategy};
use crate::model::{
    AllocDesiredStatus, AllocId, AssignedDevice, AssignedPort, DeviceAsk, DeviceGroup, DeviceInstance, DeviceShare, JobType, MebiBytes,
    MegaHertz, NodeId,
};
use crate::scheduler::testing::{allocation, constraint, node, port};

/// Nodes of 4,000 MHz where every type of job may preempt.
fn state(nodes: u128) -> FakeState {
    let mut state = FakeState::new(nodes);
    state.config.preempt_service = true;
    state.config.preempt_batch = true;
    state.config.preempt_sysbatch = true;
    state
}

/// One running allocation of a job of its own.
fn resident(state: &mut FakeState, name: &str, node: u128, priority: u8, cpu: u64) -> AllocId {
    resident_with(state, name, node, priority, cpu, |_, _| ())
}

fn resident_with(
    state: &mut FakeState,
    name: &str,
    node: u128,
    priority: u8,
    cpu: u64,
    edit: impl FnOnce(&mut Job, &mut crate::model::Allocation),
) -> AllocId {
    let mut job = Job { priority, ..job(name, 1) };
    job.groups[0].tasks[0].resources.cpu = MegaHertz(cpu);
    let mut row = allocation(&job, 0, node);
    edit(&mut job, &mut row);
    let job = state.register(job);
    row.id = AllocId(u128::from(state.index));
    row.job = job.reference();
    row.ask.cpu = MegaHertz(cpu);
    state.allocations.insert(row.id, Arc::new(row.clone()));
    row.id
}

fn important(name: &str, count: u32, cpu: u64) -> Job {
    let mut job = Job { priority: 80, ..job(name, count) };
    job.groups[0].tasks[0].resources.cpu = MegaHertz(cpu);
    job
}

fn evicted(plan: &Plan) -> BTreeSet<AllocId> {
    plan.placements.iter().flat_map(|placement| &placement.runs).flat_map(|run| run.preempts.clone()).collect()
}

/// Names of the jobs that lose an allocation to `wanted`.
fn losers(state: &mut FakeState, wanted: Job) -> Vec<String> {
    let registered = state.register(wanted);
    let plan = plan_for(state, &registered);
    let mut names: Vec<String> = evicted(&plan).iter().map(|id| state.allocations[id].job.key.id.to_string()).collect();
    names.sort();
    names
}

#[test]
fn only_as_configured_and_only_for_jobs_that_matter_less() {
    for (name, job_type, allowed, priority, expected) in [
        ("service, allowed", JobType::Service, true, 70, &["low"][..]),
        ("service, not allowed", JobType::Service, false, 70, &[]),
        ("batch, allowed", JobType::Batch, true, 70, &["low"]),
        ("batch, not allowed", JobType::Batch, false, 70, &[]),
        ("system, allowed", JobType::System, true, 70, &["low"]),
        ("system, not allowed", JobType::System, false, 70, &[]),
        ("sysbatch, allowed", JobType::SysBatch, true, 70, &["low"]),
        ("sysbatch, not allowed", JobType::SysBatch, false, 70, &[]),
        ("exactly ten points lower", JobType::Service, true, 70, &["low"]),
        ("nine points lower", JobType::Service, true, 71, &[]),
        ("as important", JobType::Service, true, 80, &[]),
        ("more important", JobType::Service, true, 90, &[]),
    ] {
        let mut state = state(1);
        let config = &mut state.config;
        for flag in [&mut config.preempt_service, &mut config.preempt_batch, &mut config.preempt_system, &mut config.preempt_sysbatch] {
            *flag = allowed;
        }
        resident(&mut state, "low", 1, priority, 3000);
        assert_eq!(losers(&mut state, Job { job_type, ..important("high", 1, 2000) }), expected, "{name}");
    }
    let defaults = crate::model::scheduler_config::SchedulerConfig::default();
    let by_default: Vec<_> = [JobType::Service, JobType::Batch, JobType::System, JobType::SysBatch]
        .into_iter()
        .filter(|kind| defaults.preempts(*kind))
        .collect();
    assert_eq!(by_default, [JobType::System]);
}

#[test]
fn the_least_important_and_the_best_fitting_leave() {
    // Residents (name, node, priority, MHz) on two nodes of 4,000 MHz, the ask in MHz, and who leaves.
    type Case<'a> = (&'a str, &'a [(&'a str, u128, u8, u64)], u64, &'a [&'a str]);
    let cases: [Case<'_>; 12] = [
        ("room elsewhere comes first", &[("a", 1, 10, 3000)], 2000, &[]),
        ("the lower priority", &[("a", 1, 30, 4000), ("b", 2, 20, 4000)], 2000, &["b"]),
        ("the lower priority on one node", &[("a", 1, 30, 2000), ("b", 1, 20, 2000), ("c", 2, 70, 4000)], 2000, &["b"]),
        ("one instead of two", &[("a", 1, 20, 1000), ("b", 1, 20, 3000), ("c", 2, 20, 2000), ("d", 2, 20, 2000)], 3000, &["b"]),
        ("the closest in size", &[("a", 1, 20, 1000), ("b", 1, 20, 3000), ("c", 2, 70, 4000)], 1000, &["a"]),
        ("two when one is not enough", &[("a", 1, 20, 2000), ("b", 1, 20, 2000), ("c", 2, 70, 4000)], 4000, &["a", "b"]),
        ("no more than needed", &[("a", 1, 20, 500), ("b", 1, 20, 500), ("c", 1, 20, 3000), ("d", 2, 70, 4000)], 3000, &["c"]),
        ("those become superfluous that a bigger one makes so", &[("a", 1, 20, 500), ("b", 1, 30, 3500), ("c", 2, 75, 4000)], 3500, &["b"]),
        ("less important although more of them", &[("a", 1, 20, 2000), ("b", 1, 20, 2000), ("c", 2, 30, 4000)], 4000, &["a", "b"]),
        ("the least waste", &[("a", 1, 20, 4000), ("b", 2, 20, 2000), ("c", 2, 70, 2000)], 2000, &["b"]),
        ("none when all would not do", &[("a", 1, 20, 2000), ("b", 1, 75, 2000), ("c", 2, 75, 4000)], 3000, &[]),
        ("none that is untouchable", &[("a", 1, 71, 4000), ("b", 2, 75, 4000)], 100, &[]),
    ];
    for (name, residents, ask, expected) in cases {
        let mut state = state(2);
        for (job, node, priority, cpu) in residents {
            resident(&mut state, job, *node, *priority, *cpu);
        }
        assert_eq!(losers(&mut state, important("high", 1, ask)), expected, "{name}");
    }
}

#[test]
fn the_score_of_what_leaves_is_told() {
    let mut state = state(3);
    resident(&mut state, "a", 1, 20, 2000);
    resident(&mut state, "b", 1, 30, 2000);
    resident(&mut state, "c", 2, 75, 4000);
    let registered = state.register(important("high", 2, 4000));
    let plan = plan_for(&mut state, &registered);
    let of = |pushes: bool| plan.placements.iter().find(|placement| placement.runs[0].preempts.is_empty() != pushes).unwrap();
    let scores = &of(true).metrics.scores;
    assert_eq!((scores.len(), scores[0].node, &*scores[0].terms[0].0), (1, NodeId(1), "preemption"));
    // 30 + 50 / 30 for the priorities 20 and 30.
    let expected = 1.0 / (1.0 + (0.0048 * (30.0 + 50.0 / 30.0 - 2048.0f64)).exp());
    assert!((scores[0].total - expected).abs() < 1e-9, "{}", scores[0].total);
    let found_room = &of(false).metrics.scores;
    assert_eq!((found_room[0].node, &*found_room[0].terms[0].0), (NodeId(3), "binpack"), "room comes without");
}

#[test]
fn a_group_that_gave_enough_is_spared_while_others_can_give() {
    let mut state = state(3);
    let migrate = |max_parallel| MigrateStrategy {
        max_parallel,
        health_check: HealthCheck::TaskStates,
        min_healthy_time: std::time::Duration::ZERO,
        healthy_deadline: std::time::Duration::from_secs(1),
    };
    let mut service = Job { priority: 20, ..job("service", 2) };
    service.groups[0].migrate = Some(migrate(1));
    let service = state.register(service);
    for (id, node) in [(1, 1), (2, 2)] {
        let mut row = allocation(&service, id, node);
        row.ask.cpu = MegaHertz(4000);
        state.allocations.insert(row.id, Arc::new(row));
    }
    resident(&mut state, "batch", 3, 20, 4000);
    assert_eq!(losers(&mut state, important("two", 2, 4000)), ["batch", "service"]);
    // With nobody else left, the limit gives way to the priority.
    assert_eq!(losers(&mut state, important("three", 3, 4000)), ["batch", "service", "service"]);
}

#[test]
fn ports_cores_and_devices_are_freed_too() {
    let held = |value| AssignedPort { label: "p".into(), value, to: 0, host_ip: "".into(), shared: false };
    // A port.
    let mut fleet = state(1);
    resident_with(&mut fleet, "other", 1, 10, 100, |_, row| row.ports = vec![held(9090)].into());
    resident_with(&mut fleet, "holder", 1, 30, 100, |_, row| row.ports = vec![held(8080)].into());
    let mut wanted = important("high", 1, 100);
    wanted.groups[0].networks = vec![port("http", Some(8080))];
    assert_eq!(losers(&mut fleet, wanted.clone()), ["holder"]);
    let mut fleet = state(1);
    resident_with(&mut fleet, "untouchable", 1, 75, 100, |_, row| row.ports = vec![held(8080)].into());
    assert_eq!(losers(&mut fleet, wanted), [""; 0]);

    // Cores, of which a plain task holds none.
    let mut fleet = state(1);
    resident(&mut fleet, "plain", 1, 10, 1000);
    resident_with(&mut fleet, "pinned", 1, 20, 3000, |_, row| {
        row.cores = vec![0, 1, 2].into();
        row.ask.cores = 3;
    });
    let mut wanted = important("high", 1, 0);
    wanted.groups[0].tasks[0].resources.cores = 2;
    assert_eq!(losers(&mut fleet, wanted), ["pinned"]);

    // A device.
    let mut fleet = state(1);
    let instance = DeviceInstance { id: "0".into(), healthy: true, health_description: "".into(), pci_bus_id: "".into(), numa_node: None };
    let group =
        DeviceGroup { vendor: "acme".into(), kind: "gpu".into(), name: "g".into(), instances: vec![instance], ..Default::default() };
    fleet.edit_node(1, |node| node.resources.devices = vec![group]);
    let share = |share| AssignedDevice {
        task: "main".into(),
        vendor: "acme".into(),
        kind: "gpu".into(),
        name: "g".into(),
        instance: "0".into(),
        share: DeviceShare(share),
    };
    resident_with(&mut fleet, "bystander", 1, 10, 100, |_, _| ());
    resident_with(&mut fleet, "small", 1, 30, 100, |_, row| row.devices = vec![share(300)].into());
    resident_with(&mut fleet, "large", 1, 20, 100, |_, row| row.devices = vec![share(600)].into());
    let mut wanted = important("high", 1, 100);
    wanted.groups[0].tasks[0].resources.devices =
        vec![DeviceAsk { name: "gpu".into(), count: 1, share: DeviceShare(500), ..Default::default() }];
    assert_eq!(losers(&mut fleet, wanted), ["large"]);
}

#[test]
fn the_evicted_hand_their_room_over_and_their_jobs_look_again() {
    let mut state = state(1);
    let victim = resident(&mut state, "low", 1, 20, 4000);
    let high = state.register(important("high", 2, 2000));
    let plan = plan_for(&mut state, &high);
    assert_eq!(placed(&plan), 2, "one eviction makes room for both");
    let again: Vec<_> =
        plan.evaluations.iter().filter(|e| e.trigger == EvalTrigger::Preemption).map(|e| (&*e.job.id, e.priority)).collect();
    assert_eq!(again, [("low", 20)]);
    state.apply(&plan);
    let row = &state.allocations[&victim];
    assert_eq!(row.desired_status, AllocDesiredStatus::Evict);
    assert!(row.occupies() && !row.holds_room(), "it still runs, but its room is promised");
    assert_eq!(state.live(&high.key).iter().flat_map(|a| a.history.preempted.clone()).collect::<Vec<_>>(), [victim]);

    // Its job finds no other place, and pushes nobody back.
    let low = Arc::clone(&state.jobs[&crate::model::JobKey::new("default", "low")]);
    let plan = plan_for(&mut state, &low);
    assert_eq!((placed(&plan), evicted(&plan).len()), (0, 0));
    // Where one fewer would not do, both keep to conditions of their own.
    state.settle_clients();
    let mut distinct = important("distinct", 2, 100);
    distinct.priority = 95;
    distinct.constraints.push(constraint("", "distinct_hosts", "true"));
    let distinct = state.register(distinct);
    let plan = plan_for(&mut state, &distinct);
    assert_eq!((placed(&plan), evicted(&plan).len()), (1, 1));
}

#[test]
fn all_or_nothing_evicts_nobody_for_half_a_job() {
    let mut state = state(1);
    resident(&mut state, "low", 1, 20, 4000);
    assert_eq!(losers(&mut state, Job { all_at_once: true, ..important("half", 3, 2000) }), [""; 0]);
    assert_eq!(losers(&mut state, Job { all_at_once: true, ..important("whole", 2, 2000) }), ["low"]);
}

#[test]
fn a_dry_run_names_who_would_leave() {
    let mut state = state(2);
    let victim = resident(&mut state, "low", 1, 20, 4000);
    resident(&mut state, "untouchable", 2, 75, 4000);
    let run = crate::scheduler::dry_run(&state, &important("high", 1, 2000), NOW);
    assert_eq!(run.evicted, [victim]);
    assert_eq!((run.groups["web"].place, run.groups["web"].preemptions), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// One important instance on a crowded fleet: nobody leaves who need not, nobody who must not, and it is turned away only if nothing helps.
    #[test]
    fn victims_are_few_and_fair(
        crowd in prop::collection::vec((1u128..4, 1u8..100, 1u64..20, 1u64..20, 0u16..2), 0..24),
        (priority, cpu, memory, cores) in (1u8..=100, 1u64..40, 1u64..40, 0u16..3),
    ) {
        let mut fleet = state(0);
        for id in 1..4 {
            let mut node = node(id);
            node.resources.cpu = MegaHertz(4000);
            node.resources.memory = MebiBytes(4000);
            fleet.set_node(node);
        }
        let mut usage: Vec<Usage> = vec![Usage::default(); 4];
        for (number, (on, priority, cpu, memory, cores)) in crowd.into_iter().enumerate() {
            let free = (0..4u16).find(|core| !usage[on as usize].cores.contains(core));
            let id = resident_with(&mut fleet, &format!("crowd-{number}"), on, priority, cpu * 100, |_, row| {
                row.ask.memory = MebiBytes(memory * 100);
                row.ask.disk = MebiBytes(0);
                if let Some(core) = free.filter(|_| cores > 0) {
                    row.ask.cores = 1;
                    row.cores = vec![core].into();
                }
            });
            let fits = usage[on as usize].try_add(&fleet.nodes[&NodeId(on)], &fleet.allocations[&id]).is_ok();
            if !fits {
                fleet.allocations.remove(&id);
            }
        }
        let mut wanted = Job { priority, ..job("high", 1) };
        wanted.groups[0].tasks[0].resources.cpu = MegaHertz(if cores > 0 { 0 } else { cpu * 100 });
        wanted.groups[0].tasks[0].resources.memory = MebiBytes(memory * 100);
        wanted.groups[0].tasks[0].resources.cores = cores;
        wanted.groups[0].ephemeral_disk.size = MebiBytes(0);
        let wanted = fleet.register(wanted);
        let before = fleet.clone();
        let plan = plan_for(&mut fleet, &wanted);
        let gone = evicted(&plan);
        fleet.apply(&plan);

        let room = |node: NodeId, without: &BTreeSet<AllocId>| {
            let mut usage = Usage::default();
            let staying = before.allocations.values().filter(|row| row.node_id == node && !without.contains(&row.id));
            staying.for_each(|row| usage.add(&before.nodes[&node], row));
            usage
        };
        let yields = |id: &AllocId| before.specs[&before.allocations[id].job].priority + LEAST_PRIORITY_GAP <= priority;
        prop_assert!(gone.iter().all(yields), "nobody too important");
        match fleet.live(&wanted.key).first() {
            Some(row) => {
                let node = &fleet.nodes[&row.node_id];
                prop_assert!(room(node.id, &gone).try_add(node, row).is_ok(), "capacity");
                for spared in &gone {
                    let fewer: BTreeSet<_> = gone.iter().filter(|id| *id != spared).copied().collect();
                    let ask_alone = crate::model::Allocation { cores: Default::default(), ..(**row).clone() };
                    let mut usage = room(node.id, &fewer);
                    let free_cores = 4 - usage.cores.len();
                    let fits = usage.try_add(node, &ask_alone).is_ok() && free_cores >= usize::from(cores);
                    prop_assert!(!fits, "{spared} left for nothing");
                }
            }
            None => {
                for node in before.nodes.values() {
                    let all: BTreeSet<_> = before.allocations.values().filter(|row| row.node_id == node.id).map(|row| row.id).filter(yields).collect();
                    let mut row = allocation(&wanted, 0, node.id.0);
                    row.ask.cpu = MegaHertz(row.ask.cpu.0 + 1000 * u64::from(cores));
                    let mut usage = room(node.id, &all);
                    let free_cores = 4 - usage.cores.len();
                    let fits = usage.try_add(node, &row).is_ok() && free_cores >= usize::from(cores);
                    prop_assert!(!fits, "{} could have taken it", node.name);
                }
            }
        }
    }
}
