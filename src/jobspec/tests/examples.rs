//! The jobspecs of this repository.

use std::path::Path;

use crate::jobspec::json::{job_from_slice, job_to_value};
use crate::jobspec::{Problem, VariableSources, parse_hcl, validate};

#[test]
fn every_example_is_a_valid_job_and_survives_json() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobspecs");
    let mut seen = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".nomad.hcl") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let parsed = parse_hcl(&text, &name, &VariableSources::default())
            .unwrap_or_else(|errors| panic!("{}", errors.iter().map(|error| error.render(false)).collect::<String>()));
        assert_eq!(parsed.warnings, [], "{name}");
        let errors: Vec<_> = validate(&parsed.job).into_iter().filter(Problem::is_error).collect();
        assert_eq!(errors, [], "{name}");
        assert_eq!(name, format!("{}.nomad.hcl", parsed.job.key.id));
        let json = serde_json::to_vec(&job_to_value(&parsed.job)).unwrap();
        assert_eq!(job_from_slice(&json).unwrap().job, parsed.job, "{name}");
        seen += 1;
    }
    assert!(seen >= 20, "only {seen} examples found");
}
