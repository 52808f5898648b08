//! A jobspec, and after a line `=====` the text of a variable file: answered in bounded time (libFuzzer's `-timeout`), and what is read survives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier::jobspec::{VariableFile, VariableSources, parse_hcl, validate};
use pannier_fuzz::assert_job_survives;

fuzz_target!(|text: &str| {
    let (source, variables) = text.split_once("\n=====\n").unwrap_or((text, ""));
    let files = match variables {
        "" => Vec::new(),
        // JSON objects open with a brace, which no line of HCL does.
        json if json.starts_with('{') => vec![VariableFile { name: "v.json".to_owned(), text: json.to_owned() }],
        hcl => vec![VariableFile { name: "v.hcl".to_owned(), text: hcl.to_owned() }],
    };
    match parse_hcl(source, "job.hcl", &VariableSources { files, lenient: true, ..VariableSources::default() }) {
        Ok(parsed) => {
            parsed.locate(&validate(&parsed.job));
            assert_job_survives(&parsed.job);
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            for problem in problems {
                problem.render(true);
            }
        }
    }
});
