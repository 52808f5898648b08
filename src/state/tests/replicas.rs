//! Random command sequences on two replicas: the same bytes, through snapshots too; no node oversubscribed; and the tables
//! agree with a naive model that knows nothing of indexes.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use crate::model::fit::Usage;
use crate::model::job::Periodic;
use crate::model::plan::Stop;
use crate::model::signing_key::{KeyId, Seed, SigningKey};
use crate::model::{
    AllocClientStatus, AllocDesiredStatus, AllocId, AllocationUpdate, Eligibility, EvalId, EvalTrigger, Evaluation, Job, JobKey, JobType,
    NodeId, NodeStatus, Plan, fixtures,
};
use crate::state::command::{Child, Collected, Command, Request};
use crate::state::{State, snapshot};
use crate::util::clock::Timestamp;

/// A step of a sequence, in terms of small ordinals that [`command`] turns into what exists at the time.
#[derive(Clone, Debug)]
enum Step {
    Register { job: u8, count: u8, batch: bool },
    Deregister { job: u8, purge: bool },
    Node { node: u8, small: bool },
    NodeDown { node: u8 },
    Ineligible { node: u8 },
    Place { job: u8, node: u8, first: u8, count: u8 },
    Stop { nth: u8 },
    Report { nth: u8, status: u8 },
    Collect,
    PurgeNode { node: u8 },
    Periodic { job: u8 },
    Launch { job: u8, minute: u8, skipped: bool },
    Dispatch { job: u8, token: u8 },
    Scale { job: u8, count: Option<u8> },
    Key,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4u8, 0..6u8, any::<bool>()).prop_map(|(job, count, batch)| Step::Register { job, count, batch }),
        1 => (0..4u8, any::<bool>()).prop_map(|(job, purge)| Step::Deregister { job, purge }),
        3 => (0..4u8, any::<bool>()).prop_map(|(node, small)| Step::Node { node, small }),
        1 => (0..4u8).prop_map(|node| Step::NodeDown { node }),
        1 => (0..4u8).prop_map(|node| Step::Ineligible { node }),
        8 => (0..4u8, 0..4u8, 0..20u8, 1..20u8).prop_map(|(job, node, first, count)| Step::Place { job, node, first, count }),
        3 => any::<u8>().prop_map(|nth| Step::Stop { nth }),
        6 => (any::<u8>(), 0..5u8).prop_map(|(nth, status)| Step::Report { nth, status }),
        1 => Just(Step::Collect),
        1 => (0..4u8).prop_map(|node| Step::PurgeNode { node }),
        1 => (0..4u8).prop_map(|job| Step::Periodic { job }),
        3 => (0..4u8, 0..40u8, any::<bool>()).prop_map(|(job, minute, skipped)| Step::Launch { job, minute, skipped }),
        2 => (0..4u8, 0..3u8).prop_map(|(job, token)| Step::Dispatch { job, token }),
        1 => (0..4u8, proptest::option::of(0..6u8)).prop_map(|(job, count)| Step::Scale { job, count }),
        1 => Just(Step::Key),
    ]
}

fn job_key(ordinal: u8) -> JobKey {
    JobKey::new("default", format!("job-{ordinal}"))
}

fn nth_allocation(state: &State, nth: u8) -> Option<AllocId> {
    let all: Vec<AllocId> = state.allocations().map(|row| row.id).collect();
    (!all.is_empty()).then(|| all[usize::from(nth) % all.len()])
}

fn command(state: &State, step: &Step, ordinal: u64) -> Option<Command> {
    let at = Timestamp(i64::try_from(ordinal).unwrap());
    Some(match step {
        Step::Register { job, count, batch } => {
            let job_type = if *batch { JobType::Batch } else { JobType::Service };
            let job = Arc::new(fixtures::job(&job_key(*job).id, job_type, u32::from(*count)));
            Command::RegisterJob { job, submission: None, enforce_index: None, evaluation: None, at }
        }
        Step::Deregister { job, purge } => {
            Command::DeregisterJob { key: job_key(*job), purge: *purge, evaluation: None, no_shutdown_delay: *purge, at }
        }
        Step::Node { node, small } => {
            let mut row = fixtures::node(u128::from(*node));
            if *small {
                row.resources.cpu.0 /= 2;
            }
            Command::RegisterNode { node: Box::new(row), evaluations: Vec::new(), at }
        }
        Step::NodeDown { node } => Command::SetNodeStatus {
            node: NodeId(u128::from(*node)),
            status: NodeStatus::Down,
            description: "".into(),
            evaluations: Vec::new(),
            at,
        },
        Step::Ineligible { node } => Command::SetNodeEligibility {
            node: NodeId(u128::from(*node)),
            eligibility: Eligibility::Ineligible,
            evaluations: Vec::new(),
            at,
        },
        Step::Place { job, node, first, count } => {
            let job = state.job(&job_key(*job))?;
            let seed = u128::from(ordinal) << 64 | 77;
            let plan = fixtures::placing(job, NodeId(u128::from(*node)), u32::from(*first), u32::from(*count), seed);
            Command::ApplyPlan { plan: Box::new(plan) }
        }
        Step::Stop { nth } => {
            let stop = Stop {
                alloc: nth_allocation(state, *nth)?,
                desired: AllocDesiredStatus::Stop,
                description: "stopped".into(),
                client_status: None,
                follow_up_eval: None,
                preempted_by: None,
            };
            Command::ApplyPlan { plan: Box::new(Plan { created_at: at, stops: vec![stop], ..Plan::default() }) }
        }
        Step::Report { nth, status } => {
            use AllocClientStatus::{Complete, Failed, Pending, Running, Unknown};
            let update = AllocationUpdate {
                id: nth_allocation(state, *nth)?,
                client_status: [Pending, Running, Complete, Failed, Unknown][usize::from(*status)],
                client_description: "".into(),
                task_states: Default::default(),
                health: None,
                at,
            };
            Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at }
        }
        Step::Collect => Command::CollectGarbage {
            collected: Collected {
                jobs: state.jobs().map(|job| job.key.clone()).collect(),
                evaluations: state.evaluations().map(|row| row.id).collect(),
                allocations: state.allocations().map(|row| row.id).collect(),
                deployments: Vec::new(),
                nodes: state.nodes().map(|node| node.id).collect(),
            },
        },
        Step::Periodic { job } => {
            let periodic = Periodic { enabled: true, specs: vec!["* * * * *".into()], prohibit_overlap: false, time_zone: "UTC".into() };
            let job = Job { periodic: Some(periodic), ..fixtures::job(&job_key(*job).id, JobType::Batch, 1) };
            Command::RegisterJob { job: Arc::new(job), submission: None, enforce_index: None, evaluation: None, at }
        }
        Step::Launch { job, minute, skipped } => {
            let child = (!skipped).then(|| child_of(*job, &format!("periodic-{minute}"), at));
            Command::LaunchPeriodic { parent: job_key(*job), scheduled: Timestamp(i64::from(*minute)), child, at }
        }
        Step::Dispatch { job, token } => Command::StartChild {
            parent: job_key(*job),
            idempotency_token: (*token > 0).then(|| format!("token-{token}").into()),
            child: child_of(*job, &format!("dispatch-{ordinal}"), at),
            at,
        },
        Step::Scale { job, count } => {
            let current = state.job(&job_key(*job))?;
            let mut scaled = Job::clone(current);
            let count = count.map(u32::from);
            scaled.groups[0].count = count.unwrap_or(scaled.groups[0].count);
            Command::ScaleJob {
                key: current.key.clone(),
                group: current.groups[0].name.clone(),
                event: Box::new(fixtures::scaling_event(count, current.groups[0].count)),
                job: count.map(|_| Arc::new(scaled)),
                submission: None,
                enforce_index: None,
                evaluation: None,
                at,
            }
        }
        Step::Key => Command::AddSigningKey {
            key: Box::new(SigningKey { id: KeyId(ordinal.into()), public: [1; 32], seed: Seed([2; 32]), created: at }),
        },
        Step::PurgeNode { node } => Command::PurgeNode { node: NodeId(u128::from(*node)), evaluations: Vec::new(), at },
    })
}

fn child_of(parent: u8, name: &str, at: Timestamp) -> Box<Child> {
    let parent = job_key(parent);
    let job = fixtures::job(&format!("{}/{name}", parent.id), JobType::Batch, 1);
    let job = Job { parent_id: Some(parent.id), ..job };
    let evaluation =
        Evaluation::pending(EvalId(at.0.unsigned_abs().into()), job.key.clone(), job.job_type, 50, EvalTrigger::PeriodicJob, at);
    Box::new(Child { job: Arc::new(job), evaluation })
}

/// What must hold of every state, computed the slow way.
fn check(state: &State, registered: &BTreeMap<JobKey, Job>) {
    let jobs: Vec<&JobKey> = registered.keys().collect();
    assert_eq!(state.jobs().map(|job| &job.key).collect::<Vec<_>>(), jobs);
    for job in state.jobs() {
        assert_eq!(job.groups, registered[&job.key].groups, "the newest registration stands");
        assert!(state.specification(&job.reference()).is_some());
        let children: Vec<&JobKey> =
            state.jobs().filter(|child| child.parent().as_ref() == Some(&job.key)).map(|child| &child.key).collect();
        assert_eq!(state.children(&job.key).map(|child| &child.key).collect::<Vec<_>>(), children);
    }
    let periodic: Vec<&JobKey> = state.jobs().filter(|job| job.periodic.is_some() && !job.stop).map(|job| &job.key).collect();
    assert_eq!(state.periodic_jobs().map(|(job, _)| &job.key).collect::<Vec<_>>(), periodic);
    for node in state.nodes() {
        let on_node: Vec<_> = state.allocations().filter(|row| row.node_id == node.id).map(|row| row.id).collect();
        let mut found: Vec<_> = state.allocations_on_node(node.id).map(|row| row.id).collect();
        found.sort_unstable();
        assert_eq!(found, on_node);
        let middle = state.index() / 2;
        let changed = state.allocations_on_node(node.id).filter(|row| row.alloc_modify_index > middle).count();
        assert_eq!(state.allocations_changed_on_node(node.id, middle).count(), changed);
        let mut usage = Usage::default();
        state.allocations_on_node(node.id).filter(|row| row.holds_room()).for_each(|row| usage.add(node, row));
        assert_eq!(state.usage_of(node.id).map(|usage| &**usage), Some(&usage), "the sum is kept in step");
    }
    for row in state.allocations() {
        assert!(state.specification(&row.job).is_some(), "an allocation's specification is kept");
        assert!(state.allocations_of_job(&row.job.key).any(|other| other.id == row.id));
    }
}

/// A node's room may shrink under what runs on it (it registers anew, smaller); but nothing is ever placed beyond it.
fn check_room(before: &State, after: &State) {
    for node in after.nodes() {
        let is_new = |id: AllocId| before.allocation(id).is_none();
        if !after.allocations_on_node(node.id).any(|row| is_new(row.id)) {
            continue;
        }
        let mut usage = Usage::default();
        for row in after.allocations_on_node(node.id).filter(|row| row.holds_room()) {
            usage.try_add(node, row).expect("a placement never oversubscribes its node");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn replicas_agree_on_every_byte(steps in proptest::collection::vec(step(), 1..80)) {
        let mut one = State::default();
        let mut other = State::default();
        let mut registered: BTreeMap<JobKey, Job> = BTreeMap::new();
        for (ordinal, step) in (1u64..).zip(&steps) {
            let Some(command) = command(&one, step, ordinal) else { continue };
            let request = Request { id: u128::from(ordinal), command };
            let index = one.index() + 1;
            let before = one.clone();
            let (outcome, changes) = one.apply(index, &request);
            prop_assert_eq!(&outcome, &other.apply(index, &request).0);
            if outcome.is_err() {
                prop_assert!(changes.changes.is_empty());
            }
            match (&request.command, &outcome) {
                // Not when the token or the second was taken.
                (Command::LaunchPeriodic { child: Some(child), .. } | Command::StartChild { child, .. }, Ok(_))
                    if one.job(&child.job.key).is_some() =>
                {
                    registered.entry(child.job.key.clone()).or_insert_with(|| Job::clone(&child.job));
                }
                (Command::RegisterJob { job, .. } | Command::ScaleJob { job: Some(job), .. }, Ok(_)) => _ = registered.insert(job.key.clone(), Job::clone(job)),
                (Command::DeregisterJob { key, purge: true, .. }, Ok(_)) => _ = registered.remove(key),
                (Command::CollectGarbage { .. }, Ok(_)) => registered.retain(|key, _| one.job(key).is_some()),
                _ => {}
            }
            check(&one, &registered);
            check_room(&before, &one);
            // The other replica is restarted from a snapshot now and then.
            if ordinal % 7 == 0 {
                other = snapshot::decode(&snapshot::encode(&other).unwrap()).unwrap();
            }
        }
        prop_assert_eq!(snapshot::encode(&one).unwrap(), snapshot::encode(&other).unwrap());
    }
}
