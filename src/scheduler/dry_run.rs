//! What registering a job would do, without doing it (`job plan`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decision::Decision;
use super::reconcile::Tally;
use super::{DueJob, Scheduler, StateView, Touched};
use crate::model::plan::PlacementMetrics;
use crate::model::scheduler_config::{SchedulerAlgorithm, SchedulerConfig};
use crate::model::{AllocId, Allocation, Deployment, EvalId, EvalTrigger, Evaluation, Job, JobKey, JobRef, Node, NodeId, Text};
use crate::util::clock::Timestamp;

/// The changes that a registration would bring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DryRun {
    /// How many instances of each group each kind of change would concern.
    pub groups: BTreeMap<Text, Tally>,
    /// Why groups could not be placed completely.
    pub failed: BTreeMap<Text, Arc<PlacementMetrics>>,
    /// When the next failed allocation would be placed again, if one waits.
    pub next_attempt: Option<Timestamp>,
    /// Allocations of other jobs that would have to leave.
    pub evicted: Vec<AllocId>,
}

/// Decides as if `job` were registered now. The indexes of `job` need not be filled in.
pub fn dry_run(view: &dyn StateView, job: &Job, now: Timestamp) -> DryRun {
    let Decision { failed, tallies, marks, evicted, .. } = simulate(view, as_registered(view, job), now);
    DryRun {
        groups: tallies,
        failed,
        evicted: evicted.into_iter().map(|allocation| allocation.id).collect(),
        next_attempt: marks.iter().filter(|mark| !mark.disconnected).filter_map(|mark| mark.at).min(),
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

    fn algorithm_in(&self, node_pool: &str) -> SchedulerAlgorithm {
        self.view.algorithm_in(node_pool)
    }

    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        if *key == self.job.key { Some(Arc::clone(&self.job)) } else { self.view.job(key) }
    }

    fn job_spec(&self, job: &JobRef) -> Option<Arc<Job>> {
        if *job == self.job.reference() { Some(Arc::clone(&self.job)) } else { self.view.job_spec(job) }
    }

    fn job_versions(&self, key: &JobKey) -> Vec<Arc<Job>> {
        self.view.job_versions(key)
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

    fn usage_on_node(&self, node: &Node) -> crate::model::fit::Usage {
        self.view.usage_on_node(node)
    }

    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>> {
        self.view.latest_deployment(key)
    }

    fn evaluations_of_job(&self, key: &JobKey) -> Vec<Arc<Evaluation>> {
        self.view.evaluations_of_job(key)
    }
}
