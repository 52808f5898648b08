use crate::jobspec::{VariableSources, parse_hcl};

/// The first line of each message, with its line and column.
fn explained(text: &str) -> Vec<String> {
    let errors = parse_hcl(text, "j", &VariableSources::default()).unwrap_err();
    let place = |position: &crate::jobspec::diagnostic::Position| format!("{}:{}", position.line, position.column);
    errors.iter().map(|error| format!("{} {}", error.position.as_ref().map_or_else(String::new, place), error.message)).collect()
}

#[test]
fn a_missing_brace_is_where_the_indentation_breaks() {
    let text = "job \"x\" {\n  group \"g\" {\n    task \"t\" {\n      config {\n        a = 1\n    }\n  }\n}\n";
    assert_eq!(explained(text), ["4:14 this `{` is never closed"]);
    let flat = "job \"x\" {\ngroup \"g\" {\ncount = 1\n}\n";
    assert_eq!(explained(flat), ["1:9 this `{` is never closed"]);
}

#[test]
fn a_brace_too_many_is_named_with_the_one_it_repeats() {
    let text = "job \"x\" {\n  group \"g\" {\n    count = 1\n  }\n    task \"t\" {\n    }\n  }\n}\n";
    assert_eq!(explained(text), ["4:3 this `}` closes what began on line 2, and the one on line 7 does so again"]);
    assert_eq!(explained("job \"x\" {\n}\n}\n"), ["3:1 this `}` closes nothing"]);
}

#[test]
fn several_mistakes_are_found_at_once() {
    let text = "job \"x\" {\n  meta {\n    \"a\" = \"b\"\n    \"c-d\"=\"e\"\n    f: \"g\"\n    h = \"i\";\n    j =\n    k = 'l'\n  }\n}\n";
    let lines: Vec<String> = explained(text).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["3", "4", "5", "6", "7", "8"]);
}

#[test]
fn marks_of_templates_are_known() {
    let with = |line: &str| explained(&format!("job \"x\" {{\n  {line}\n}}\n")).remove(0);
    assert_eq!(with("priority = ${n}"), "2:14 `${...}` stands only inside of a text");
    assert_eq!(with("priority = [[ .n ]]"), "2:14 this belongs to a template of Levant or Nomad Pack, not to a jobspec");
    assert_eq!(with("priority = {{ n }}"), "2:14 this belongs to a template of another program, not to a jobspec");
    assert_eq!(with("priority = #{n}"), "2:14 this belongs to a template of another program, not to a jobspec");
    assert_eq!(with("%{ for a in b ~}"), "2:3 `%{...}` stands only inside of a text");
}

#[test]
fn characters_that_look_like_others_are_named() {
    let with = |line: &str| explained(&format!("job \"x\" {{\n  {line}\n}}\n")).remove(0);
    assert_eq!(with("priority =\u{a0}2"), "2:13 there is an invisible character here: U+00A0");
    assert_eq!(with("priority\u{200b} = 2"), "2:11 there is an invisible character here: U+200B");
    assert_eq!(with("type = “batch”"), "2:10 text stands in plain double quotes, and `“` is none");
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let text = "\u{feff}job \"x\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"mock_driver\"\n    }\n  }\n}\n";
    assert!(parse_hcl(text, "j", &VariableSources::default()).is_ok());
}

#[test]
fn mending_any_line_of_anything_is_safe() {
    let pieces =
        ["\"", "{", "}", "[", "=", ":", "'", "“", "\\", "%{", "${", "a", " ", "\n", "1", "<<E", "/*", "\u{a0}", "#", "ö", ";", ","];
    let mut state = 7u64;
    for _ in 0..4_000 {
        let mut text = String::from("job \"x\" {\n");
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
        }
        let _ = parse_hcl(&text, "j", &VariableSources::default());
    }
}

#[test]
fn a_block_in_a_map_is_told_from_a_wrong_map() {
    let text = "job \"x\" {\n  group \"g\" {\n    network = {\n      port \"http\" {\n      }\n    }\n  }\n}\n";
    assert_eq!(explained(text), ["3:5 `network = {` opens a map, and a map holds no blocks"]);
}

#[test]
fn quotes_and_commas_that_are_missing_are_named() {
    let with = |line: &str| explained(&format!("job \"x\" {{\n  {line}\n}}\n")).remove(0);
    assert_eq!(with("type = batch\""), "2:10 the text has no opening quote");
    assert_eq!(with("type = \"batch"), "2:10 the text is not closed on its line");
    assert_eq!(with("datacenters = [\"a\" \"b\"]"), "2:22 elements of a list are divided by commas");
    assert_eq!(with("datacenters = [\"a\""), "2:17 this `[` is never closed");
    assert_eq!(with("priority = 50MHz"), "2:16 a number stands without a unit");
    assert_eq!(
        with("type = \"b\\dc\""),
        "2:12 `\\d` means nothing in a text; there are \\n, \\r, \\t, \\\", \\\\, \\uXXXX and \\UXXXXXXXX"
    );
    assert_eq!(with("/* type = \"batch\""), "2:3 this comment is never closed");
    assert_eq!(with("type = \"a\"\n  type = \"b\""), "3:3 `type` is there twice in this block");
}

/// A text that the parser would read again and again: seconds for less than a thousand bytes, found by fuzzing.
#[test]
fn nested_operands_that_would_be_read_for_seconds_are_refused() {
    let openings = ["{a<=b%", "(", "[", "x[", "\"${", "{a=1+1+{a=", "-(", "(true?[", "f(1+1+("];
    for opening in openings {
        let text = format!("job \"x\" {{\n  meta = {}", format!("1 + 1 + {opening}").repeat(40));
        let problems = explained(&text);
        assert!(
            problems.len() == 1 && problems[0].ends_with("operators and brackets are nested too deeply here"),
            "{opening}: {problems:?}"
        );
    }
    // Depth alone costs nothing.
    for (open, close) in [("{a=", "}"), ("[", "]"), ("(", ")"), ("upper(", ")")] {
        let text = format!("job \"x\" {{\n  meta = {}1{}", open.repeat(40), close.repeat(40));
        assert_eq!(explained(&text), ["1:9 this `{` is never closed"], "{open}");
    }
}
