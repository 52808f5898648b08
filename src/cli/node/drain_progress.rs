//! What is worth telling of a drain as it goes on. Pure: fed with each new state, it answers the lines to print.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::types::allocation::Allocation;
use crate::api::types::node::Node;
use crate::cli::progress::short;

#[derive(Debug, Default)]
pub struct DrainProgress {
    full_ids: bool,
    is_started: bool,
    /// Client status and whether it shall leave, of each allocation seen.
    seen: BTreeMap<String, (String, bool)>,
    remaining: usize,
}

impl DrainProgress {
    pub fn new(full_ids: bool) -> Self {
        Self { full_ids, ..Self::default() }
    }

    /// How long to wait for the next allocation to change: the end of the drain itself changes none.
    pub fn patience(&self) -> Duration {
        if self.is_started && self.remaining == 0 { Duration::from_millis(200) } else { Duration::MAX }
    }

    pub fn look(&mut self, node: &Node, allocations: &[Allocation]) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.is_started
            && let Some(drain) = &node.drain_strategy
        {
            self.is_started = true;
            lines.push(match &drain.force_deadline {
                Some(deadline) if !deadline.starts_with("0001-") => format!("what is left at {deadline} is stopped"),
                _ => "nothing is stopped by force".to_owned(),
            });
        }
        let is_over = |row: &Allocation| matches!(row.client_status.as_str(), "complete" | "failed" | "lost");
        for row in allocations {
            let id = if self.full_ids { row.id.as_str() } else { short(&row.id) };
            let leaves = row.desired_transition.migrate.unwrap_or(false) || row.desired_status != "run";
            match self.seen.get(&row.id) {
                None if is_over(row) => {}
                None if leaves => lines.push(format!("allocation {id:?} of job {:?} leaves", row.job_id)),
                None => lines.push(format!("allocation {id:?} of job {:?} is {}", row.job_id, row.client_status)),
                Some((status, left)) => {
                    if leaves && !left && !is_over(row) {
                        lines.push(format!("allocation {id:?} of job {:?} leaves", row.job_id));
                    }
                    if *status != row.client_status {
                        lines.push(format!("allocation {id:?} status changed: {status:?} -> {:?}", row.client_status));
                    }
                }
            }
            self.seen.insert(row.id.clone(), (row.client_status.clone(), leaves));
        }
        self.remaining = allocations.iter().filter(|row| !is_over(row)).count();
        lines
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(status: &str, migrate: bool) -> Vec<Allocation> {
        serde_json::from_value(json!([{"ID": "aaaaaaaa-1", "JobID": "web", "ClientStatus": status, "DesiredStatus": "run",
            "DesiredTransition": {"Migrate": migrate}}]))
        .unwrap()
    }

    #[test]
    fn each_change_is_told_once() {
        let node: Node = serde_json::from_value(json!({"ID": "n", "DrainStrategy": {"ForceDeadline": "2026-11-21T15:00:00Z"}})).unwrap();
        let mut progress = DrainProgress::new(false);
        assert_eq!(
            progress.look(&node, &row("running", false)),
            ["what is left at 2026-11-21T15:00:00Z is stopped", "allocation \"aaaaaaaa\" of job \"web\" is running"]
        );
        assert!(progress.look(&node, &row("running", false)).is_empty());
        assert_eq!(progress.look(&node, &row("running", true)), ["allocation \"aaaaaaaa\" of job \"web\" leaves"]);
        assert_eq!(progress.patience(), Duration::MAX);
        assert_eq!(progress.look(&node, &row("complete", true)), ["allocation \"aaaaaaaa\" status changed: \"running\" -> \"complete\""]);
        assert!(progress.patience() < Duration::from_secs(1), "the end of the drain is near");
        let mut late = DrainProgress::new(true);
        assert!(late.look(&Node::default(), &row("complete", false)).is_empty(), "what was over before is no news");
    }
}
