//! What the scheduler reads of the cluster state. The state room implements it on a frozen snapshot.

use std::sync::Arc;

use crate::model::fit::Usage;
use crate::model::scheduler_config::{SchedulerAlgorithm, SchedulerConfig};
use crate::model::{AllocId, Allocation, Deployment, Evaluation, Job, JobKey, JobRef, Node, NodeId};

/// A consistent picture of the state: every answer of one view belongs to the same Raft index.
pub trait StateView {
    /// The Raft index of this picture.
    fn index(&self) -> u64;
    fn config(&self) -> &SchedulerConfig;
    /// How jobs of this node pool are placed.
    fn algorithm_in(&self, node_pool: &str) -> SchedulerAlgorithm;
    /// The newest specification, also when the job is stopped; `None` once it is purged.
    fn job(&self, key: &JobKey) -> Option<Arc<Job>>;
    /// The specification that an allocation runs.
    fn job_spec(&self, job: &JobRef) -> Option<Arc<Job>>;
    /// The versions of the job that are still known, newest first.
    fn job_versions(&self, key: &JobKey) -> Vec<Arc<Job>>;
    fn node(&self, id: NodeId) -> Option<Arc<Node>>;
    fn nodes(&self) -> Box<dyn Iterator<Item = Arc<Node>> + '_>;
    fn allocation(&self, id: AllocId) -> Option<Arc<Allocation>>;
    /// Every allocation of the job that is still recorded, terminal ones included, in a stable order.
    fn allocations_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>>;
    fn allocations_on_node(&self, id: NodeId) -> Vec<Arc<Allocation>>;
    /// What those allocations on a node that hold room take of it.
    fn usage_on_node(&self, node: &Node) -> Usage {
        let mut usage = Usage::default();
        self.allocations_on_node(node.id).iter().filter(|row| row.holds_room()).for_each(|row| usage.add(node, row));
        usage
    }
    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>>;
    fn evaluations_of_job(&self, key: &JobKey) -> Vec<Arc<Evaluation>>;
}
