//! What an applied command touched: the one change feed.

use std::sync::Arc;

use super::tables::Table;
use crate::model::node_pool::NodePool;
use crate::model::{Allocation, Deployment, Evaluation, Job, JobKey, Node};

/// All changes of one log entry.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub index: u64,
    pub changes: Vec<Change>,
}

/// One row, before and after: a missing `before` is a new row, a missing `after` a removed one.
#[derive(Clone, Debug)]
pub enum Change {
    /// `registered`: a new specification, rather than only a new status.
    Job {
        key: JobKey,
        before: Option<Arc<Job>>,
        after: Option<Arc<Job>>,
        registered: bool,
    },
    Node {
        before: Option<Arc<Node>>,
        after: Option<Arc<Node>>,
    },
    Allocation {
        before: Option<Arc<Allocation>>,
        after: Option<Arc<Allocation>>,
        source: AllocationChange,
    },
    Evaluation {
        before: Option<Arc<Evaluation>>,
        after: Option<Arc<Evaluation>>,
    },
    Deployment {
        before: Option<Arc<Deployment>>,
        after: Option<Arc<Deployment>>,
    },
    SchedulerConfig,
    NodePool {
        before: Option<Arc<NodePool>>,
        after: Option<Arc<NodePool>>,
    },
}

/// Who changed an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocationChange {
    /// A plan placed, stopped or updated it.
    Plan,
    /// Its node reported.
    Client,
    /// An operator or the drainer wants something of it.
    DesiredTransition,
    /// It was collected or its node was purged.
    Collected,
}

impl Change {
    pub fn table(&self) -> Table {
        match self {
            Self::Job { .. } => Table::Jobs,
            Self::Node { .. } => Table::Nodes,
            Self::Allocation { .. } => Table::Allocations,
            Self::Evaluation { .. } => Table::Evaluations,
            Self::Deployment { .. } => Table::Deployments,
            Self::SchedulerConfig => Table::SchedulerConfig,
            Self::NodePool { .. } => Table::NodePools,
        }
    }
}
