//! Registering, stopping and versioning jobs.

use std::sync::Arc;

use super::super::command::{IndexFound, Rejection};
use super::super::tables::Submission;
use super::{Change, Transaction};
use crate::model::scaling::{self, ScalingEvent, ScalingEvents};
use crate::model::{Job, JobKey, JobStatus, Text};
use crate::util::clock::Timestamp;

/// Versions kept per job beside those that allocations still run (Nomad's `job_tracked_versions`).
const TRACKED_VERSIONS: usize = 6;

impl Transaction<'_> {
    pub(super) fn register_job(
        &mut self,
        job: &Arc<Job>,
        submission: Option<&Arc<Submission>>,
        enforce_index: Option<u64>,
        at: Timestamp,
    ) -> Result<(), Rejection> {
        let current = self.state.jobs.get(&job.key).cloned();
        if let Some(expected) = enforce_index {
            check_index(expected, current.as_deref())?;
        }
        // An identical registration only asks to be evaluated again.
        if let Some(current) = &current
            && current.same_specification(job)
        {
            self.touched_jobs.insert(job.key.clone());
            return Ok(());
        }
        let row = Arc::new(Job {
            version: current.as_ref().map_or(0, |current| current.version + 1),
            create_index: current.as_ref().map_or(self.index, |current| current.create_index),
            modify_index: self.index,
            job_modify_index: self.index,
            submit_time: at,
            stable: false,
            status: current.as_ref().map_or(JobStatus::Pending, |current| current.status),
            ..Job::clone(job)
        });
        if let Some(submission) = submission {
            self.state.submissions.insert((row.key.clone(), self.index), Arc::clone(submission));
        }
        self.touched_jobs.insert(row.key.clone());
        let key = row.key.clone();
        self.put_job_row(row, true);
        self.forget_old_specifications(&key);
        Ok(())
    }

    pub(super) fn deregister_job(&mut self, key: &JobKey, purge: bool, no_shutdown_delay: bool, at: Timestamp) -> Result<(), Rejection> {
        let current = self.state.jobs.get(key).cloned().ok_or(Rejection::JobNotFound)?;
        if no_shutdown_delay {
            self.skip_shutdown_delays(key, at);
        }
        if purge {
            self.remove_job(key);
        } else if !current.stop {
            let row = Job {
                stop: true,
                version: current.version + 1,
                modify_index: self.index,
                job_modify_index: self.index,
                submit_time: at,
                ..Job::clone(&current)
            };
            if let Some(submission) = self.state.submissions.get(&(key.clone(), current.job_modify_index)).cloned() {
                self.state.submissions.insert((key.clone(), self.index), submission);
            }
            self.put_job_row(Arc::new(row), true);
            self.forget_old_specifications(key);
        }
        self.touched_jobs.insert(key.clone());
        Ok(())
    }

    /// A job's row is written anew, so that whoever watches the job hears of the event.
    pub(super) fn keep_scaling_event(&mut self, key: &JobKey, group: &Text, event: &ScalingEvent) -> Result<(), Rejection> {
        let current = self.state.jobs.get(key).cloned().ok_or(Rejection::JobNotFound)?;
        let mut events = self.state.scaling_events.get(key).map(|events| ScalingEvents::clone(events)).unwrap_or_default();
        events.retain(|name, _| current.groups.iter().any(|group| group.name == *name));
        scaling::add(&mut events, group.clone(), ScalingEvent { create_index: self.index, ..event.clone() });
        self.state.scaling_events.insert(key.clone(), Arc::new(events));
        if current.modify_index != self.index {
            self.put_job_row(Arc::new(Job { modify_index: self.index, ..Job::clone(&current) }), false);
        }
        Ok(())
    }

    /// Removes a job's record; its allocations stay until they are over and collected.
    pub(super) fn remove_job(&mut self, key: &JobKey) {
        if let Some(before) = self.state.jobs.remove(key) {
            self.forget_family(&before);
            self.state.scaling_events.remove(key);
            self.changes.push(Change::Job { key: key.clone(), before: Some(before), after: None, registered: true });
            self.forget_old_specifications(key);
        }
    }

    pub(super) fn set_job_stability(&mut self, key: &JobKey, version: u64, stable: bool) -> Result<(), Rejection> {
        let current = self.state.jobs.get(key).cloned().ok_or(Rejection::JobNotFound)?;
        let row = self.state.job_versions(key).into_iter().find(|job| job.version == version).ok_or(Rejection::VersionNotFound)?;
        let row = Arc::new(Job { stable, modify_index: self.index, ..Job::clone(&row) });
        if row.version == current.version {
            self.put_job_row(row, false);
        } else {
            self.state.specifications.insert((key.clone(), row.job_modify_index), row);
            // Whoever watches the job's versions watches the newest row.
            self.put_job_row(Arc::new(Job { modify_index: self.index, ..Job::clone(&current) }), false);
        }
        Ok(())
    }

    /// Drops specifications that are neither among the tracked versions of the job nor run by any allocation. The newest stop is
    /// remembered as long as anything from before it is: batch work that ended before it is no work of the job that was started again.
    pub(super) fn forget_old_specifications(&mut self, key: &JobKey) {
        let first_tracked = match self.state.jobs.get(key) {
            Some(_) => self.state.job_versions(key).get(TRACKED_VERSIONS - 1).map_or(0, |job| job.job_modify_index),
            None => u64::MAX,
        };
        let newest_create = self.state.jobs.get(key).map_or(u64::MAX, |job| job.create_index);
        let in_use: std::collections::BTreeSet<u64> =
            self.state.allocations_of_job(key).map(|allocation| allocation.job.modify_index).collect();
        let newest_stop = self.state.job_versions(key).iter().find(|job| job.stop).map(|job| job.job_modify_index);
        let newest_stop = newest_stop.filter(|stop| in_use.first().is_some_and(|oldest| oldest < stop));
        let stale: Vec<u64> = self
            .state
            .specifications
            .range((key.clone(), 0)..=(key.clone(), u64::MAX))
            .filter(|((_, index), job)| {
                (*index < first_tracked || job.create_index != newest_create) && !in_use.contains(index) && newest_stop != Some(*index)
            })
            .map(|((_, index), _)| *index)
            .collect();
        for index in stale {
            self.state.specifications.remove(&(key.clone(), index));
            self.state.submissions.remove(&(key.clone(), index));
        }
    }
}

fn check_index(expected: u64, current: Option<&Job>) -> Result<(), Rejection> {
    let found = match current {
        None if expected == 0 => return Ok(()),
        None => IndexFound::Missing,
        Some(_) if expected == 0 => IndexFound::Exists,
        Some(job) if job.job_modify_index == expected => return Ok(()),
        Some(job) => IndexFound::Other(job.job_modify_index),
    };
    Err(Rejection::JobIndexConflict { expected, found })
}
