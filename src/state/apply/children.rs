//! Jobs that launch others: what periodic and parameterized jobs' children come from, and what is remembered of their launches.

use super::super::command::{Child, Rejection};
use super::Transaction;
use crate::model::{Job, JobKey, Text};
use crate::util::clock::Timestamp;

impl Transaction<'_> {
    /// Settles a launch once: whoever led before may have done so already, however far apart the leaders' clocks are.
    pub(super) fn launch_periodic(
        &mut self,
        parent: &JobKey,
        scheduled: Timestamp,
        child: Option<&Child>,
        at: Timestamp,
    ) -> Result<(), Rejection> {
        let settled = self.state.launches.get(parent).copied().ok_or(Rejection::ParentGone)?;
        if scheduled <= settled {
            return Err(Rejection::AlreadyLaunched);
        }
        // Somebody forced a launch in the same second: that one counts.
        if let Some(child) = child.filter(|child| !self.state.jobs.contains_key(&child.job.key)) {
            self.register_child(child, at)?;
        }
        self.state.launches.insert(parent.clone(), scheduled);
        Ok(())
    }

    pub(super) fn start_child(
        &mut self,
        parent: &JobKey,
        idempotency_token: Option<&Text>,
        child: &Child,
        at: Timestamp,
    ) -> Result<(), Rejection> {
        if self.state.jobs.get(parent).is_none_or(|parent| parent.stop) {
            return Err(Rejection::ParentGone);
        }
        if idempotency_token.is_some_and(|token| self.state.dispatched_with(parent, token).is_some()) {
            return Ok(());
        }
        if self.state.jobs.contains_key(&child.job.key) {
            return Err(Rejection::ChildExists(child.job.key.id.clone()));
        }
        self.register_child(child, at)?;
        if let Some(token) = idempotency_token {
            self.state.dispatches.insert((parent.clone(), token.clone()), child.job.key.clone());
            self.state.dispatch_tokens.insert(child.job.key.clone(), (parent.clone(), token.clone()));
        }
        Ok(())
    }

    fn register_child(&mut self, child: &Child, at: Timestamp) -> Result<(), Rejection> {
        self.register_job(&child.job, None, None, at)?;
        self.put_evaluations([&child.evaluation]);
        Ok(())
    }

    /// Notes what a newly registered specification means for launches.
    pub(super) fn track_family(&mut self, before: Option<&Job>, job: &Job) {
        if let Some(before) = before.filter(|before| before.parent_id != job.parent_id) {
            self.leave_parent(before);
        }
        if let Some(parent) = job.parent() {
            self.state.children.insert((parent, job.key.clone()));
        }
        fn table(job: &Job) -> Option<&crate::model::job::Periodic> {
            job.periodic.as_ref().filter(|_| !job.stop)
        }
        match table(job) {
            None => _ = self.state.launches.remove(&job.key),
            // The same table goes on where it was: a launch that is due just now is not lost.
            Some(periodic) if before.and_then(table) == Some(periodic) && self.state.launches.contains_key(&job.key) => {}
            Some(_) => _ = self.state.launches.insert(job.key.clone(), job.submit_time),
        }
    }

    /// Forgets a removed job's launches.
    pub(super) fn forget_family(&mut self, job: &Job) {
        self.leave_parent(job);
        self.state.launches.remove(&job.key);
        if let Some(dispatch) = self.state.dispatch_tokens.remove(&job.key) {
            self.state.dispatches.remove(&dispatch);
        }
    }

    fn leave_parent(&mut self, job: &Job) {
        if let Some(parent) = job.parent() {
            self.state.children.remove(&(parent, job.key.clone()));
        }
    }
}
