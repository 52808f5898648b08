//! Where the instances of those jobs run that others refer to in their constraints. Read from the state when a job is first referred to,
//! and again once one of its allocations has changed; the plan in the making counts as well.

use std::collections::{BTreeMap, HashMap};

use super::StateView;
use crate::model::plan::Placement;
use crate::model::{JobKey, NodeId};

#[derive(Debug, Default)]
pub struct Neighbours {
    /// Instances per node.
    known: HashMap<JobKey, BTreeMap<NodeId, u32>>,
    /// By the plan in the making.
    placed: HashMap<JobKey, Vec<(NodeId, u32)>>,
}

impl Neighbours {
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// An allocation of this job has changed.
    pub fn forget(&mut self, job: &JobKey) {
        self.known.remove(job);
    }

    /// Reads where a job's instances are, unless that is known.
    pub fn load(&mut self, view: &dyn StateView, job: &JobKey) {
        if self.known.contains_key(job) {
            return;
        }
        let mut nodes = BTreeMap::new();
        for allocation in view.allocations_of_job(job).iter().filter(|allocation| !allocation.is_terminal()) {
            *nodes.entry(allocation.node_id).or_default() += 1;
        }
        self.known.insert(job.clone(), nodes);
    }

    /// Nodes with instances of a job that was loaded; one may come twice.
    pub fn of(&self, job: &JobKey) -> impl Iterator<Item = (NodeId, u32)> {
        let known = self.known.get(job).into_iter().flatten().map(|(node, count)| (*node, *count));
        known.chain(self.placed.get(job).into_iter().flatten().copied())
    }

    /// Counts what the plan in the making places for one job.
    pub fn place(&mut self, job: &JobKey, placements: &[Placement]) {
        let mut runs = placements.iter().flat_map(|placement| &placement.runs).map(|run| (run.node, run.count)).peekable();
        if runs.peek().is_some() {
            self.placed.entry(job.clone()).or_default().extend(runs);
        }
    }

    /// Forgets what the plan in the making placed.
    pub fn end_plan(&mut self) {
        self.placed.clear();
    }
}
