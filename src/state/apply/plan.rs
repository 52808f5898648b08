//! Plans: checked against the state once more, then expanded into rows.
//!
//! Safety never rests on the leader's scheduler being right: a placement whose job, node or room is gone is dropped, and
//! its evaluation goes back to the scheduler instead of being finished.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::changes::AllocationChange;
use super::Transaction;
use crate::model::compact::Few;
use crate::model::fit::Usage;
use crate::model::plan::{InPlaceUpdate, LEAST_PRIORITY_GAP, Placement, Run, Stop};
use crate::model::{
    AllocClientStatus, AllocDesiredStatus, AllocId, Allocation, EvalId, EvalStatus, Evaluation, JobRef, Node, NodeId, Plan,
    allocation::{DeploymentHealth, History},
};
use crate::util::clock::Timestamp;

impl Transaction<'_> {
    /// Returns how many placements were dropped.
    pub(super) fn apply_plan(&mut self, plan: &Plan) -> u32 {
        for deployment in &plan.new_deployments {
            self.new_deployment(deployment);
        }
        for update in &plan.deployment_updates {
            // An operator ended it meanwhile: the evaluation that came with that decides anew.
            let _ = self.update_deployment(update, plan.created_at);
        }
        for stop in &plan.stops {
            self.stop_allocation(stop, plan.created_at);
        }
        for update in &plan.in_place {
            self.update_in_place(update, plan.created_at);
        }
        let dropped = self.place_all(plan);
        for evaluation in &plan.evaluations {
            if dropped.evaluations.contains(&evaluation.id) && evaluation.status == EvalStatus::Complete {
                let again = Evaluation { status: EvalStatus::Pending, ..evaluation.clone() };
                self.put_evaluation(&again);
            } else {
                self.put_evaluation(evaluation);
            }
        }
        dropped.placements
    }

    fn stop_allocation(&mut self, stop: &Stop, at: Timestamp) {
        let Some(current) = self.state.allocations.get(&stop.alloc) else { return };
        let mut row = Allocation::clone(current);
        row.desired_status = stop.desired;
        row.desired_description = stop.description.clone();
        if let Some(status) = stop.client_status
            && !row.is_client_terminal()
        {
            row.client_status = status;
        }
        if stop.follow_up_eval.is_some() {
            row.history.follow_up_eval = stop.follow_up_eval;
        }
        if stop.preempted_by.is_some() {
            row.history.preempted_by = stop.preempted_by;
        }
        row.alloc_modify_index = self.index;
        row.modify_time = at;
        self.put_allocation(row, AllocationChange::Plan);
    }

    fn update_in_place(&mut self, update: &InPlaceUpdate, at: Timestamp) {
        let Some(current) = self.state.allocations.get(&update.alloc) else { return };
        if current.is_server_terminal() || self.state.specification(&update.job).is_none() {
            return;
        }
        let mut row = Allocation::clone(current);
        if row.job != update.job {
            row.job = update.job.clone();
            row.alloc_modify_index = self.index;
        }
        if update.deployment.is_some() && update.deployment != row.deployment {
            row.deployment = update.deployment;
            // Its node judges it anew, for this deployment.
            row.deployment_health = None;
            row.alloc_modify_index = self.index;
            self.count_placed(row.id, row.deployment, &row.group, false, at);
        }
        if update.follow_up_eval.is_some() {
            row.history.follow_up_eval = update.follow_up_eval;
        }
        if let Some(status) = update.client_status
            && !row.is_client_terminal()
        {
            row.client_status = status;
        }
        row.modify_time = at;
        self.put_allocation(row, AllocationChange::Plan);
    }

    fn place_all(&mut self, plan: &Plan) -> Dropped {
        let mut dropped = Dropped::default();
        let mut room = Room::default();
        let mut ordinal = plan.first_ordinal;
        for placement in &plan.placements {
            let current = self.state.jobs.get(&placement.job.key);
            let specification = self.state.specification(&placement.job).cloned();
            let is_current = current.is_some_and(|job| job.job_modify_index == placement.newest && !job.stop) && specification.is_some();
            // Every row shares the names of its specification instead of the plan's copies.
            let own_group = || specification.as_ref()?.group(&placement.group).map(|group| group.name.clone());
            let own_key = specification.as_ref().map(|job| job.key.clone());
            let of_each = Placement {
                job: JobRef { key: own_key.unwrap_or_else(|| placement.job.key.clone()), ..placement.job },
                group: own_group().unwrap_or_else(|| placement.group.clone()),
                metrics: Arc::clone(&placement.metrics),
                runs: Vec::new(),
                ..*placement
            };
            for run in &placement.runs {
                for instance in 0..run.count {
                    let id = AllocId::derive(plan.id_seed, ordinal);
                    ordinal += 1;
                    if !(is_current && self.place(&of_each, run, instance, id, plan.created_at, &mut room)) {
                        dropped.placements += 1;
                        dropped.evaluations.insert(placement.eval_id);
                    }
                }
            }
        }
        dropped
    }

    /// Writes one instance's row when its node can take it.
    fn place(&mut self, placement: &Placement, run: &Run, instance: u32, id: AllocId, at: Timestamp, room: &mut Room) -> bool {
        let Some(node) = self.state.nodes.get(&run.node).cloned() else { return false };
        if !node.is_placeable() {
            return false;
        }
        let allocation = Allocation {
            id,
            eval_id: placement.eval_id,
            node_id: node.id,
            node_name: node.name.clone(),
            job: placement.job.clone(),
            group: placement.group.clone(),
            index: run.first_index + instance,
            ask: placement.ask,
            ports: share_of(&run.ports, run.count, instance),
            cores: share_of(&run.cores, run.count, instance),
            devices: share_of(&run.devices, run.count, instance),
            desired_status: AllocDesiredStatus::Run,
            desired_description: self.state.texts.empty(),
            desired_transition: Default::default(),
            client_status: AllocClientStatus::Pending,
            client_description: self.state.texts.empty(),
            task_states: Default::default(),
            deployment: placement.deployment,
            deployment_health: placement.canary.then_some(DeploymentHealth {
                healthy: None,
                canary: true,
                timestamp: at,
                modify_index: self.index,
            }),
            history: History {
                previous: run.previous,
                reschedules: run.reschedules.clone(),
                preempted: run.preempts.clone(),
                ..History::default()
            }
            .into(),
            metrics: Arc::clone(&placement.metrics),
            create_index: self.index,
            modify_index: self.index,
            alloc_modify_index: self.index,
            create_time: at,
            modify_time: at,
        };
        let Some(victims) = self.victims(placement, run) else { return false };
        let usage = room.of(self, &node);
        let before = (!victims.is_empty()).then(|| usage.clone());
        for victim in victims.iter().filter(|victim| victim.holds_room()) {
            usage.remove(&node, victim);
        }
        if usage.try_add(&node, &allocation).is_err() {
            if let Some(before) = before {
                *usage = before;
            }
            return false;
        }
        for victim in victims {
            self.evict(&victim, id, at);
        }
        if let Some(previous) = run.previous.and_then(|previous| self.state.allocations.get(&previous)).cloned() {
            let mut replaced = Allocation::clone(&previous);
            replaced.history.next = Some(id);
            self.put_allocation(replaced, AllocationChange::Plan);
        }
        self.count_placed(allocation.id, allocation.deployment, &allocation.group, placement.canary, at);
        self.put_allocation(allocation, AllocationChange::Plan);
        true
    }

    /// Those whom this run evicts and who are not over yet. `None`: one of them may not be pushed aside.
    fn victims(&self, placement: &Placement, run: &Run) -> Option<Vec<Arc<Allocation>>> {
        let priority_of = |job: &JobRef| self.state.specification(job).map_or(0, |job| job.priority);
        let mut victims = Vec::new();
        for id in &run.preempts {
            let Some(victim) = self.state.allocations.get(id).filter(|victim| !victim.is_client_terminal()) else { continue };
            let yields = priority_of(&victim.job).saturating_add(LEAST_PRIORITY_GAP) <= priority_of(&placement.job);
            if !yields || victim.node_id != run.node {
                return None;
            }
            victims.push(Arc::clone(victim));
        }
        Some(victims)
    }

    fn evict(&mut self, victim: &Allocation, by: AllocId, at: Timestamp) {
        let mut row = victim.clone();
        row.desired_status = AllocDesiredStatus::Evict;
        row.desired_description = format!("Preempted by alloc ID {by}").into();
        row.history.preempted_by = Some(by);
        row.alloc_modify_index = self.index;
        row.modify_time = at;
        self.put_allocation(row, AllocationChange::Plan);
    }
}

/// What a plan could not do.
#[derive(Default)]
struct Dropped {
    placements: u32,
    evaluations: BTreeSet<EvalId>,
}

/// What the nodes that this plan touches hold, the plan's own placements included.
#[derive(Default)]
struct Room(BTreeMap<NodeId, Usage>);

impl Room {
    fn of(&mut self, transaction: &Transaction<'_>, node: &Node) -> &mut Usage {
        self.0.entry(node.id).or_insert_with(|| transaction.state.usage_of(node.id).map(|usage| Usage::clone(usage)).unwrap_or_default())
    }
}

/// The `instance`-th of `count` equal shares of a run's flat list.
fn share_of<T: Clone>(all: &[T], count: u32, instance: u32) -> Few<T> {
    let each = all.len() / count.max(1) as usize;
    all.iter().skip(each * instance as usize).take(each).cloned().collect()
}
