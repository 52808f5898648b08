//! The loop without its waiting: a state, a desk, and a log whose entries are applied when a test says so.

mod properties;
mod together;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::desk::{Desk, Proposal, Step};
use super::entries::Limits;
use crate::model::{
    AllocClientStatus, AllocationUpdate, Constraint, Eligibility, EvalId, EvalStatus, EvalTrigger, Evaluation, Job, JobKey, JobType,
    MebiBytes, MegaHertz, Node, NodeId, Operand, fixtures,
};
use crate::state::command::Request;
use crate::state::store::Publication;
use crate::state::{Change, Command, State};
use crate::util::clock::Timestamp;

struct Cluster {
    state: State,
    desk: Desk,
    /// Proposed and not applied.
    log: VecDeque<Proposal>,
    /// Evaluations that were decided.
    decided: usize,
    seed: u128,
    /// Every version of every job, a stop included: what the state may forget.
    history: BTreeMap<JobKey, Vec<Arc<Job>>>,
}

impl Cluster {
    fn new(rows: usize) -> Self {
        let state = State::default();
        let desk = Desk::new(&state, Limits { rows, bytes: 1 << 20 });
        Self { state, desk, log: VecDeque::new(), decided: 0, seed: 0, history: BTreeMap::new() }
    }

    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.state.index()).unwrap() * 1_000_000_000)
    }

    fn apply(&mut self, id: u128, command: Command) -> crate::state::Reply {
        let index = self.state.index() + 1;
        let (outcome, changes) = self.state.apply(index, &Request { id, command });
        let state = Arc::new(self.state.clone());
        for change in &changes.changes {
            if let Change::Job { key, after: Some(row), registered: true, .. } = change {
                self.history.entry(key.clone()).or_default().push(Arc::clone(row));
            }
        }
        self.desk.note(&Publication { state, changes: vec![changes].into(), replaced: false });
        outcome.unwrap_or_default()
    }

    fn node(&mut self, node: Node) {
        let evaluations = Vec::new();
        self.apply(0, Command::RegisterNode { node: Box::new(node), evaluations, at: self.now() });
    }

    fn register(&mut self, job: Job) -> JobKey {
        let key = job.key.clone();
        self.seed += 1;
        let evaluation =
            Evaluation::pending(EvalId(self.seed), key.clone(), job.job_type, job.priority, EvalTrigger::JobRegister, self.now());
        let (job, evaluation, at) = (Arc::new(job), Some(Box::new(evaluation)), self.now());
        self.apply(0, Command::RegisterJob { job, submission: None, enforce_index: None, evaluation, at });
        key
    }

    fn report(&mut self, row: &crate::model::Allocation, client_status: AllocClientStatus) {
        let update = AllocationUpdate {
            id: row.id,
            client_status,
            client_description: "".into(),
            task_states: Default::default(),
            health: None,
            at: self.now(),
        };
        let mut evaluations = Vec::new();
        if client_status == AllocClientStatus::Failed
            && let Some(job) = self.state.job(&row.job.key)
        {
            self.seed += 1;
            let id = EvalId(self.seed);
            evaluations.push(Evaluation::pending(id, job.key.clone(), job.job_type, 50, EvalTrigger::AllocFailure, self.now()));
        }
        self.apply(0, Command::UpdateAllocations { updates: vec![update], evaluations, at: self.now() });
    }

    /// Lets the desk decide and propose; returns how many entries.
    fn step(&mut self) -> usize {
        self.seed += 1;
        let Step { decided, proposals } = self.desk.step(&self.state, self.seed << 64, self.now());
        let count = proposals.len();
        self.decided += decided;
        self.log.extend(proposals);
        count
    }

    /// Applies the oldest entry and tells the desk; false when there is none.
    fn commit(&mut self) -> bool {
        let Some(Proposal { ticket, plan }) = self.log.pop_front() else { return false };
        let reply = self.apply(ticket, Command::ApplyPlan { plan: Box::new(plan) });
        self.desk.applied(&self.state, ticket, reply.index, reply.dropped_placements);
        true
    }

    /// Loses every entry on its way, as when a quorum does.
    fn lose(&mut self) {
        for Proposal { ticket, .. } in std::mem::take(&mut self.log) {
            self.desk.failed(&self.state, ticket);
        }
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            if self.step() == 0 && !self.commit() {
                return;
            }
        }
        panic!("the loop does not come to rest");
    }

    fn running(&self, job: &JobKey) -> usize {
        self.state.allocations_of_job(job).filter(|row| !row.is_terminal()).count()
    }

    fn blocked(&self, job: &JobKey) -> Option<Arc<Evaluation>> {
        self.state.evaluations_of_job(job).find(|row| row.status == EvalStatus::Blocked).cloned()
    }
}

/// 4,000 MHz and 8,192 MiB, of a class.
fn node(id: u128, class: &str) -> Node {
    let mut node = fixtures::node(id);
    node.class = class.into();
    node
}

fn job(id: &str, count: u32, memory: u64) -> Job {
    let mut job = fixtures::job(id, JobType::Batch, count);
    job.groups[0].ephemeral_disk.size = MebiBytes(1);
    job.groups[0].tasks[0].resources.cpu = MegaHertz(10);
    job.groups[0].tasks[0].resources.memory = MebiBytes(memory);
    job
}

fn on_class(mut job: Job, class: &str) -> Job {
    job.constraints.push(Constraint { left: "${node.class}".into(), operand: Operand::Equal, right: class.into() });
    job
}

#[test]
fn a_large_job_lets_an_urgent_one_in_between() {
    let mut cluster = Cluster::new(10);
    (1..=4).for_each(|id| cluster.node(node(id, "")));
    let large = cluster.register(job("large", 100, 10));
    cluster.step();
    let urgent = cluster.register(Job { priority: 90, ..job("urgent", 3, 10) });
    let mut commits_until_urgent = 0;
    while cluster.running(&urgent) == 0 {
        cluster.step();
        assert!(cluster.commit());
        commits_until_urgent += 1;
    }
    assert!(commits_until_urgent <= 5, "after {commits_until_urgent} entries");
    assert!(cluster.running(&large) < 100, "{} of the large job", cluster.running(&large));
    assert_eq!(cluster.state.evaluations_of_job(&large).filter(|row| row.status == EvalStatus::Pending).count(), 1, "not over yet");
    cluster.settle();
    assert_eq!((cluster.running(&large), cluster.running(&urgent)), (100, 3));
    assert!(cluster.state.open_evaluations().next().is_none());
}

#[test]
fn the_next_decision_does_not_wait_for_the_commit_and_counts_its_places() {
    let mut cluster = Cluster::new(1_000);
    cluster.node(node(1, ""));
    cluster.node(node(2, ""));
    let first = cluster.register(job("first", 1, 8_000));
    assert_eq!(cluster.step(), 1);
    let second = cluster.register(job("second", 1, 8_000));
    let third = cluster.register(job("third", 1, 8_000));
    assert_eq!(cluster.step(), 1, "decided while the first entry is on its way");
    while let Some(Proposal { ticket, plan }) = cluster.log.pop_front() {
        let reply = cluster.apply(ticket, Command::ApplyPlan { plan: Box::new(plan) });
        assert_eq!(reply.dropped_placements, 0, "nobody's place was given away twice");
        cluster.desk.applied(&cluster.state, ticket, reply.index, 0);
    }
    cluster.settle();
    assert_eq!([&first, &second, &third].map(|key| cluster.running(key)), [1, 1, 0]);
    assert!(cluster.blocked(&third).is_some());
}

#[test]
fn a_job_is_left_alone_while_a_decision_on_it_is_on_its_way() {
    let mut cluster = Cluster::new(1_000);
    cluster.node(node(1, ""));
    let key = cluster.register(job("web", 3, 10));
    cluster.step();
    // The same again, larger, before the first plan is applied.
    cluster.register(job("web", 5, 10));
    assert_eq!(cluster.step(), 0);
    cluster.settle();
    assert_eq!(cluster.running(&key), 5);
}

#[test]
fn lost_entries_are_decided_again() {
    let mut cluster = Cluster::new(10);
    (1..=4).for_each(|id| cluster.node(node(id, "")));
    let large = cluster.register(job("large", 64, 10));
    let small = cluster.register(job("small", 2, 10));
    cluster.step();
    assert!(cluster.commit(), "a part of it");
    cluster.step();
    cluster.lose();
    cluster.settle();
    assert_eq!((cluster.running(&large), cluster.running(&small)), (64, 2));
    assert!(cluster.state.open_evaluations().next().is_none());
}

#[test]
fn what_happens_right_after_a_lost_entry_is_not_missed() {
    let mut cluster = Cluster::new(5);
    cluster.node(node(1, ""));
    // In two entries, of which the second is lost after the waiting job was decided.
    let large = cluster.register(job("large", 6, 1_000));
    cluster.step();
    cluster.commit();
    cluster.node(node(2, "other"));
    let waiting = cluster.register(on_class(job("waiting", 3, 3_000), "other"));
    cluster.commit();
    cluster.step();
    cluster.commit();
    cluster.lose();
    cluster.step();
    assert!(cluster.blocked(&waiting).is_some() && cluster.running(&waiting) == 2);
    let row = Arc::clone(cluster.state.allocations_of_job(&waiting).next().unwrap());
    cluster.report(&row, AllocClientStatus::Complete);
    cluster.settle();
    assert_eq!((cluster.running(&waiting), cluster.running(&large)), (2, 6));
}

#[test]
fn what_no_longer_holds_is_placed_elsewhere() {
    let mut cluster = Cluster::new(10);
    cluster.node(node(1, ""));
    let key = cluster.register(job("web", 30, 10));
    cluster.step();
    cluster.node(node(2, ""));
    let ineligible =
        Command::SetNodeEligibility { node: NodeId(1), eligibility: Eligibility::Ineligible, evaluations: Vec::new(), at: cluster.now() };
    cluster.apply(0, ineligible);
    cluster.settle();
    assert_eq!(cluster.running(&key), 30);
    assert!(cluster.state.allocations_on_node(NodeId(1)).next().is_none());
}

#[test]
fn a_blocked_evaluation_wakes_only_for_what_may_help_it() {
    let mut cluster = Cluster::new(1_000);
    cluster.node(node(1, "small"));
    cluster.node(node(2, "large"));
    let filler = cluster.register(on_class(job("filler", 2, 4_000), "large"));
    let other = cluster.register(on_class(job("other", 4, 2_000), "small"));
    cluster.settle();
    let waiting = cluster.register(on_class(job("waiting", 1, 4_000), "large"));
    cluster.settle();
    assert!(cluster.blocked(&waiting).is_some());
    let decided = |cluster: &mut Cluster| {
        let before = cluster.decided;
        cluster.settle();
        cluster.decided - before
    };
    // Memory comes free on a node of a class that it must not run on.
    let row = Arc::clone(cluster.state.allocations_of_job(&other).next().unwrap());
    cluster.report(&row, AllocClientStatus::Complete);
    assert_eq!(decided(&mut cluster), 0);
    // A node of its class changes, but gives no memory.
    let mut changed = node(2, "large");
    changed.attributes.insert("unique.colour".into(), "red".into());
    cluster.node(changed);
    assert_eq!(decided(&mut cluster), 0);
    // Memory comes free where it may run.
    let row = Arc::clone(cluster.state.allocations_of_job(&filler).next().unwrap());
    cluster.report(&row, AllocClientStatus::Complete);
    assert_eq!(decided(&mut cluster), 1);
    assert_eq!(cluster.running(&waiting), 1);
}

#[test]
fn capacity_that_comes_while_the_decision_is_on_its_way_is_not_missed() {
    let mut cluster = Cluster::new(1_000);
    let key = cluster.register(job("early", 1, 10));
    assert_eq!(cluster.step(), 1, "it finds no node, and says so");
    cluster.node(node(1, ""));
    cluster.settle();
    assert_eq!(cluster.running(&key), 1);
}
