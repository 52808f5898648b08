//! Wrong jobspecs and exactly what their authors are told.
//!
//! Each file of `tests/jobspec-errors` is a jobspec with its rendered messages behind a line `=====`. Set
//! `PANNIER_ACCEPT_MESSAGES` to rewrite them, and read the difference.

use std::path::Path;

use crate::jobspec::{VariableSources, parse_hcl, validate};

const DIVIDER: &str = "=====\n";

fn messages(text: &str) -> String {
    let diagnostics = match parse_hcl(text, "job.hcl", &VariableSources::default()) {
        Err(diagnostics) => diagnostics,
        Ok(parsed) => parsed.locate(&validate(&parsed.job)).into_iter().chain(parsed.warnings).collect(),
    };
    diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect()
}

#[test]
fn messages_are_as_written_down() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jobspec-errors");
    let accept = std::env::var_os("PANNIER_ACCEPT_MESSAGES").is_some();
    let mut seen = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read_to_string(&path).unwrap();
        let (jobspec, expected) = content.split_once(DIVIDER).unwrap_or((&content, ""));
        let actual = messages(jobspec);
        assert!(!actual.is_empty(), "{} has nothing wrong with it", path.display());
        if accept {
            std::fs::write(&path, format!("{jobspec}{DIVIDER}{actual}")).unwrap();
        } else {
            assert_eq!(actual, expected, "{}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 60, "only {seen} wrong jobspecs found");
}

#[test]
fn a_diagnostic_is_plain_data() {
    let errors = parse_hcl("job \"x\" {\n  cuont = 1\n}", "a.hcl", &VariableSources::default()).unwrap_err();
    let json = serde_json::to_value(&errors[0]).unwrap();
    assert_eq!(json["severity"], "error");
    assert_eq!(json["position"]["line"], 2);
    assert_eq!(json["position"]["column"], 3);
}
