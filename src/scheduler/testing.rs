//! A small state for tests, with an `apply` that does what the state room promises to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::StateView;
use crate::model::allocation::DeploymentHealth;
use crate::model::network::Network;
use crate::model::plan::{DeploymentUpdate, Plan};
use crate::model::scheduler_config::{SchedulerAlgorithm, SchedulerConfig};
use crate::model::*;
use crate::util::clock::Timestamp;

/// With the `raw_exec` driver and room for 4,000 MHz and 8,192 MiB.
pub fn node(id: u128) -> Node {
    let mut node = fixtures::node(id);
    node.attributes.clear();
    node.drivers = std::mem::take(&mut node.drivers).into_values().map(|driver| ("raw_exec".into(), driver)).collect();
    node.resources.disk = MebiBytes(100_000);
    node
}

/// Instances of 500 MHz and 256 MiB.
pub fn group(name: &str, count: u32) -> TaskGroup {
    let mut group = fixtures::group(name, JobType::Service, count);
    let task = &mut group.tasks[0];
    task.driver = "raw_exec".into();
    (task.resources.cpu, task.resources.memory) = (MegaHertz(500), MebiBytes(256));
    group
}

/// A service job with one group `web` of `count`.
pub fn job(id: &str, count: u32) -> Job {
    let indexes = Job { create_index: 10, modify_index: 10, job_modify_index: 10, ..fixtures::job(id, JobType::Service, count) };
    Job { groups: vec![group("web", count)], ..indexes }
}

pub fn port(label: &str, static_port: Option<u16>) -> Network {
    let port = Port { label: label.into(), static_port, to: 0, host_network: "".into(), ignore_collision: false };
    Network { ports: vec![port], ..Network::default() }
}

pub fn constraint(left: &str, operand: &str, right: &str) -> Constraint {
    Constraint { left: left.into(), operand: Operand::parse(operand).unwrap(), right: right.into() }
}

/// A running allocation of the job's first group.
pub fn allocation(job: &Job, index: u32, node: u128) -> Allocation {
    fixtures::allocation(job, index, NodeId(node))
}

#[derive(Default, Clone)]
pub struct FakeState {
    pub index: u64,
    pub config: SchedulerConfig,
    /// How jobs of some pools are placed.
    pub algorithms: BTreeMap<String, SchedulerAlgorithm>,
    pub jobs: BTreeMap<JobKey, Arc<Job>>,
    pub specs: BTreeMap<JobRef, Arc<Job>>,
    pub nodes: BTreeMap<NodeId, Arc<Node>>,
    pub allocations: BTreeMap<AllocId, Arc<Allocation>>,
    pub evaluations: BTreeMap<EvalId, Arc<Evaluation>>,
    pub deployments: BTreeMap<DeploymentId, Arc<Deployment>>,
}

impl FakeState {
    pub fn new(nodes: u128) -> Self {
        let mut state = Self { index: 100, ..Self::default() };
        for id in 1..=nodes {
            state.set_node(node(id));
        }
        state
    }

    pub fn set_node(&mut self, node: Node) {
        self.nodes.insert(node.id, Arc::new(node));
    }

    pub fn edit_node(&mut self, id: u128, edit: impl FnOnce(&mut Node)) {
        edit(Arc::make_mut(self.nodes.get_mut(&NodeId(id)).unwrap()));
    }

    /// Registers a specification as its newest version.
    pub fn register(&mut self, mut job: Job) -> Arc<Job> {
        self.index += 1;
        job.job_modify_index = self.index;
        match self.jobs.get(&job.key) {
            Some(current) => {
                job.create_index = current.create_index;
                job.version = current.version + u64::from(!current.same_specification(&job));
            }
            None => job.create_index = self.index,
        }
        let job = Arc::new(job);
        self.specs.insert(job.reference(), Arc::clone(&job));
        self.jobs.insert(job.key.clone(), Arc::clone(&job));
        job
    }

    pub fn evaluation(&mut self, job: &Job) -> Arc<Evaluation> {
        self.index += 1;
        let id = EvalId(u128::from(self.index));
        let mut evaluation = Evaluation::pending(id, job.key.clone(), job.job_type, job.priority, EvalTrigger::JobRegister, Timestamp(0));
        evaluation.create_index = self.index;
        let evaluation = Arc::new(evaluation);
        self.evaluations.insert(id, Arc::clone(&evaluation));
        evaluation
    }

    pub fn edit(&mut self, id: AllocId, edit: impl FnOnce(&mut Allocation)) {
        edit(Arc::make_mut(self.allocations.get_mut(&id).unwrap()));
    }

    /// Every allocation that shall run starts and is healthy, and every one that shall stop ends.
    pub fn settle_clients(&mut self) {
        let ids: Vec<AllocId> = self.allocations.keys().copied().collect();
        for id in ids {
            let row = &self.allocations[&id];
            if row.is_client_terminal() {
                continue;
            }
            let stopped = row.is_server_terminal();
            let judged = row.deployment.is_some() && row.health().is_none() && !stopped;
            self.edit(id, |row| row.client_status = if stopped { AllocClientStatus::Complete } else { AllocClientStatus::Running });
            if judged {
                self.judge(id, true);
            }
        }
    }

    /// A node's verdict on an instance of a deployment.
    pub fn judge(&mut self, id: AllocId, healthy: bool) {
        let row = self.allocations[&id].clone();
        let before = row.health();
        let canary = row.is_canary();
        let verdict = DeploymentHealth { healthy: Some(healthy), canary, timestamp: Timestamp(0), modify_index: 0 };
        self.edit(id, |row| row.deployment_health = Some(verdict));
        let Some(deployment) = row.deployment.and_then(|id| self.deployments.get_mut(&id)) else { return };
        let Some(group) = Arc::make_mut(deployment).groups.get_mut(&row.group) else { return };
        group.healthy = group.healthy + u32::from(healthy) - u32::from(before == Some(true));
        group.unhealthy = group.unhealthy + u32::from(!healthy) - u32::from(before == Some(false));
    }

    fn count_placed(&mut self, id: AllocId, canary: bool, at: Timestamp) {
        let row = self.allocations[&id].clone();
        let Some(deployment) = row.deployment.and_then(|id| self.deployments.get_mut(&id)) else { return };
        let Some(group) = Arc::make_mut(deployment).groups.get_mut(&row.group) else { return };
        group.placed += 1;
        group.placed_canaries.extend(canary.then_some(id));
        let deadline = (!group.progress_deadline.is_zero()).then(|| at + group.progress_deadline);
        group.require_progress_by = group.require_progress_by.or(deadline);
    }

    pub fn update_deployment(&mut self, update: &DeploymentUpdate) {
        let row = Arc::make_mut(self.deployments.get_mut(&update.id).unwrap());
        row.status = update.status;
        row.status_description = update.description.clone();
        let mut promoted = vec![];
        for (name, group) in &mut row.groups {
            if update.promote.contains(name) {
                group.promoted = true;
                promoted.extend(group.placed_canaries.iter().copied());
            }
        }
        let reference = row.job.clone();
        for id in promoted {
            self.edit(id, |row| row.deployment_health.iter_mut().for_each(|health| health.canary = false));
        }
        if update.status == DeploymentStatus::Successful {
            for job in self.specs.values_mut().chain(self.jobs.values_mut()).filter(|job| job.reference() == reference) {
                Arc::make_mut(job).stable = true;
            }
        }
        if let Some(index) = update.revert_to {
            let older = self.specs.values().find(|job| job.key == reference.key && job.job_modify_index == index).unwrap();
            self.register(Job { stable: false, ..Job::clone(older) });
        }
    }

    /// Non-terminal allocations of the job.
    pub fn live(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.allocations.values().filter(|a| a.job.key == *key && !a.is_terminal()).cloned().collect()
    }

    pub fn apply(&mut self, plan: &Plan) {
        self.index += 1;
        for deployment in &plan.new_deployments {
            let row = Deployment { create_index: self.index, ..deployment.clone() };
            self.deployments.insert(row.id, Arc::new(row));
        }
        for update in &plan.deployment_updates {
            self.update_deployment(update);
        }
        for stop in &plan.stops {
            self.edit(stop.alloc, |allocation| {
                allocation.desired_status = stop.desired;
                allocation.client_status = stop.client_status.unwrap_or(allocation.client_status);
                allocation.modify_time = plan.created_at;
            });
        }
        for update in &plan.in_place {
            let joins = update.deployment.is_some() && update.deployment != self.allocations[&update.alloc].deployment;
            if joins {
                self.edit(update.alloc, |allocation| {
                    allocation.deployment = update.deployment;
                    allocation.deployment_health = None;
                });
                self.count_placed(update.alloc, false, plan.created_at);
            }
            self.edit(update.alloc, |allocation| {
                allocation.job = update.job.clone();
                allocation.history.follow_up_eval = update.follow_up_eval;
                if let Some(status) = update.client_status {
                    allocation.client_status = status;
                    allocation.modify_time = plan.created_at;
                }
            });
        }
        let mut ordinal = 0;
        for placement in &plan.placements {
            let spec = Arc::clone(&self.specs[&placement.job]);
            for run in &placement.runs {
                let per = |all: usize| all / run.count as usize;
                let (ports, cores, devices) = (per(run.ports.len()), per(run.cores.len()), per(run.devices.len()));
                for offset in 0..run.count {
                    let at = offset as usize;
                    let mut row = allocation(&spec, run.first_index + offset, run.node.0);
                    row.id = AllocId::derive(plan.id_seed, ordinal);
                    row.eval_id = placement.eval_id;
                    row.group = placement.group.clone();
                    row.ask = placement.ask;
                    row.ports = run.ports[at * ports..(at + 1) * ports].to_vec().into();
                    row.cores = run.cores[at * cores..(at + 1) * cores].to_vec().into();
                    row.devices = run.devices[at * devices..(at + 1) * devices].to_vec().into();
                    row.client_status = AllocClientStatus::Pending;
                    row.create_index = self.index;
                    row.history.preempted = run.preempts.clone();
                    for victim in &run.preempts {
                        self.edit(*victim, |allocation| {
                            allocation.desired_status = AllocDesiredStatus::Evict;
                            allocation.history.preempted_by = Some(row.id);
                        });
                    }
                    row.history.previous = run.previous;
                    row.history.reschedules = run.reschedules.clone();
                    row.modify_time = plan.created_at;
                    row.deployment = placement.deployment;
                    row.deployment_health = placement.canary.then_some(DeploymentHealth {
                        healthy: None,
                        canary: true,
                        timestamp: plan.created_at,
                        modify_index: 0,
                    });
                    let id = row.id;
                    ordinal += 1;
                    if let Some(previous) = run.previous {
                        self.edit(previous, |allocation| allocation.history.next = Some(row.id));
                    }
                    assert!(self.allocations.insert(id, Arc::new(row)).is_none(), "ids are fresh");
                    self.count_placed(id, placement.canary, plan.created_at);
                }
            }
        }
        for evaluation in &plan.evaluations {
            let mut evaluation = evaluation.clone();
            if evaluation.create_index == 0 {
                evaluation.create_index = self.index;
            }
            self.evaluations.insert(evaluation.id, Arc::new(evaluation));
        }
    }
}

impl StateView for FakeState {
    fn index(&self) -> u64 {
        self.index
    }

    fn config(&self) -> &SchedulerConfig {
        &self.config
    }

    fn algorithm_in(&self, node_pool: &str) -> SchedulerAlgorithm {
        self.algorithms.get(node_pool).copied().unwrap_or(self.config.algorithm)
    }

    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        self.jobs.get(key).cloned()
    }

    fn job_spec(&self, job: &JobRef) -> Option<Arc<Job>> {
        self.specs.get(job).cloned()
    }

    fn node(&self, id: NodeId) -> Option<Arc<Node>> {
        self.nodes.get(&id).cloned()
    }

    fn nodes(&self) -> Box<dyn Iterator<Item = Arc<Node>> + '_> {
        Box::new(self.nodes.values().cloned())
    }

    fn allocation(&self, id: AllocId) -> Option<Arc<Allocation>> {
        self.allocations.get(&id).cloned()
    }

    fn allocations_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.allocations.values().filter(|a| a.job.key == *key).cloned().collect()
    }

    fn allocations_on_node(&self, id: NodeId) -> Vec<Arc<Allocation>> {
        self.allocations.values().filter(|a| a.node_id == id).cloned().collect()
    }

    fn job_versions(&self, key: &JobKey) -> Vec<Arc<Job>> {
        let mut versions: Vec<_> = self.specs.values().filter(|job| job.key == *key).cloned().collect();
        versions.sort_by_key(|job| std::cmp::Reverse(job.job_modify_index));
        versions
    }

    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>> {
        self.deployments.values().filter(|row| row.job.key == *key).max_by_key(|row| row.create_index).cloned()
    }

    fn evaluations_of_job(&self, key: &JobKey) -> Vec<Arc<Evaluation>> {
        self.evaluations.values().filter(|e| e.job == *key).cloned().collect()
    }
}
