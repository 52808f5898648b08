//! Evaluations that come along with the command that caused them.

use super::Transaction;
use crate::model::{EvalStatus, Evaluation};

impl Transaction<'_> {
    /// Upserts evaluations. A new one that waits for a scheduler remembers the job's current specification.
    pub(super) fn put_evaluations<'e>(&mut self, evaluations: impl IntoIterator<Item = &'e Evaluation>) {
        for evaluation in evaluations {
            let mut evaluation = evaluation.clone();
            if evaluation.status == EvalStatus::Pending
                && let Some(job) = self.state.jobs.get(&evaluation.job)
            {
                evaluation.job_modify_index = job.job_modify_index;
            }
            self.put_evaluation(&evaluation);
        }
    }
}
