//! Plans that were proposed and are not applied yet, as what they will hold on their nodes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::allocation::History;
use crate::model::plan::{Placement, Run};
use crate::model::{AllocClientStatus, AllocDesiredStatus, AllocId, Allocation, NodeId, Plan};

/// By ticket, and by node.
#[derive(Debug, Default)]
pub struct InFlight {
    plans: HashMap<u128, Nodes>,
    held: HashMap<NodeId, Vec<(u128, Arc<Allocation>)>>,
    /// Pushed aside by one of the plans: their room is given away, and they are nobody else's victims.
    evicted: HashMap<AllocId, u128>,
}

type Nodes = BTreeSet<NodeId>;

impl InFlight {
    /// Returns the nodes that it concerns.
    pub fn add(&mut self, ticket: u128, plan: &Plan) -> Nodes {
        let mut nodes = BTreeSet::new();
        for placement in &plan.placements {
            for run in &placement.runs {
                self.held.entry(run.node).or_default().push((ticket, Arc::new(as_one(placement, run))));
                nodes.insert(run.node);
                self.evicted.extend(run.preempts.iter().map(|victim| (*victim, ticket)));
            }
        }
        self.plans.insert(ticket, nodes.clone());
        nodes
    }

    /// Returns the nodes that it concerned.
    pub fn remove(&mut self, ticket: u128) -> Nodes {
        let nodes = self.plans.remove(&ticket).unwrap_or_default();
        self.evicted.retain(|_, owner| *owner != ticket);
        for node in &nodes {
            if let Some(held) = self.held.get_mut(node) {
                held.retain(|(owner, _)| *owner != ticket);
                if held.is_empty() {
                    self.held.remove(node);
                }
            }
        }
        nodes
    }

    pub fn evicts_any(&self) -> bool {
        !self.evicted.is_empty()
    }

    pub fn evicts(&self, allocation: AllocId) -> bool {
        self.evicted.contains_key(&allocation)
    }

    pub fn on(&self, node: NodeId) -> impl Iterator<Item = Arc<Allocation>> {
        self.held.get(&node).into_iter().flatten().map(|(_, allocation)| Arc::clone(allocation))
    }
}

/// All instances of a run as one allocation that holds what they hold together: rows of their own would tell nobody more.
fn as_one(placement: &Placement, run: &Run) -> Allocation {
    let times = |amount: u64| amount.saturating_mul(u64::from(run.count));
    let mut ask = placement.ask;
    ask.cpu.0 = times(ask.cpu.0);
    ask.memory.0 = times(ask.memory.0);
    ask.disk.0 = times(ask.disk.0);
    ask.cores = u16::try_from(times(ask.cores.into())).unwrap_or(u16::MAX);
    Allocation {
        id: AllocId(0),
        eval_id: placement.eval_id,
        node_id: run.node,
        node_name: "".into(),
        job: placement.job.clone(),
        group: placement.group.clone(),
        index: run.first_index,
        ask,
        ports: run.ports.clone().into(),
        cores: run.cores.clone().into(),
        devices: run.devices.clone().into(),
        desired_status: AllocDesiredStatus::Run,
        desired_description: "".into(),
        desired_transition: Default::default(),
        client_status: AllocClientStatus::Pending,
        client_description: "".into(),
        task_states: Default::default(),
        deployment: placement.deployment,
        deployment_health: None,
        history: History { previous: run.previous, ..History::default() }.into(),
        metrics: Arc::clone(&placement.metrics),
        create_index: 0,
        modify_index: 0,
        alloc_modify_index: 0,
        create_time: Default::default(),
        modify_time: Default::default(),
    }
}
