//! Allocations, as rows of a list and in full.

use super::{nanoseconds, optional_id, resources};
use crate::api::job_json;
use crate::api::types::allocation::{
    Allocation, AllocationDeploymentStatus, AllocationListStub, AllocationMetric, DesiredTransition, RescheduleEvent, RescheduleTracker,
};
use crate::api::types::task::TaskState;
use crate::model::{self, Job};
use crate::state::State;

/// What a list shows beside the row itself.
#[derive(Clone, Copy, Debug)]
pub struct StubFields {
    pub resources: bool,
    pub task_states: bool,
}

/// A row of a list. `job` is the specification the allocation runs, when the state still has it.
pub fn stub(allocation: &model::Allocation, job: Option<&Job>, fields: StubFields) -> AllocationListStub {
    let group = job.and_then(|job| job.group(&allocation.group));
    AllocationListStub {
        id: allocation.id.to_string(),
        eval_id: allocation.eval_id.to_string(),
        name: allocation.name(),
        namespace: allocation.job.key.namespace.to_string(),
        node_id: allocation.node_id.to_string(),
        node_name: allocation.node_name.to_string(),
        job_id: allocation.job.key.id.to_string(),
        job_type: job.map(|job| job.job_type.name().to_owned()).unwrap_or_default(),
        job_version: allocation.job.version,
        task_group: allocation.group.to_string(),
        allocated_resources: fields.resources.then(|| resources::allocated(allocation, group)),
        desired_status: allocation.desired_status.name().to_owned(),
        desired_description: allocation.desired_description.to_string(),
        client_status: allocation.client_status.name().to_owned(),
        client_description: allocation.client_description.to_string(),
        desired_transition: (&allocation.desired_transition).into(),
        task_states: if fields.task_states { task_states(allocation) } else { Default::default() },
        deployment_status: allocation.deployment_health.as_ref().map(Into::into),
        followup_eval_id: optional_id(allocation.history.follow_up_eval),
        next_allocation: optional_id(allocation.history.next),
        reschedule_tracker: tracker(allocation),
        preempted_allocations: allocation.history.preempted.iter().map(ToString::to_string).collect(),
        preempted_by_allocation: optional_id(allocation.history.preempted_by),
        create_index: allocation.create_index,
        modify_index: allocation.modify_index,
        create_time: allocation.create_time.0,
        modify_time: allocation.modify_time.0,
    }
}

/// A row of a list with the type of its job looked up.
pub fn stub_in(state: &State, allocation: &model::Allocation, fields: StubFields) -> AllocationListStub {
    stub(allocation, state.specification(&allocation.job).map(AsRef::as_ref), fields)
}

/// The whole allocation; its job as JSON only `with_job`.
pub fn full(allocation: &model::Allocation, job: Option<&Job>, with_job: bool) -> Allocation {
    let group = job.and_then(|job| job.group(&allocation.group));
    Allocation {
        id: allocation.id.to_string(),
        namespace: allocation.job.key.namespace.to_string(),
        eval_id: allocation.eval_id.to_string(),
        name: allocation.name(),
        node_id: allocation.node_id.to_string(),
        node_name: allocation.node_name.to_string(),
        job_id: allocation.job.key.id.to_string(),
        job: job.filter(|_| with_job).map(job_json::to_value),
        task_group: allocation.group.to_string(),
        resources: Some(resources::flat(allocation, group)),
        task_resources: resources::flat_tasks(group),
        allocated_resources: Some(resources::allocated(allocation, group)),
        metrics: Some(AllocationMetric::from(&*allocation.metrics)),
        desired_status: allocation.desired_status.name().to_owned(),
        desired_description: allocation.desired_description.to_string(),
        desired_transition: (&allocation.desired_transition).into(),
        client_status: allocation.client_status.name().to_owned(),
        client_description: allocation.client_description.to_string(),
        task_states: task_states(allocation),
        deployment_id: optional_id(allocation.deployment),
        deployment_status: allocation.deployment_health.as_ref().map(Into::into),
        followup_eval_id: optional_id(allocation.history.follow_up_eval),
        previous_allocation: optional_id(allocation.history.previous),
        next_allocation: optional_id(allocation.history.next),
        reschedule_tracker: tracker(allocation),
        network_status: None,
        preempted_allocations: allocation.history.preempted.iter().map(ToString::to_string).collect(),
        preempted_by_allocation: optional_id(allocation.history.preempted_by),
        create_index: allocation.create_index,
        modify_index: allocation.modify_index,
        alloc_modify_index: allocation.alloc_modify_index,
        create_time: allocation.create_time.0,
        modify_time: allocation.modify_time.0,
    }
}

/// [`full`] with the job looked up.
pub fn full_in(state: &State, allocation: &model::Allocation, with_job: bool) -> Allocation {
    full(allocation, state.specification(&allocation.job).map(AsRef::as_ref), with_job)
}

fn task_states(allocation: &model::Allocation) -> std::collections::BTreeMap<String, TaskState> {
    allocation.task_states.iter().map(|(name, state)| (name.to_string(), state.into())).collect()
}

fn tracker(allocation: &model::Allocation) -> Option<RescheduleTracker> {
    if allocation.history.reschedules.is_empty() {
        return None;
    }
    let events = allocation.history.reschedules.iter().map(|event| RescheduleEvent {
        reschedule_time: event.time.0,
        prev_alloc_id: event.previous_alloc.to_string(),
        prev_node_id: event.previous_node.to_string(),
        delay: nanoseconds(event.delay),
    });
    Some(RescheduleTracker { events: events.collect() })
}

impl From<&model::allocation::DesiredTransition> for DesiredTransition {
    fn from(transition: &model::allocation::DesiredTransition) -> Self {
        let set = |flag: bool| flag.then_some(true);
        Self {
            migrate: set(transition.migrate),
            reschedule: set(transition.reschedule),
            force_reschedule: set(transition.force_reschedule),
        }
    }
}

impl From<&model::allocation::DeploymentHealth> for AllocationDeploymentStatus {
    fn from(health: &model::allocation::DeploymentHealth) -> Self {
        Self {
            healthy: health.healthy,
            timestamp: health.healthy.map(|_| health.timestamp.rfc3339()),
            canary: health.canary,
            modify_index: health.modify_index,
        }
    }
}
