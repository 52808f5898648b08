//! Jobspecs as people write them: of the kinds that public documentation and blog posts show, none of them written for pannier.

use std::path::{Path, PathBuf};

use crate::jobspec::json::{job_from_slice, job_to_value};
use crate::jobspec::{VariableSources, parse_hcl, validate};

/// What may be said of a good jobspec: that there is nothing here to honour a part of it, or that a part is out of use, and nothing else.
const HONEST: [&str; 6] = [
    "the task waits for a node that has it",
    "pannier cannot honour it yet",
    "runs no gateway",
    "is stored, but pannier does not",
    "is obsolete",
    "has no effect",
];

fn files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jobspecs-wild");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn variables() -> VariableSources {
    let flags = [("image_tag", "1.0"), ("dcs", "[\"dc1\", \"dc2\"]"), ("mem", "300")];
    VariableSources {
        flags: flags.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        lenient: true,
        ..VariableSources::default()
    }
}

#[test]
fn each_is_read_with_honest_warnings_only() {
    let mut complaints = String::new();
    let files = files();
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        match parse_hcl(&text, &name, &variables()) {
            Err(errors) => complaints.extend(errors.iter().map(|error| error.render(false))),
            Ok(parsed) => {
                let judged = parsed.locate(&validate(&parsed.job));
                let dishonest =
                    parsed.warnings.iter().chain(&judged).filter(|problem| !HONEST.iter().any(|text| problem.message.contains(text)));
                complaints.extend(dishonest.map(|problem| problem.render(false)));
                let json = serde_json::to_vec(&job_to_value(&parsed.job)).unwrap();
                assert_eq!(job_from_slice(&json).unwrap().job, parsed.job, "{name}");
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
    assert!(files.len() >= 15, "only {} jobspecs found", files.len());
}
