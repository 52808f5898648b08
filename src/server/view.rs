//! The scheduler's read-only window on the state.

use std::sync::Arc;

use crate::model::fit::Usage;
use crate::model::scheduler_config::{SchedulerAlgorithm, SchedulerConfig};
use crate::model::{AllocId, Allocation, Deployment, Evaluation, Job, JobKey, JobRef, Node, NodeId};
use crate::scheduler::StateView;
use crate::state::State;

/// One frozen state.
pub struct View<'a>(pub &'a State);

impl StateView for View<'_> {
    fn index(&self) -> u64 {
        self.0.index()
    }

    fn config(&self) -> &SchedulerConfig {
        self.0.scheduler_config()
    }

    fn algorithm_in(&self, node_pool: &str) -> SchedulerAlgorithm {
        self.0.scheduler_config().algorithm_in(self.0.node_pool(node_pool).map(Arc::as_ref))
    }

    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        self.0.job(key).cloned()
    }

    fn job_spec(&self, job: &JobRef) -> Option<Arc<Job>> {
        self.0.specification(job).cloned()
    }

    fn job_versions(&self, key: &JobKey) -> Vec<Arc<Job>> {
        self.0.job_versions(key)
    }

    fn node(&self, id: NodeId) -> Option<Arc<Node>> {
        self.0.node(id).cloned()
    }

    fn nodes(&self) -> Box<dyn Iterator<Item = Arc<Node>> + '_> {
        Box::new(self.0.nodes().cloned())
    }

    fn allocation(&self, id: AllocId) -> Option<Arc<Allocation>> {
        self.0.allocation(id).cloned()
    }

    fn allocations_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.0.allocations_of_job(key).cloned().collect()
    }

    fn allocations_on_node(&self, id: NodeId) -> Vec<Arc<Allocation>> {
        self.0.allocations_on_node(id).cloned().collect()
    }

    fn usage_on_node(&self, node: &Node) -> Usage {
        self.0.usage_of(node.id).map(|usage| Usage::clone(usage)).unwrap_or_default()
    }

    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>> {
        self.0.latest_deployment(key).cloned()
    }

    fn evaluations_of_job(&self, key: &JobKey) -> Vec<Arc<Evaluation>> {
        self.0.evaluations_of_job(key).cloned().collect()
    }
}
