//! The tables and their indexes. Rows are shared (`Arc`), maps are persistent (`imbl`), order is always by key: nothing here
//! depends on a hasher, so every replica walks the same rows in the same order.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::restore::StagedRestore;
use super::texts::Texts;
use crate::model::autopilot::AutopilotConfig;
use crate::model::fit::Usage;
use crate::model::node_pool::NodePool;
use crate::model::scaling::ScalingEvents;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::security::ClusterSecurity;
use crate::model::signing_key::SigningKey;
use crate::model::{AllocId, Allocation, Deployment, DeploymentId, EvalId, Evaluation, Job, JobKey, JobRef, Node, NodeId, Text};
use crate::util::clock::Timestamp;

/// A table, as far as "did anything in it change" goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Table {
    Jobs,
    Nodes,
    Allocations,
    Evaluations,
    Deployments,
    SchedulerConfig,
    NodePools,
}

impl Table {
    pub const COUNT: usize = 7;
    pub const ALL: [Self; Self::COUNT] =
        [Self::Jobs, Self::Nodes, Self::Allocations, Self::Evaluations, Self::Deployments, Self::SchedulerConfig, Self::NodePools];
}

/// The text a job was submitted as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    pub source: Text,
    /// `hcl2` or `json`.
    pub format: Text,
    pub variable_flags: std::collections::BTreeMap<Text, Text>,
    pub variables: Text,
}

/// The cluster at one log index. `Clone` is a handful of reference counts.
#[derive(Clone, Default)]
pub struct State {
    pub(super) index: u64,
    /// How far `index` is ahead of the log's: a snapshot from an older cluster was restored, and indexes never go back.
    pub(super) index_offset: u64,
    /// Index of the last change per table.
    pub(super) table_indexes: [u64; Table::COUNT],
    /// Newest specification of each job.
    pub(super) jobs: OrdMap<JobKey, Arc<Job>>,
    /// Every specification that is tracked as a version or still run by an allocation, by `job_modify_index`.
    pub(super) specifications: OrdMap<(JobKey, u64), Arc<Job>>,
    /// By `job_modify_index`, like the specification it belongs to.
    pub(super) submissions: OrdMap<(JobKey, u64), Arc<Submission>>,
    /// Parent and child, for jobs that a periodic or parameterized job launched.
    pub(super) children: OrdSet<(JobKey, JobKey)>,
    /// Up to when the launches of each periodic job are settled: launched, skipped, or from before it was registered.
    pub(super) launches: OrdMap<JobKey, Timestamp>,
    /// Children of parameterized jobs by the idempotency token of their dispatch.
    pub(super) dispatches: OrdMap<(JobKey, Text), JobKey>,
    pub(super) dispatch_tokens: OrdMap<JobKey, (JobKey, Text)>,
    /// Of the job by this name, as long as it is registered.
    pub(super) scaling_events: OrdMap<JobKey, Arc<ScalingEvents>>,
    /// By the index they were added at: the last one signs, all of them check.
    pub(super) signing_keys: OrdMap<u64, Arc<SigningKey>>,
    pub(super) nodes: OrdMap<NodeId, Arc<Node>>,
    pub(super) allocations: OrdMap<AllocId, Arc<Allocation>>,
    /// Sets within a map, so that a million entries do not each hold the key of their job or node.
    pub(super) allocations_by_job: OrdMap<JobKey, OrdSet<AllocId>>,
    /// With `alloc_modify_index`, so that what changed for a node is found without looking at all it runs.
    pub(super) allocations_by_node: OrdMap<NodeId, OrdSet<(u64, AllocId)>>,
    /// What those allocations that hold room take of each registered node.
    pub(super) usage: OrdMap<NodeId, Arc<Usage>>,
    /// Index at which allocations of a node were last collected: a node that asks from before it gets its whole slice.
    pub(super) collections: OrdMap<NodeId, u64>,
    pub(super) evaluations: OrdMap<EvalId, Arc<Evaluation>>,
    pub(super) evaluations_by_job: OrdSet<(JobKey, EvalId)>,
    /// Evaluations that are not over: what a new leader must take up.
    pub(super) open_evaluations: OrdSet<EvalId>,
    pub(super) deployments: OrdMap<DeploymentId, Arc<Deployment>>,
    pub(super) deployments_by_job: OrdSet<(JobKey, DeploymentId)>,
    pub(super) scheduler_config: SchedulerConfig,
    /// Those that somebody wrote down.
    pub(super) node_pools: OrdMap<Text, Arc<NodePool>>,
    pub(super) autopilot: AutopilotConfig,
    pub(super) staged_restore: StagedRestore,
    pub(super) security: Arc<ClusterSecurity>,
    /// Index at which the newest client requests were applied, so that a retried one is not applied twice.
    pub(super) requests: OrdMap<u128, u64>,
    pub(super) requests_by_index: OrdSet<(u64, u128)>,
    pub(super) texts: Texts,
}

impl State {
    /// Index of the last applied entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Index in the log of the last applied entry.
    pub fn log_index(&self) -> u64 {
        self.index - self.index_offset
    }

    /// The index that the entry at `log_index` gives what it changes.
    pub fn index_of_entry(&self, log_index: u64) -> u64 {
        log_index + self.index_offset
    }

    /// Index of the last change of `table`, at least 1 (a blocking query must have something to wait on).
    pub fn table_index(&self, table: Table) -> u64 {
        self.table_indexes[table as usize].max(1)
    }

    /// Whether the request with this id was carried out; known of the newest few thousand.
    pub fn has_applied(&self, request: u128) -> bool {
        self.requests.contains_key(&request)
    }

    pub fn scheduler_config(&self) -> &SchedulerConfig {
        &self.scheduler_config
    }

    /// The pool by this name, if somebody wrote it down.
    pub fn node_pool(&self, name: &str) -> Option<&Arc<NodePool>> {
        self.node_pools.get(name)
    }

    pub fn node_pools(&self) -> impl DoubleEndedIterator<Item = &Arc<NodePool>> {
        self.node_pools.values()
    }

    pub fn autopilot(&self) -> &AutopilotConfig {
        &self.autopilot
    }

    /// Authorities, tokens and members. Nobody waits for it to change, so it is no [`Table`].
    pub fn security(&self) -> &Arc<ClusterSecurity> {
        &self.security
    }

    pub fn job(&self, key: &JobKey) -> Option<&Arc<Job>> {
        self.jobs.get(key)
    }

    /// All jobs by namespace and id.
    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = &Arc<Job>> {
        self.jobs.values()
    }

    /// The jobs that a periodic or parameterized job launched, by id.
    pub fn children(&self, parent: &JobKey) -> impl Iterator<Item = &Arc<Job>> {
        let first = (parent.clone(), JobKey::new("", ""));
        self.children.range(first..).take_while(move |(of, _)| of == parent).filter_map(|(_, child)| self.jobs.get(child))
    }

    /// Every periodic job that is not stopped, with the time up to which its launches are settled.
    pub fn periodic_jobs(&self) -> impl Iterator<Item = (&Arc<Job>, Timestamp)> {
        self.launches.iter().filter_map(|(key, settled)| Some((self.jobs.get(key)?, *settled)))
    }

    /// The child that was dispatched with this idempotency token.
    pub fn dispatched_with(&self, parent: &JobKey, token: &str) -> Option<&Arc<Job>> {
        self.jobs.get(self.dispatches.get(&(parent.clone(), token.into()))?)
    }

    /// The specification that an allocation runs.
    pub fn specification(&self, job: &JobRef) -> Option<&Arc<Job>> {
        self.specifications.get(&(job.key.clone(), job.modify_index))
    }

    /// Tracked versions of the job registered now, newest first.
    pub fn job_versions(&self, key: &JobKey) -> Vec<Arc<Job>> {
        let Some(newest) = self.jobs.get(key) else { return Vec::new() };
        let mut versions: Vec<_> = self
            .specifications
            .range((key.clone(), newest.create_index)..=(key.clone(), u64::MAX))
            .map(|(_, job)| Arc::clone(job))
            .collect();
        versions.reverse();
        versions
    }

    pub fn submission(&self, job: &JobRef) -> Option<&Arc<Submission>> {
        self.submissions.get(&(job.key.clone(), job.modify_index))
    }

    /// What was done to the counts of a job's groups; `None`: nothing yet.
    pub fn scaling_events(&self, key: &JobKey) -> Option<&Arc<ScalingEvents>> {
        self.scaling_events.get(key)
    }

    /// Keys that signatures are checked with, oldest first; the last one signs.
    pub fn signing_keys(&self) -> impl DoubleEndedIterator<Item = &Arc<SigningKey>> {
        self.signing_keys.values()
    }

    pub fn node(&self, id: NodeId) -> Option<&Arc<Node>> {
        self.nodes.get(&id)
    }

    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = &Arc<Node>> {
        self.nodes.values()
    }

    pub fn allocation(&self, id: AllocId) -> Option<&Arc<Allocation>> {
        self.allocations.get(&id)
    }

    pub fn allocations(&self) -> impl DoubleEndedIterator<Item = &Arc<Allocation>> {
        self.allocations.values()
    }

    /// Allocations of the job by this name, those of an earlier job with the same name included.
    pub fn allocations_of_job(&self, key: &JobKey) -> impl Iterator<Item = &Arc<Allocation>> {
        self.allocations_by_job.get(key).into_iter().flatten().filter_map(|id| self.allocations.get(id))
    }

    /// By the index at which something that the node must act on changed last.
    pub fn allocations_on_node(&self, node: NodeId) -> impl Iterator<Item = &Arc<Allocation>> {
        self.allocations_by_node.get(&node).into_iter().flatten().filter_map(|(_, id)| self.allocations.get(id))
    }

    /// Those of [`Self::allocations_on_node`] in which something that the node must act on changed after `index`.
    pub fn allocations_changed_on_node(&self, node: NodeId, index: u64) -> impl Iterator<Item = &Arc<Allocation>> {
        let changed = self.allocations_by_node.get(&node).into_iter().flat_map(move |rows| rows.range((index + 1, AllocId(0))..));
        changed.filter_map(|(_, id)| self.allocations.get(id))
    }

    /// What those allocations on a registered node that hold room take of it, all together.
    pub fn usage_of(&self, node: NodeId) -> Option<&Arc<Usage>> {
        self.usage.get(&node)
    }

    /// Index at which allocations of `node` were last forgotten, 0 if never.
    pub fn last_collection(&self, node: NodeId) -> u64 {
        self.collections.get(&node).copied().unwrap_or(0)
    }

    pub fn allocations_of_evaluation(&self, eval: EvalId) -> impl Iterator<Item = &Arc<Allocation>> {
        // Without an index of its own, which every allocation would pay for and next to nobody asks.
        let of_job = self.evaluations.get(&eval).map(|row| self.allocations_of_job(&row.job));
        of_job.into_iter().flatten().filter(move |row| row.eval_id == eval)
    }

    pub fn evaluation(&self, id: EvalId) -> Option<&Arc<Evaluation>> {
        self.evaluations.get(&id)
    }

    pub fn evaluations(&self) -> impl DoubleEndedIterator<Item = &Arc<Evaluation>> {
        self.evaluations.values()
    }

    pub fn evaluations_of_job(&self, key: &JobKey) -> impl Iterator<Item = &Arc<Evaluation>> {
        let range = (key.clone(), EvalId(0))..=(key.clone(), EvalId(u128::MAX));
        self.evaluations_by_job.range(range).filter_map(|(_, id)| self.evaluations.get(id))
    }

    /// Pending and blocked evaluations.
    pub fn open_evaluations(&self) -> impl Iterator<Item = &Arc<Evaluation>> {
        self.open_evaluations.iter().filter_map(|id| self.evaluations.get(id))
    }

    pub fn deployment(&self, id: DeploymentId) -> Option<&Arc<Deployment>> {
        self.deployments.get(&id)
    }

    pub fn deployments(&self) -> impl DoubleEndedIterator<Item = &Arc<Deployment>> {
        self.deployments.values()
    }

    pub fn deployments_of_job(&self, key: &JobKey) -> impl Iterator<Item = &Arc<Deployment>> {
        let range = (key.clone(), DeploymentId(0))..=(key.clone(), DeploymentId(u128::MAX));
        self.deployments_by_job.range(range).filter_map(|(_, id)| self.deployments.get(id))
    }
}
