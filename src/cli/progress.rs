//! What is worth telling a person about an evaluation, its allocations and its deployment as they change.
//!
//! Pure: [`Progress`] is fed with each new state and answers the lines to print; `follow` drives it.

use std::collections::BTreeMap;

use super::failures;
use super::style::printable;
use crate::api::types::allocation::AllocationListStub;
use crate::api::types::deployment::Deployment;
use crate::api::types::evaluation::Evaluation;

const SHORT_ID_LENGTH: usize = 8;

/// A line of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The start or the end of something.
    Headline(String),
    Detail(String),
}

impl Line {
    fn detail(text: &str) -> Self {
        Self::Detail(printable(text))
    }
}

/// Healthy and unhealthy allocations of each group.
type Health = BTreeMap<String, (u64, u64)>;

/// What has been told so far.
#[derive(Debug, Default)]
pub struct Progress {
    full_ids: bool,
    evaluation_status: String,
    /// Client status of each allocation seen.
    allocations: BTreeMap<String, String>,
    /// Description and health told last.
    deployment: Option<(String, Health)>,
}

impl Progress {
    pub fn new(full_ids: bool) -> Self {
        Self { full_ids, ..Default::default() }
    }

    /// An id as it is shown.
    pub fn id<'a>(&self, id: &'a str) -> &'a str {
        if self.full_ids { id } else { short(id) }
    }

    pub fn evaluation(&mut self, evaluation: &Evaluation) -> Vec<Line> {
        let mut lines = Vec::new();
        let status = evaluation.status.clone();
        if self.evaluation_status.is_empty() {
            lines.push(Line::detail(&match evaluation.triggered_by.as_str() {
                "node-update" | "node-drain" => format!("Evaluation triggered by node {:?}", self.id(&evaluation.node_id)),
                _ => format!("Evaluation triggered by job {:?}", evaluation.job_id),
            }));
            if !evaluation.deployment_id.is_empty() {
                lines.push(Line::detail(&format!("Evaluation within deployment: {:?}", self.id(&evaluation.deployment_id))));
            }
        } else if self.evaluation_status != status {
            lines.push(Line::detail(&format!("Evaluation status changed: {:?} -> {status:?}", self.evaluation_status)));
        }
        self.evaluation_status = status;
        lines
    }

    /// `evaluation_index` tells allocations that the evaluation made from those it only changed.
    pub fn allocations(&mut self, rows: &[AllocationListStub], evaluation_index: u64) -> Vec<Line> {
        let mut lines = Vec::new();
        for row in rows {
            let id = self.id(&row.id);
            match self.allocations.get(&row.id) {
                None if row.desired_status != "run" => {
                    lines.push(Line::detail(&format!("Allocation {id:?} is stopped: {}", row.desired_description)));
                }
                None => {
                    let verb = if row.create_index < evaluation_index { "modified" } else { "created" };
                    let node = self.id(&row.node_id);
                    lines.push(Line::detail(&format!("Allocation {id:?} {verb}: node {node:?}, group {:?}", row.task_group)));
                }
                Some(before) if *before != row.client_status => {
                    let why = if row.client_description.is_empty() { String::new() } else { format!(" ({})", row.client_description) };
                    lines.push(Line::detail(&format!("Allocation {id:?} status changed: {before:?} -> {:?}{why}", row.client_status)));
                }
                Some(_) => {}
            }
            self.allocations.insert(row.id.clone(), row.client_status.clone());
        }
        lines
    }

    pub fn deployment(&mut self, deployment: &Deployment) -> Vec<Line> {
        let health: Health =
            deployment.task_groups.iter().map(|(name, state)| (name.clone(), (state.healthy_allocs, state.unhealthy_allocs))).collect();
        let seen = Some((deployment.status_description.clone(), health));
        if self.deployment == seen {
            return Vec::new();
        }
        self.deployment = seen;
        let mut lines = vec![Line::detail(&format!("Deployment {:?}: {}", self.id(&deployment.id), deployment.status_description))];
        for (name, state) in &deployment.task_groups {
            lines.push(Line::detail(&format!(
                "  group {name:?}: desired {}, placed {}, healthy {}, unhealthy {}",
                state.desired_total, state.placed_allocs, state.healthy_allocs, state.unhealthy_allocs
            )));
        }
        lines
    }

    /// How the evaluation ended, with the reasons of allocations that found no place.
    pub fn verdict(&self, evaluation: &Evaluation) -> Vec<Line> {
        let ended = format!("Evaluation {:?} finished with status {:?}", self.id(&evaluation.id), evaluation.status);
        if evaluation.failed_tg_allocs.is_empty() {
            let why = if evaluation.status_description.is_empty() { String::new() } else { format!(": {}", evaluation.status_description) };
            return vec![Line::Headline(format!("{ended}{}", printable(&why)))];
        }
        let mut lines = vec![Line::Headline(format!("{ended} but failed to place all allocations:"))];
        lines.extend(failures::render(&evaluation.failed_tg_allocs).lines().map(Line::detail));
        if !evaluation.blocked_eval.is_empty() {
            let blocked = self.id(&evaluation.blocked_eval);
            lines.push(Line::detail(&format!("Evaluation {blocked:?} waiting for additional capacity to place the remainder")));
        }
        lines
    }
}

/// True when the evaluation will not change any more.
pub fn evaluation_ended(evaluation: &Evaluation) -> bool {
    matches!(evaluation.status.as_str(), "complete" | "failed" | "canceled")
}

/// True when no allocation that shall run is still on its way.
pub fn settled(rows: &[AllocationListStub]) -> bool {
    rows.iter().all(|row| row.desired_status != "run" || row.client_status != "pending")
}

/// True when the deployment ended, or waits for a person.
pub fn deployment_rests(deployment: &Deployment) -> bool {
    let waiting = || deployment.task_groups.values().filter(|group| group.desired_canaries > 0 && !group.promoted);
    let needs_person = deployment.status_description.contains("requires manual promotion");
    let waits = deployment.status == "paused" || needs_person && waiting().all(|group| group.healthy_allocs >= group.desired_canaries);
    waits || matches!(deployment.status.as_str(), "successful" | "failed" | "cancelled")
}

/// The first eight characters of an id.
pub fn short(id: &str) -> &str {
    id.get(..SHORT_ID_LENGTH).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn details(lines: Vec<Line>) -> Vec<String> {
        lines
            .into_iter()
            .map(|line| match line {
                Line::Detail(text) => text,
                Line::Headline(text) => format!("==> {text}"),
            })
            .collect()
    }

    fn row(status: &str, desired: &str) -> AllocationListStub {
        serde_json::from_value(json!({
            "ID": "a1a1a1a1-0000", "NodeID": "b2b2b2b2-0000", "TaskGroup": "web", "ClientStatus": status, "DesiredStatus": desired,
            "DesiredDescription": "not needed", "ClientDescription": "Tasks are running", "CreateIndex": 12,
        }))
        .unwrap()
    }

    #[test]
    fn each_change_is_told_once() {
        let mut progress = Progress::new(false);
        let mut evaluation: Evaluation = serde_json::from_value(json!({"ID": "e", "JobID": "web", "Status": "pending"})).unwrap();
        assert_eq!(details(progress.evaluation(&evaluation)), ["Evaluation triggered by job \"web\""]);
        assert!(progress.evaluation(&evaluation).is_empty());
        evaluation.status = "complete".into();
        assert_eq!(details(progress.evaluation(&evaluation)), ["Evaluation status changed: \"pending\" -> \"complete\""]);

        let pending = [row("pending", "run")];
        assert_eq!(details(progress.allocations(&pending, 10)), ["Allocation \"a1a1a1a1\" created: node \"b2b2b2b2\", group \"web\""]);
        assert!(!settled(&pending) && progress.allocations(&pending, 10).is_empty());
        let running = [row("running", "run")];
        assert_eq!(
            details(progress.allocations(&running, 10)),
            ["Allocation \"a1a1a1a1\" status changed: \"pending\" -> \"running\" (Tasks are running)"]
        );
        assert!(settled(&running));
    }

    #[test]
    fn stopped_and_modified_allocations_are_told_apart() {
        let stopped = [row("pending", "stop")];
        assert_eq!(details(Progress::new(false).allocations(&stopped, 10)), ["Allocation \"a1a1a1a1\" is stopped: not needed"]);
        assert!(settled(&stopped));
        let older = details(Progress::new(true).allocations(&[row("running", "run")], 20));
        assert_eq!(older, ["Allocation \"a1a1a1a1-0000\" modified: node \"b2b2b2b2-0000\", group \"web\""]);
    }

    #[test]
    fn the_verdict_gives_reasons() {
        let evaluation: Evaluation = serde_json::from_value(json!({
            "ID": "abcd1234-0", "Status": "complete", "BlockedEval": "ffff0000-0",
            "FailedTGAllocs": {"web": {"NodesEvaluated": 1, "NodesExhausted": 1, "DimensionExhausted": {"memory": 1}}},
        }))
        .unwrap();
        assert_eq!(
            details(Progress::new(false).verdict(&evaluation)),
            [
                "==> Evaluation \"abcd1234\" finished with status \"complete\" but failed to place all allocations:",
                "Task Group \"web\" (failed to place 1 allocation):",
                "  * Resources exhausted on 1 node",
                "  * Dimension \"memory\" exhausted on 1 node",
                "Evaluation \"ffff0000\" waiting for additional capacity to place the remainder",
            ]
        );
    }

    #[test]
    fn a_deployment_rests_when_it_needs_a_person() {
        let mut deployment =
            Deployment { status: "running".into(), status_description: "Deployment is running".into(), ..Default::default() };
        assert!(!deployment_rests(&deployment));
        deployment.status_description = "Deployment is running but requires manual promotion".into();
        assert!(deployment_rests(&deployment));
    }
}
