//! What holds for every job and every text.

use proptest::prelude::*;

use super::sample::Dice;
use crate::jobspec::json::{job_from_slice, job_from_value, job_to_value};
use crate::jobspec::{VariableSources, parse_hcl, validate};
use crate::model::Job;

/// Pieces of HCL that arbitrary bytes would hardly ever form.
const PIECES: [&str; 44] = [
    "job \"x\" {\n",
    "group \"g\" {\n",
    "task \"t\" {\n",
    "}\n",
    "locals {\n",
    "variable \"v\" {\n",
    "dynamic \"task\" {\n",
    "content {\n",
    "for_each = ",
    "labels = ",
    "default = ",
    "count = ",
    "meta = ",
    "config {\n",
    "env {\n",
    "a = ",
    "b = ",
    "\n",
    "1",
    "-",
    "\"x\"",
    "true",
    "null",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    "var.v",
    "local.a",
    "local",
    "${",
    "%{ if true }",
    "%{ endif ~}",
    "\"",
    "<<EOF\n",
    "\nEOF\n",
    "for x in ",
    " : ",
    " ? ",
    "[*].a",
    "range(9)",
];

fn without_kept_stanzas(job: &Job) -> Job {
    let mut job = job.clone();
    job.groups.iter_mut().flat_map(|group| &mut group.tasks).for_each(|task| task.other.clear());
    job
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_and_back_is_the_identity(seed: u64) {
        let drawn = Dice::new(seed).job();
        // Stanzas that are kept as JSON have their defaults filled in the first time; nothing else may change then.
        let job = job_from_value(job_to_value(&drawn)).unwrap().job;
        prop_assert_eq!(without_kept_stanzas(&job), without_kept_stanzas(&drawn));
        let text = serde_json::to_vec(&job_to_value(&job)).unwrap();
        prop_assert_eq!(&job_from_slice(&text).unwrap().job, &job);
        let wrapped = serde_json::json!({ "Job": job_to_value(&job), "EnforceIndex": false });
        prop_assert_eq!(&job_from_value(wrapped).unwrap().job, &job);
    }

    #[test]
    fn every_job_can_be_judged(seed: u64) {
        validate(&Dice::new(seed).job());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = job_from_slice(&bytes);
        render(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_jobspec_makes_it_panic(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60)) {
        render(&pieces.concat());
    }

    #[test]
    fn no_value_of_the_wrong_kind_makes_it_panic(seed: u64, field in "[A-Z][a-zA-Z]{1,15}", value in prop::sample::select(vec!["1", "-1", "\"x\"", "[]", "{}", "1e400", "null", "[[1]]"])) {
        let text = job_to_value(&Dice::new(seed).job()).to_string();
        let replaced = text.replacen(&format!("\"{field}\":null"), &format!("\"{field}\":{value}"), 3);
        let _ = job_from_slice(replaced.as_bytes());
    }
}

fn render(text: &str) {
    match parse_hcl(text, "x", &VariableSources::default()) {
        Ok(parsed) => {
            parsed.locate(&validate(&parsed.job));
        }
        Err(errors) => errors.iter().for_each(|error| {
            error.render(true);
        }),
    }
}

/// Everything that could nest, nested deeper than the parser allows, and just as deep as it does: none may
/// overflow the stack of a thread of the runtime (2 MiB).
#[test]
fn nesting_is_bounded() {
    let nested =
        |open: &str, close: &str, depth: usize| format!("job \"x\" {{\n meta = {}1{}\n}}\n", open.repeat(depth), close.repeat(depth));
    let around = [
        ("[", "]"),
        ("(", ")"),
        ("{a=", "}"),
        ("\"${", "}\""),
        ("upper(", ")"),
        ("!", ""),
        ("-", ""),
        ("true ? ", " : 1"),
        ("[for x in ", " : x]"),
        ("1 + (", ")"),
        ("try(", ")"),
    ];
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            for (open, close) in around {
                for depth in [10, 30, 60, 63, 64, 65, 1000, 20_000] {
                    render(&nested(open, close, depth));
                }
            }
            for depth in [30, 64, 1000] {
                render(&format!("job \"x\" {{\n meta = {}1{}\n}}", "(true ? [-1 + ".repeat(depth), "][0] : 2)".repeat(depth)));
                render(&format!("job \"x\" {{\n{}{}}}\n", "task \"t\" {\nconfig {\n".repeat(depth), "}\n}\n".repeat(depth)));
                render(&format!("job \"x\" {{\n meta = {{ a = \"{}x{}\" }}\n}}", "%{ if true }".repeat(depth), "%{ endif }".repeat(depth)));
                render(&format!("job \"x\" {{\n meta = 1{}\n}}", " + 1".repeat(depth)));
                render(&format!("job \"x\" {{\n meta = a{}\n}}", "[*]".repeat(depth)));
                render(&format!("job \"x\" {{\n meta = [1]{}\n}}", "[*]".repeat(depth)));
            }
            let chain: String = (1..20_000).map(|n| format!(" l{n} = [local.l{}]\n", n - 1)).collect();
            render(&format!("locals {{\n l0 = 1\n{chain}}}\njob \"x\" {{\n}}\n"));
        })
        .unwrap()
        .join()
        .unwrap();
}
