//! What several targets assert.

use std::sync::Arc;

use pannier::codec;
use pannier::jobspec::{Problem, json, validate};
use pannier::model::Job;
use pannier::state::command::{Command, Request};
use pannier::util::clock::Timestamp;

/// A job is the same after the API printed it and after the log kept it.
pub fn assert_job_survives(job: &Job) {
    let printed = serde_json::to_vec(&json::job_to_value(job)).expect("a job's JSON has texts as keys");
    match json::job_from_slice(&printed) {
        Ok(again) => assert_eq!(again.job, *job),
        // Nested so deep that it cannot be read again, it must not be accepted either.
        Err(_) if validate(job).iter().any(Problem::is_error) => return,
        Err(problems) => {
            let rendered: Vec<String> = problems.iter().map(|problem| problem.render(false)).collect();
            panic!("what was printed is refused:\n{}\n{}", rendered.join("\n"), String::from_utf8_lossy(&printed));
        }
    }

    let request = Request { id: 1, command: register(job.clone()) };
    let kept = codec::encode(&request).expect("a job that was read can be kept");
    assert_eq!(codec::decode::<Request>(&kept).expect("what was kept can be read"), request);
}

/// The command that brings `job` into the state.
pub fn register(job: Job) -> Command {
    Command::RegisterJob { job: Arc::new(job), submission: None, enforce_index: None, evaluation: None, at: Timestamp(1) }
}
