//! From a change of the state to an event of the stream.

use serde_json::{Value, json};

use crate::api::{convert, job_json, types};
use crate::model::Text;
use crate::state::State;
use crate::state::changes::{AllocationChange, Change, Changes};

/// One event, encoded once for all followers.
#[derive(Debug)]
pub struct Event {
    pub topic: &'static str,
    pub key: String,
    /// Empty for what belongs to no namespace.
    pub namespace: String,
    /// Further keys that a subscription may name: the job of an allocation, the deployment of an evaluation.
    pub filter_keys: Vec<String>,
    pub encoded: String,
}

/// The events of one log entry, in the order of its changes.
pub fn of_changes(state: &State, changes: &Changes) -> Vec<Event> {
    changes.changes.iter().filter_map(|change| of_change(state, changes.index, change)).collect()
}

struct Parts {
    topic: &'static str,
    kind: &'static str,
    key: String,
    namespace: Option<Text>,
    filter_keys: Vec<String>,
    payload: Value,
}

fn of_change(state: &State, index: u64, change: &Change) -> Option<Event> {
    let parts = match change {
        Change::Job { before, after, registered, .. } => {
            let job = after.as_ref().or(before.as_ref())?;
            Parts {
                topic: "Job",
                kind: match (after, registered) {
                    (Some(job), true) if job.stop => "JobDeregistered",
                    (None, _) => "JobDeregistered",
                    (Some(job), false) if job.stop && before.as_ref().is_some_and(|before| !before.stop) => "JobDeregistered",
                    _ => "JobRegistered",
                },
                key: job.key.id.to_string(),
                namespace: Some(job.key.namespace.clone()),
                filter_keys: Vec::new(),
                payload: json!({ "Job": job_json::to_value(job) }),
            }
        }
        Change::Node { before, after } => {
            let node = after.as_ref().or(before.as_ref())?;
            let kind = match (before, after) {
                (_, None) => "NodeDeregistration",
                (Some(before), Some(after)) if before.drain != after.drain => "NodeDrain",
                (Some(before), Some(after)) if before.eligibility != after.eligibility => "NodeEligibility",
                (Some(before), Some(after)) if before.status != after.status => "NodeStreamEvent",
                _ => "NodeRegistration",
            };
            Parts {
                topic: "Node",
                kind,
                key: node.id.to_string(),
                namespace: None,
                filter_keys: vec![node.name.to_string()],
                payload: json!({ "Node": types::node::Node::from(&**node) }),
            }
        }
        Change::Allocation { before, after, source } => {
            let row = after.as_ref().or(before.as_ref())?;
            let kind = match (before, source) {
                (None, _) => "AllocationCreated",
                (_, AllocationChange::Plan) => "PlanResult",
                (_, AllocationChange::DesiredTransition) => "AllocationUpdateDesiredStatus",
                (_, AllocationChange::Client | AllocationChange::Collected) => "AllocationUpdated",
            };
            let deployment = row.deployment.map(|id| id.to_string());
            Parts {
                topic: "Allocation",
                kind,
                key: row.id.to_string(),
                namespace: Some(row.job.key.namespace.clone()),
                filter_keys: [row.job.key.id.to_string()].into_iter().chain(deployment).collect(),
                payload: json!({ "Allocation": convert::allocation::full_in(state, row, false) }),
            }
        }
        Change::Evaluation { before, after } => {
            let row = after.as_ref().or(before.as_ref())?;
            let deployment = row.deployment_id.map(|id| id.to_string());
            Parts {
                topic: "Evaluation",
                kind: "EvaluationUpdated",
                key: row.id.to_string(),
                namespace: Some(row.job.namespace.clone()),
                filter_keys: [row.job.id.to_string()].into_iter().chain(deployment).collect(),
                payload: json!({ "Evaluation": types::evaluation::Evaluation::from(&**row) }),
            }
        }
        Change::Deployment { before, after } => {
            let row = after.as_ref().or(before.as_ref())?;
            let kind = match (before, after) {
                (Some(before), Some(after)) if before.groups.iter().any(|(name, group)| newly_promoted(group, after.groups.get(name))) => {
                    "DeploymentPromotion"
                }
                (Some(before), Some(after)) if before.status == after.status => "DeploymentAllocHealth",
                _ => "DeploymentStatusUpdate",
            };
            Parts {
                topic: "Deployment",
                kind,
                key: row.id.to_string(),
                namespace: Some(row.job.key.namespace.clone()),
                filter_keys: vec![row.job.key.id.to_string()],
                payload: json!({ "Deployment": types::deployment::Deployment::from(&**row) }),
            }
        }
        Change::NodePool { before, after } => {
            let pool = after.as_ref().or(before.as_ref())?;
            Parts {
                topic: "NodePool",
                kind: if after.is_some() { "NodePoolUpserted" } else { "NodePoolDeleted" },
                key: pool.name.to_string(),
                namespace: None,
                filter_keys: Vec::new(),
                payload: json!({ "NodePool": types::node::NodePool::from(&**pool) }),
            }
        }
        Change::SchedulerConfig => return None,
    };
    Some(finish(index, parts))
}

fn newly_promoted(before: &crate::model::DeploymentGroup, after: Option<&crate::model::DeploymentGroup>) -> bool {
    !before.promoted && after.is_some_and(|after| after.promoted)
}

fn finish(index: u64, parts: Parts) -> Event {
    let namespace = parts.namespace.map(|name| name.to_string()).unwrap_or_default();
    let event = types::event::Event {
        topic: parts.topic.to_owned(),
        r#type: parts.kind.to_owned(),
        key: parts.key.clone(),
        namespace: namespace.clone(),
        filter_keys: parts.filter_keys.clone(),
        index,
        payload: parts.payload,
    };
    // The types' only maps have text keys, so encoding cannot fail; an empty event would still be valid JSON.
    let encoded = serde_json::to_string(&event).unwrap_or_else(|_| "{}".to_owned());
    Event { topic: parts.topic, key: parts.key, namespace, filter_keys: parts.filter_keys, encoded }
}
