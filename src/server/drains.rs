//! Empties draining nodes: who may leave is decided purely from the state and the time; the scheduler then places them elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::{Server, ServerError, evaluation_of};
use crate::model::allocation::DesiredTransition;
use crate::model::{AllocClientStatus, AllocId, Allocation, Eligibility, EvalTrigger, JobKey, JobType, Node, NodeId, TaskRunState, Text};
use crate::state::{Command, State, Table};
use crate::util::clock::Timestamp;

/// What a look at the draining nodes calls for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    /// Allocations that shall leave now.
    leave: Vec<AllocId>,
    /// Nodes with nothing left to wait for.
    done: Vec<NodeId>,
    /// When the next deadline passes, or an instance may have become healthy.
    next: Option<Timestamp>,
}

/// Services leave as their `migrate` stanza allows, counted over all draining nodes; batch work stays until the deadline; system jobs leave last.
fn step(state: &State, now: Timestamp) -> Step {
    let mut step = Step::default();
    let draining: Vec<&Arc<Node>> = state.nodes().filter(|node| node.drain.is_some()).collect();
    let draining_ids: BTreeSet<NodeId> = draining.iter().map(|node| node.id).collect();
    let mut paces: BTreeMap<(JobKey, Text), Pace> = BTreeMap::new();
    for node in draining {
        let Some(drain) = &node.drain else { continue };
        let forced = drain.force_at.is_some_and(|deadline| deadline <= now);
        let remaining: Vec<&Arc<Allocation>> = state
            .allocations_on_node(node.id)
            .filter(|row| row.occupies())
            .filter(|row| !(drain.ignore_system_jobs && is_system(state, row)))
            .collect();
        if remaining.is_empty() {
            step.done.push(node.id);
            continue;
        }
        if !forced {
            step.next = step.next.into_iter().chain(drain.force_at).min();
        }
        let only_system_left = remaining.iter().all(|row| is_system(state, row));
        for row in remaining.into_iter().filter(|row| !row.is_server_terminal() && !row.desired_transition.migrate) {
            let may_leave = forced
                || match job_type(state, row) {
                    Some(JobType::Service) | None => {
                        let group = (row.job.key.clone(), row.group.clone());
                        paces.entry(group).or_insert_with(|| Pace::of(state, &draining_ids, row, now)).take()
                    }
                    Some(JobType::Batch) => false,
                    Some(JobType::System | JobType::SysBatch) => only_system_left,
                };
            if may_leave {
                step.leave.push(row.id);
            }
        }
    }
    step.next = paces.values().filter_map(|pace| pace.next).chain(step.next).min();
    step
}

/// How fast a group leaves.
struct Pace {
    /// So many more instances may leave now.
    room: usize,
    /// When the next instance may count as healthy.
    next: Option<Timestamp>,
}

impl Pace {
    /// As many must stay healthy as the group's count less `max_parallel`.
    fn of(state: &State, draining: &BTreeSet<NodeId>, row: &Allocation, now: Timestamp) -> Self {
        let Some(group) = state.job(&row.job.key).and_then(|job| job.group(&row.group)) else {
            return Self { room: usize::MAX, next: None };
        };
        let migrate = group.migrate.clone().unwrap_or_default();
        let rows = || state.allocations_of_job(&row.job.key).filter(|other| other.group == row.group);
        let staying = rows().filter(|other| !other.is_terminal() && !other.desired_transition.migrate);
        let (healthy, later): (Vec<Timestamp>, Vec<Timestamp>) =
            staying.filter_map(|other| healthy_from(state, other, migrate.min_healthy_time)).partition(|at| *at <= now);
        let must_stay = group.count.saturating_sub(migrate.max_parallel.max(1)) as usize;
        let mut room = healthy.len().saturating_sub(must_stay);
        let is_on_its_way = |other: &Allocation| other.occupies() && other.desired_transition.migrate;
        let is_elsewhere = |other: &Allocation| !other.is_terminal() && !draining.contains(&other.node_id);
        if healthy.is_empty() && !rows().any(|other| is_on_its_way(other) || is_elsewhere(other)) {
            // Where none is healthy they leave, too, one after the other.
            room = 1;
        }
        Self { room, next: later.into_iter().min() }
    }

    fn take(&mut self) -> bool {
        let is_free = self.room > 0;
        self.room = self.room.saturating_sub(1);
        is_free
    }
}

/// When an instance that runs counts as healthy: once all of its tasks have run for `min_healthy_time`, or as its deployment found.
/// `None`: not unless something changes.
fn healthy_from(state: &State, row: &Allocation, min_healthy_time: Duration) -> Option<Timestamp> {
    if row.client_status != AllocClientStatus::Running {
        return None;
    }
    if let Some(is_healthy) = row.health() {
        return is_healthy.then_some(row.create_time);
    }
    let job = state.specification(&row.job)?;
    let tasks = &job.group(&row.group)?.tasks;
    let mut since = row.create_time;
    for task in tasks.iter().filter(|task| task.is_main() || task.is_sidecar()) {
        let task = row.task_states.get(&task.name)?;
        since = since.max(task.started_at.filter(|_| task.state == TaskRunState::Running && !task.failed)?);
    }
    // The node's clock may be ahead of ours; what it reported had happened by then.
    Some(since.min(row.modify_time) + min_healthy_time)
}

fn job_type(state: &State, row: &Allocation) -> Option<JobType> {
    state.specification(&row.job).map(|job| job.job_type)
}

fn is_system(state: &State, row: &Allocation) -> bool {
    matches!(job_type(state, row), Some(JobType::System | JobType::SysBatch))
}

/// Carries the steps out while this server leads.
pub(super) async fn run(server: &Server) {
    let mut nodes = server.store().watch_table(Table::Nodes);
    let mut allocations = server.store().watch_table(Table::Allocations);
    loop {
        nodes.mark_unchanged();
        allocations.mark_unchanged();
        let state = server.store().load();
        let now = Timestamp::now();
        let step = step(&state, now);
        if let Err(error) = carry_out(server, &state, &step, now).await {
            warn!(%error, "a drain is held up");
            tokio::time::sleep(super::RETRY).await;
            continue;
        }
        let is_draining = state.nodes().any(|node| node.drain.is_some());
        let until_next = step.next.map_or(Duration::from_secs(3600), |deadline| deadline.since(now));
        tokio::select! {
            changed = nodes.changed() => if changed.is_err() { return },
            changed = allocations.changed(), if is_draining => if changed.is_err() { return },
            () = tokio::time::sleep(until_next), if step.next.is_some() => {}
        }
    }
}

async fn carry_out(server: &Server, state: &State, step: &Step, now: Timestamp) -> Result<(), ServerError> {
    if !step.leave.is_empty() {
        let migrate = DesiredTransition { migrate: true, ..DesiredTransition::default() };
        let transitions = step.leave.iter().map(|id| (*id, migrate)).collect();
        let jobs: BTreeSet<&JobKey> = step.leave.iter().filter_map(|id| state.allocation(*id)).map(|row| &row.job.key).collect();
        let evaluations =
            jobs.into_iter().filter_map(|key| state.job(key)).map(|job| evaluation_of(job, EvalTrigger::NodeDrain, now)).collect();
        server.propose(Command::SetDesiredTransitions { transitions, evaluations, at: now }).await?;
    }
    for node in &step.done {
        info!(%node, "drained");
        let command =
            Command::SetNodeDrain { node: *node, drain: None, eligibility: Eligibility::Ineligible, evaluations: Vec::new(), at: now };
        server.propose(command).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
