//! Counts of a job's allocations per group, as `/v1/job/:id/summary` shows them.

use std::collections::BTreeMap;

use super::State;
use crate::model::{AllocClientStatus, EvalStatus, JobKey, Text};

/// Instances of one group by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupSummary {
    pub queued: u32,
    pub complete: u32,
    pub failed: u32,
    pub running: u32,
    pub starting: u32,
    pub lost: u32,
    pub unknown: u32,
}

impl State {
    /// Per group of the job. Groups without any allocation are there with zeros.
    pub fn summary(&self, key: &JobKey) -> BTreeMap<Text, GroupSummary> {
        let mut groups: BTreeMap<Text, GroupSummary> = BTreeMap::new();
        if let Some(job) = self.job(key) {
            groups.extend(job.groups.iter().map(|group| (group.name.clone(), GroupSummary::default())));
        }
        for allocation in self.allocations_of_job(key) {
            let group = groups.entry(allocation.group.clone()).or_default();
            match allocation.client_status {
                AllocClientStatus::Pending if allocation.is_server_terminal() => group.complete += 1,
                AllocClientStatus::Pending => group.starting += 1,
                AllocClientStatus::Running => group.running += 1,
                AllocClientStatus::Complete => group.complete += 1,
                AllocClientStatus::Failed => group.failed += 1,
                AllocClientStatus::Lost => group.lost += 1,
                AllocClientStatus::Unknown => group.unknown += 1,
            }
        }
        for evaluation in self.evaluations_of_job(key).filter(|evaluation| evaluation.status == EvalStatus::Blocked) {
            for (name, queued) in &evaluation.queued {
                groups.entry(name.clone()).or_default().queued = *queued;
            }
        }
        groups
    }
}
