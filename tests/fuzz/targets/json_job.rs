//! A job in the API's JSON: whatever is read is printed, sent and stored without a loss.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier::jobspec::{json, validate};
use pannier_fuzz::assert_job_survives;

fuzz_target!(|bytes: &[u8]| {
    match json::job_from_slice(bytes) {
        Ok(parsed) => {
            parsed.locate(&validate(&parsed.job));
            assert_job_survives(&parsed.job);
            // The API reads a body as JSON first, which looks at what no field of a job names, too.
            if let Ok(value) = serde_json::from_slice(bytes) {
                assert_eq!(json::job_from_value(value).expect("a job is a job in both ways").job, parsed.job);
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            for problem in problems {
                problem.render(true);
            }
        }
    }
});
