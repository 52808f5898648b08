//! Verbs on nodes and on the scheduler's configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Server, ServerError, evaluation_of};
use crate::model::node::DrainStrategy;
use crate::model::node_pool::NodePool;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::{Eligibility, EvalId, EvalTrigger, Evaluation, JobKey, JobType, Node, NodeId, NodeStatus, Text};
use crate::state::{Command, State};
use crate::util::clock::Timestamp;

/// How a node is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainRequest {
    /// `None`: no deadline; zero or less was asked for: at once.
    pub deadline: Option<Duration>,
    pub ignore_system_jobs: bool,
}

impl Server {
    /// A node's registration; `Ok` means durable.
    pub(super) async fn register_node(&self, node: Node) -> Result<(), ServerError> {
        let now = Timestamp::now();
        let state = self.store().load();
        let differs = state.node(node.id).is_none_or(|known| known.status != NodeStatus::Ready || !known.same_registration(&node));
        let evaluations = if differs { evaluations_for_node(&state, node.id, EvalTrigger::NodeUpdate, now) } else { Vec::new() };
        self.propose(Command::RegisterNode { node: Box::new(node), evaluations, at: now }).await?;
        Ok(())
    }

    pub(super) async fn set_node_status(&self, node: NodeId, status: NodeStatus, description: &str) -> Result<(), ServerError> {
        let now = Timestamp::now();
        let evaluations = evaluations_for_node(&self.store().load(), node, EvalTrigger::NodeUpdate, now);
        self.propose(Command::SetNodeStatus { node, status, description: description.into(), evaluations, at: now }).await?;
        Ok(())
    }

    /// Evaluates every job that runs on the node or could (system jobs).
    pub async fn evaluate_node(&self, node: NodeId) -> Result<(Vec<EvalId>, u64), ServerError> {
        let now = Timestamp::now();
        self.with_node_evaluations(node, EvalTrigger::NodeUpdate, now, |evaluations| Command::UpsertEvaluations { evaluations }).await
    }

    pub async fn set_node_eligibility(&self, node: NodeId, eligible: bool) -> Result<(Vec<EvalId>, u64), ServerError> {
        let now = Timestamp::now();
        let eligibility = if eligible { Eligibility::Eligible } else { Eligibility::Ineligible };
        if eligible && self.store().load().node(node).is_some_and(|row| row.drain.is_some()) {
            return Err(ServerError::Invalid(vec![
                "can not set node's scheduling eligibility to eligible while it is draining".to_owned(),
            ]));
        }
        let command = move |evaluations| Command::SetNodeEligibility { node, eligibility, evaluations, at: now };
        self.with_node_evaluations(node, EvalTrigger::NodeUpdate, now, command).await
    }

    /// Starts (or, with `None`, ends) a drain.
    pub async fn drain_node(
        &self,
        node: NodeId,
        drain: Option<DrainRequest>,
        mark_eligible: bool,
    ) -> Result<(Vec<EvalId>, u64), ServerError> {
        let now = Timestamp::now();
        let strategy = drain.map(|request| DrainStrategy {
            started_at: now,
            force_at: request.deadline.map(|deadline| now + deadline),
            ignore_system_jobs: request.ignore_system_jobs,
        });
        let eligibility = if strategy.is_none() && mark_eligible { Eligibility::Eligible } else { Eligibility::Ineligible };
        let command = move |evaluations| Command::SetNodeDrain { node, drain: strategy, eligibility, evaluations, at: now };
        self.with_node_evaluations(node, EvalTrigger::NodeDrain, now, command).await
    }

    /// Forgets a node at once.
    pub async fn purge_node(&self, node: NodeId) -> Result<(Vec<EvalId>, u64), ServerError> {
        let now = Timestamp::now();
        self.with_node_evaluations(node, EvalTrigger::NodeUpdate, now, |evaluations| Command::PurgeNode { node, evaluations, at: now })
            .await
    }

    pub async fn set_scheduler_config(&self, config: SchedulerConfig, check_index: Option<u64>) -> Result<u64, ServerError> {
        Ok(self.propose(Command::SetSchedulerConfig { config, check_index }).await?.index)
    }

    pub async fn upsert_node_pool(&self, pool: NodePool) -> Result<u64, ServerError> {
        Ok(self.propose(Command::UpsertNodePool { pool: Box::new(pool) }).await?.index)
    }

    pub async fn delete_node_pool(&self, name: Text) -> Result<u64, ServerError> {
        Ok(self.propose(Command::DeleteNodePool { name }).await?.index)
    }

    async fn with_node_evaluations(
        &self,
        node: NodeId,
        trigger: EvalTrigger,
        now: Timestamp,
        command: impl FnOnce(Vec<Evaluation>) -> Command,
    ) -> Result<(Vec<EvalId>, u64), ServerError> {
        let state = self.store().load();
        if state.node(node).is_none() {
            return Err(ServerError::NotFound("node not found"));
        }
        let evaluations = evaluations_for_node(&state, node, trigger, now);
        let ids = evaluations.iter().map(|evaluation| evaluation.id).collect();
        let reply = self.propose(command(evaluations)).await?;
        Ok((ids, reply.index))
    }
}

/// One evaluation per job with something on the node, and per system job.
fn evaluations_for_node(state: &State, node: NodeId, trigger: EvalTrigger, now: Timestamp) -> Vec<Evaluation> {
    let mut evaluations: BTreeMap<JobKey, Evaluation> = BTreeMap::new();
    // What is being stopped counts too: on a node that dies meanwhile, nobody else will say that it is over.
    let here = state
        .allocations_on_node(node)
        .filter(|row| row.occupies())
        .filter_map(|row| state.job(&row.job.key).or_else(|| state.specification(&row.job)));
    let everywhere =
        state.jobs().filter(|job| matches!(job.job_type, JobType::System | JobType::SysBatch) && !job.stop && !job.is_template());
    for job in here.chain(everywhere) {
        evaluations.entry(job.key.clone()).or_insert_with(|| Evaluation { node_id: Some(node), ..evaluation_of(job, trigger, now) });
    }
    evaluations.into_values().collect()
}
