//! Why a job's instances are where they are.

use crate::api::types::explain::{GroupExplanation, JobExplanation, MissingOfClass, PlacedAllocation};
use crate::model::Allocation;
use crate::model::plan::Missing;
use crate::scheduler;
use crate::util::clock::Timestamp;

impl From<&scheduler::Explanation> for JobExplanation {
    fn from(explanation: &scheduler::Explanation) -> Self {
        let job = &explanation.job;
        Self {
            id: job.key.id.to_string(),
            namespace: job.key.namespace.to_string(),
            r#type: job.job_type.name().to_owned(),
            version: job.version,
            priority: job.priority,
            idle: job.stop || job.is_template(),
            groups: explanation.groups.iter().map(GroupExplanation::from).collect(),
            next_attempt: explanation.next_attempt.map(Timestamp::rfc3339).unwrap_or_default(),
        }
    }
}

impl From<&scheduler::GroupExplanation> for GroupExplanation {
    fn from(group: &scheduler::GroupExplanation) -> Self {
        let failed = group.failed.as_deref();
        Self {
            name: group.name.to_string(),
            count: group.count,
            placed: group.allocations.iter().map(|allocation| (&**allocation).into()).collect(),
            queued: group.queued,
            missing: failed.iter().flat_map(|metrics| &metrics.missing).map(MissingOfClass::from).collect(),
            changes: failed.iter().flat_map(|metrics| &metrics.changes).map(ToString::to_string).collect(),
            metrics: failed.map(Into::into),
        }
    }
}

impl From<&Missing> for MissingOfClass {
    fn from(missing: &Missing) -> Self {
        Self { node_class: missing.class.to_string(), nodes: missing.nodes, what: missing.what.to_string() }
    }
}

impl From<&Allocation> for PlacedAllocation {
    fn from(allocation: &Allocation) -> Self {
        let metrics = &allocation.metrics;
        let rank = metrics.scores.iter().position(|score| score.node == allocation.node_id);
        let score = rank.map(|rank| &metrics.scores[rank]);
        Self {
            id: allocation.id.to_string(),
            name: allocation.name(),
            node_id: allocation.node_id.to_string(),
            node_name: allocation.node_name.to_string(),
            client_status: allocation.client_status.name().to_owned(),
            scores: score.iter().flat_map(|score| &score.terms).map(|(name, value)| (name.to_string(), *value)).collect(),
            norm_score: score.map_or(0.0, |score| score.total),
            rank: rank.and_then(|rank| u32::try_from(rank + 1).ok()).unwrap_or(0),
            nodes_evaluated: metrics.nodes_evaluated,
            nodes_filtered: metrics.nodes_filtered,
            preempted_allocations: allocation.history.preempted.iter().map(ToString::to_string).collect(),
        }
    }
}
