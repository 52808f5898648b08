//! `job eval`: a job is looked at again because somebody asks for it.

use super::{Registered, Server, ServerError, evaluation_of};
use crate::model::allocation::DesiredTransition;
use crate::model::{AllocClientStatus, EvalId, EvalTrigger, Job, JobKey};
use crate::state::{Command, State};
use crate::util::clock::Timestamp;

impl Server {
    /// Looks at a job again; `force_reschedule` also places failed instances whose policy would wait.
    pub async fn evaluate_job(&self, key: JobKey, force_reschedule: bool) -> Result<Registered, ServerError> {
        let job = self.existing_job(&key)?;
        if job.is_template() {
            return Err(ServerError::Invalid(vec!["can't evaluate periodic or parameterized job".to_owned()]));
        }
        let (eval_id, command) = evaluation(&self.store().load(), &job, force_reschedule, Timestamp::now());
        let reply = self.propose(command).await?;
        Ok(Registered { eval_id: Some(eval_id), index: reply.index, job_modify_index: job.job_modify_index })
    }
}

/// A new evaluation of the job; with `force_reschedule`, every instance that failed and has no successor is marked to be placed now.
fn evaluation(state: &State, job: &Job, force_reschedule: bool, now: Timestamp) -> (EvalId, Command) {
    let evaluation = evaluation_of(job, EvalTrigger::JobRegister, now);
    let id = evaluation.id;
    if !force_reschedule {
        return (id, Command::UpsertEvaluations { evaluations: vec![evaluation] });
    }
    let transition = DesiredTransition { force_reschedule: true, ..DesiredTransition::default() };
    let failed = state
        .allocations_of_job(&job.key)
        .filter(|row| row.client_status == AllocClientStatus::Failed && row.history.next.is_none() && !row.is_server_terminal());
    let transitions = failed.map(|row| (row.id, transition)).collect();
    (id, Command::SetDesiredTransitions { transitions, evaluations: vec![evaluation], at: now })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::plan::Stop;
    use crate::model::{AllocDesiredStatus, AllocationUpdate, EvalStatus, JobType, NodeId, Plan, fixtures};
    use crate::state::command::Request;

    fn apply(state: &mut State, command: Command) {
        let index = state.index() + 1;
        state.apply(index, &Request { id: 0, command }).0.unwrap();
    }

    /// A job with one instance that its node reports like this, stopped or replaced by another one.
    fn cluster(client_status: AllocClientStatus, stopped: bool, replaced: bool) -> (State, Arc<Job>) {
        let (mut state, at) = (State::default(), Timestamp(1));
        apply(&mut state, Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at });
        let job = Arc::new(fixtures::job("a", JobType::Service, 1));
        apply(&mut state, Command::RegisterJob { job: Arc::clone(&job), submission: None, enforce_index: None, evaluation: None, at });
        let job = state.job(&job.key).unwrap().clone();
        apply(&mut state, Command::ApplyPlan { plan: Box::new(fixtures::placing(&job, NodeId(1), 0, 1, 7)) });
        let id = state.allocations().next().unwrap().id;
        let update =
            AllocationUpdate { id, client_status, client_description: "".into(), task_states: Default::default(), health: None, at };
        apply(&mut state, Command::UpdateAllocations { updates: vec![update], evaluations: Vec::new(), at });
        if stopped {
            let desired = AllocDesiredStatus::Stop;
            let stop = Stop { alloc: id, desired, description: "".into(), client_status: None, follow_up_eval: None, preempted_by: None };
            apply(&mut state, Command::ApplyPlan { plan: Box::new(Plan { stops: vec![stop], ..Plan::default() }) });
        }
        if replaced {
            let mut plan = fixtures::placing(&job, NodeId(1), 0, 1, 8);
            plan.placements[0].runs[0].previous = Some(id);
            apply(&mut state, Command::ApplyPlan { plan: Box::new(plan) });
        }
        (state, job)
    }

    #[test]
    fn what_failed_and_has_no_successor_is_placed_by_force() {
        use AllocClientStatus::{Complete, Failed, Lost, Pending, Running, Unknown};
        for (client_status, stopped, replaced, forced) in [
            (Failed, false, false, true),
            (Failed, true, false, false),
            (Failed, false, true, false),
            (Running, false, false, false),
            (Pending, false, false, false),
            (Complete, false, false, false),
            (Lost, false, false, false),
            (Unknown, false, false, false),
        ] {
            let case = format!("{client_status:?} stopped {stopped} replaced {replaced}");
            let (mut state, job) = cluster(client_status, stopped, replaced);
            let before = state.clone();
            let (id, command) = evaluation(&state, &job, false, Timestamp(9));
            apply(&mut state, command);
            assert!(state.allocations().zip(before.allocations()).all(|(after, before)| after == before), "{case}: only looked at");
            let row = state.evaluation(id).unwrap();
            assert_eq!((row.status, row.trigger, row.priority), (EvalStatus::Pending, EvalTrigger::JobRegister, job.priority), "{case}");

            let (id, command) = evaluation(&state, &job, true, Timestamp(9));
            apply(&mut state, command);
            let marked = state.allocations().filter(|row| row.desired_transition.force_reschedule).count();
            assert_eq!(marked, usize::from(forced), "{case}");
            assert!(state.evaluation(id).is_some(), "{case}");
        }
    }
}
