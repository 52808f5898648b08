//! What registering a job would do, without doing it (`job plan`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decision::Decision;
use super::{DueJob, Scheduler, StateView, Touched};
use crate::model::plan::PlacementMetrics;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::{AllocId, Allocation, Deployment, EvalId, EvalTrigger, Evaluation, Job, JobKey, JobRef, Node, NodeId, Text};
use crate::util::clock::Timestamp;

/// The changes that a registration would bring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DryRun {
    pub groups: BTreeMap<Text, GroupDryRun>,
    /// Why groups could not be placed completely.
    pub failed: BTreeMap<Text, Arc<PlacementMetrics>>,
    /// When the next failed allocation would be placed again, if one waits.
    pub next_attempt: Option<Timestamp>,
    /// Allocations of other jobs that would have to leave.
    pub evicted: Vec<AllocId>,
}

/// How many instances of a group each kind of change would concern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupDryRun {
    pub place: u32,
    pub stop: u32,
    pub in_place: u32,
    pub destructive: u32,
    pub migrate: u32,
    pub ignore: u32,
    pub preemptions: u32,
}

/// Decides as if `job` were registered now. The indexes of `job` need not be filled in.
pub fn dry_run(view: &dyn StateView, job: &Job, now: Timestamp) -> DryRun {
    let Decision { failed, tallies, marks, evicted, .. } = simulate(view, as_registered(view, job), now);
    let group = |tally: super::reconcile::Tally| GroupDryRun {
        place: tally.place,
        stop: tally.stop,
        in_place: tally.in_place,
        destructive: tally.destructive,
        migrate: tally.migrate,
        ignore: tally.ignore,
        preemptions: 0,
    };
    let mut groups: BTreeMap<Text, GroupDryRun> = tallies.into_iter().map(|(name, tally)| (name, group(tally))).collect();
    for (name, victims) in &evicted {
        groups.entry(name.clone()).or_default().preemptions = u32::try_from(victims.len()).unwrap_or(u32::MAX);
    }
    DryRun {
        groups,
        failed,
        evicted: evicted.into_values().flatten().map(|allocation| allocation.id).collect(),
        next_attempt: marks.iter().filter(|mark| !mark.disconnected).map(|mark| mark.at).min(),
    }
}

/// What the scheduler would decide on `job` now, in place of what is registered under its name.
pub fn simulate(view: &dyn StateView, job: Job, now: Timestamp) -> Decision {
    let primary = Evaluation::pending(EvalId(0), job.key.clone(), job.job_type, job.priority, EvalTrigger::JobRegister, now);
    let due = DueJob { key: job.key.clone(), primary: Arc::new(primary), others: Vec::new() };
    let overlaid = Overlaid { view, job: Arc::new(job) };
    let mut scheduler = Scheduler::new();
    scheduler.observe(&overlaid, &Touched::default());
    scheduler.decide(&overlaid, &due, 0, now)
}

/// The job with the indexes that its registration would give it: an unchanged one keeps its reference.
fn as_registered(view: &dyn StateView, job: &Job) -> Job {
    let mut job = job.clone();
    job.job_modify_index = view.index() + 1;
    match view.job(&job.key) {
        Some(current) => {
            let unchanged = current.same_specification(&job);
            job.create_index = current.create_index;
            job.version = current.version + u64::from(!unchanged);
            if unchanged {
                job.job_modify_index = current.job_modify_index;
            }
        }
        None => {
            job.create_index = view.index() + 1;
            job.version = 0;
        }
    }
    job
}

/// The state with one job in place of what is registered under its name.
struct Overlaid<'a> {
    view: &'a dyn StateView,
    job: Arc<Job>,
}

impl StateView for Overlaid<'_> {
    fn index(&self) -> u64 {
        self.view.index()
    }

    fn config(&self) -> &SchedulerConfig {
        self.view.config()
    }

    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        if *key == self.job.key { Some(Arc::clone(&self.job)) } else { self.view.job(key) }
    }

    fn job_spec(&self, job: &JobRef) -> Option<Arc<Job>> {
        if *job == self.job.reference() { Some(Arc::clone(&self.job)) } else { self.view.job_spec(job) }
    }

    fn node(&self, id: NodeId) -> Option<Arc<Node>> {
        self.view.node(id)
    }

    fn nodes(&self) -> Box<dyn Iterator<Item = Arc<Node>> + '_> {
        self.view.nodes()
    }

    fn allocation(&self, id: AllocId) -> Option<Arc<Allocation>> {
        self.view.allocation(id)
    }

    fn allocations_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.view.allocations_of_job(key)
    }

    fn allocations_on_node(&self, id: NodeId) -> Vec<Arc<Allocation>> {
        self.view.allocations_on_node(id)
    }

    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>> {
        self.view.latest_deployment(key)
    }

    fn evaluations_of_job(&self, key: &JobKey) -> Vec<Arc<Evaluation>> {
        self.view.evaluations_of_job(key)
    }
}
