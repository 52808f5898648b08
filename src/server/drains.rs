//! Empties draining nodes: who may leave is decided purely from the state and the time; the scheduler then places them elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::{Server, ServerError, evaluation_of};
use crate::model::allocation::DesiredTransition;
use crate::model::{AllocClientStatus, AllocId, Allocation, Eligibility, EvalTrigger, JobKey, JobType, Node, NodeId, Text};
use crate::state::{Command, State, Table};
use crate::util::clock::Timestamp;

/// What a look at the draining nodes calls for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    /// Allocations that shall leave now.
    leave: Vec<AllocId>,
    /// Nodes with nothing left to wait for.
    done: Vec<NodeId>,
    /// When the next deadline passes.
    next: Option<Timestamp>,
}

/// Services leave as `migrate.max_parallel` allows, counted over all draining nodes; batch work stays until the deadline; system jobs leave last.
fn step(state: &State, now: Timestamp) -> Step {
    let mut step = Step::default();
    let draining: Vec<&Arc<Node>> = state.nodes().filter(|node| node.drain.is_some()).collect();
    let draining_ids: BTreeSet<NodeId> = draining.iter().map(|node| node.id).collect();
    let mut room: BTreeMap<(JobKey, Text), usize> = BTreeMap::new();
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
                    Some(JobType::Service) | None => take_room(state, &draining_ids, &mut room, row),
                    Some(JobType::Batch) => false,
                    Some(JobType::System | JobType::SysBatch) => only_system_left,
                };
            if may_leave {
                step.leave.push(row.id);
            }
        }
    }
    step
}

/// Whether one more instance of the group may leave: as many must stay healthy as its count less `max_parallel`.
fn take_room(state: &State, draining: &BTreeSet<NodeId>, room: &mut BTreeMap<(JobKey, Text), usize>, row: &Allocation) -> bool {
    let left = room.entry((row.job.key.clone(), row.group.clone())).or_insert_with(|| {
        let Some(group) = state.job(&row.job.key).and_then(|job| job.group(&row.group)) else { return usize::MAX };
        let max_parallel = group.migrate.as_ref().map_or(1, |migrate| migrate.max_parallel).max(1);
        let healthy = state
            .allocations_of_job(&row.job.key)
            .filter(|other| other.group == row.group && !other.is_server_terminal() && !other.desired_transition.migrate)
            .filter(|other| other.client_status == AllocClientStatus::Running)
            .filter(|other| other.deployment_health.as_ref().is_none_or(|health| health.healthy != Some(false)))
            .count();
        let elsewhere = state
            .allocations_of_job(&row.job.key)
            .any(|other| other.group == row.group && !other.is_terminal() && !draining.contains(&other.node_id));
        let must_stay = group.count.saturating_sub(max_parallel) as usize;
        // The only instances there are leave one after the other, too.
        healthy.saturating_sub(must_stay).max(usize::from(!elsewhere && healthy == 0))
    });
    if *left == 0 {
        return false;
    }
    *left -= 1;
    true
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
        let until_deadline = step.next.map_or(Duration::from_secs(3600), |deadline| deadline.since(now));
        tokio::select! {
            changed = nodes.changed() => if changed.is_err() { return },
            changed = allocations.changed(), if is_draining => if changed.is_err() { return },
            () = tokio::time::sleep(until_deadline), if step.next.is_some() => {}
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
mod tests {
    use super::*;
    use crate::model::node::DrainStrategy;
    use crate::model::policy::MigrateStrategy;
    use crate::model::{AllocationUpdate, fixtures};
    use crate::state::command::Request;

    fn apply(state: &mut State, command: Command) {
        let index = state.index() + 1;
        state.apply(index, &Request { id: 0, command }).0.unwrap();
    }

    /// A node 1 that drains, with `count` running instances of a job of this type.
    fn draining(job_type: JobType, count: u32, max_parallel: u32, force_at: Option<Timestamp>) -> State {
        let mut state = State::default();
        apply(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at: Timestamp(1) });
        let mut job = fixtures::job("a", job_type, count);
        job.groups[0].migrate = Some(MigrateStrategy { max_parallel, ..MigrateStrategy::default() });
        let register =
            Command::RegisterJob { job: Arc::new(job.clone()), submission: None, enforce_index: None, evaluation: None, at: Timestamp(1) };
        apply(&mut state, register);
        let job = state.job(&job.key).unwrap().clone();
        apply(&mut state, Command::ApplyPlan { plan: Box::new(fixtures::placing(&job, NodeId(1), 0, count, 7)) });
        let ids: Vec<AllocId> = state.allocations().map(|row| row.id).collect();
        for id in ids {
            report(&mut state, id, AllocClientStatus::Running);
        }
        let drain = Some(DrainStrategy { started_at: Timestamp(2), force_at, ignore_system_jobs: false });
        let command = Command::SetNodeDrain {
            node: NodeId(1),
            drain,
            eligibility: Eligibility::Ineligible,
            evaluations: Vec::new(),
            at: Timestamp(2),
        };
        apply(&mut state, command);
        state
    }

    fn report(state: &mut State, id: AllocId, client_status: AllocClientStatus) {
        let update = AllocationUpdate {
            id,
            client_status,
            client_description: "".into(),
            task_states: Default::default(),
            health: None,
            at: Timestamp(3),
        };
        apply(state, Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at: Timestamp(3) });
    }

    #[test]
    fn services_leave_at_the_pace_of_their_migrate_stanza() {
        let state = draining(JobType::Service, 5, 2, None);
        assert_eq!(step(&state, Timestamp(4)).leave.len(), 2);
    }

    #[test]
    fn batch_work_stays_until_the_deadline() {
        let deadline = Timestamp(1_000);
        let state = draining(JobType::Batch, 3, 1, Some(deadline));
        assert_eq!(step(&state, Timestamp(999)), Step { next: Some(deadline), ..Step::default() });
        assert_eq!(step(&state, deadline).leave.len(), 3);
    }

    #[test]
    fn a_node_is_done_when_the_last_one_has_ended() {
        let mut state = draining(JobType::Service, 1, 1, None);
        let id = step(&state, Timestamp(4)).leave[0];
        report(&mut state, id, AllocClientStatus::Complete);
        assert_eq!(step(&state, Timestamp(5)), Step { done: vec![NodeId(1)], ..Step::default() });
    }

    #[test]
    fn who_leaves_when() {
        use JobType::{Batch, Service, SysBatch, System};
        let (before, deadline, after) = (Timestamp(999), Some(Timestamp(1_000)), Timestamp(1_000));
        // Type, count, max_parallel, deadline, ignore_system_jobs, time; how many leave, whether the node is done.
        for (job_type, count, max_parallel, force_at, ignore_system, now, leave, done) in [
            (Service, 3, 1, deadline, false, before, 1, false),
            (Service, 3, 3, deadline, false, before, 3, false),
            (Service, 3, 9, deadline, false, before, 3, false),
            (Service, 3, 0, deadline, false, before, 1, false),
            (Service, 1, 1, None, false, before, 1, false),
            (Service, 3, 1, deadline, false, after, 3, false),
            (Service, 3, 1, None, false, after, 1, false),
            (Batch, 3, 1, deadline, false, before, 0, false),
            (Batch, 3, 1, deadline, false, after, 3, false),
            (Batch, 3, 1, None, false, after, 0, false),
            (System, 1, 1, deadline, false, before, 1, false),
            (SysBatch, 1, 1, deadline, false, before, 1, false),
            (System, 1, 1, deadline, true, before, 0, true),
            (SysBatch, 1, 1, deadline, true, before, 0, true),
            (System, 1, 1, deadline, true, after, 0, true),
            (Service, 3, 1, deadline, true, before, 1, false),
        ] {
            let mut state = draining(job_type, count, max_parallel, force_at);
            drain(&mut state, NodeId(1), force_at, ignore_system);
            let step = step(&state, now);
            let case = format!("{job_type:?} {count} {max_parallel} {force_at:?} ignore {ignore_system} at {now:?}");
            assert_eq!((step.leave.len(), !step.done.is_empty()), (leave, done), "{case}");
        }
    }

    fn drain(state: &mut State, node: NodeId, force_at: Option<Timestamp>, ignore_system_jobs: bool) {
        let drain = Some(DrainStrategy { started_at: Timestamp(2), force_at, ignore_system_jobs });
        let eligibility = Eligibility::Ineligible;
        apply(state, Command::SetNodeDrain { node, drain, eligibility, evaluations: Vec::new(), at: Timestamp(2) });
    }

    /// Adds a node with `count` running instances of a job of its own, or of the one that is there already, from index `first`.
    fn place(state: &mut State, node: u128, id: &str, job_type: JobType, first: u32, count: u32) {
        apply(state, Command::RegisterNode { node: Box::new(fixtures::node(node)), evaluations: Vec::new(), at: Timestamp(1) });
        let job = fixtures::job(id, job_type, count);
        if state.job(&job.key).is_none() {
            let job = Arc::new(job.clone());
            apply(state, Command::RegisterJob { job, submission: None, enforce_index: None, evaluation: None, at: Timestamp(1) });
        }
        let job = state.job(&job.key).unwrap().clone();
        let seed = 100 + node * 10 + u128::from(first);
        apply(state, Command::ApplyPlan { plan: Box::new(fixtures::placing(&job, NodeId(node), first, count, seed)) });
        let rows: Vec<AllocId> = state.allocations_on_node(NodeId(node)).map(|row| row.id).collect();
        rows.into_iter().for_each(|id| report(state, id, AllocClientStatus::Running));
    }

    #[test]
    fn the_pace_is_that_of_the_group_over_all_nodes_that_drain() {
        let mut state = draining(JobType::Service, 4, 1, None);
        place(&mut state, 2, "a", JobType::Service, 4, 2);
        drain(&mut state, NodeId(2), None, false);
        // Six run where four are wanted: three may go without falling below three.
        assert_eq!(step(&state, Timestamp(4)).leave.len(), 3);
        let leaving = step(&state, Timestamp(4)).leave;
        let transition = DesiredTransition { migrate: true, ..DesiredTransition::default() };
        let transitions = leaving.iter().map(|id| (*id, transition)).collect();
        apply(&mut state, Command::SetDesiredTransitions { transitions, evaluations: Vec::new(), at: Timestamp(4) });
        assert_eq!(step(&state, Timestamp(5)), Step::default(), "nobody is told twice, and the rest waits for replacements");
        place(&mut state, 3, "a", JobType::Service, 6, 1);
        assert_eq!(step(&state, Timestamp(6)).leave.len(), 1, "one runs elsewhere: one more may go");
    }

    #[test]
    fn system_jobs_leave_when_all_others_have() {
        let mut state = draining(JobType::Service, 1, 1, None);
        place(&mut state, 1, "logs", JobType::System, 0, 1);
        drain(&mut state, NodeId(1), None, false);
        let service = step(&state, Timestamp(4)).leave;
        assert_eq!(service.len(), 1);
        assert!(!is_system(&state, state.allocation(service[0]).unwrap()));
        report(&mut state, service[0], AllocClientStatus::Complete);
        let system = step(&state, Timestamp(5)).leave;
        assert!(system.len() == 1 && is_system(&state, state.allocation(system[0]).unwrap()));
        report(&mut state, system[0], AllocClientStatus::Complete);
        assert_eq!(step(&state, Timestamp(6)).done, [NodeId(1)]);
    }
}
