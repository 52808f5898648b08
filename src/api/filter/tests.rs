use proptest::prelude::*;
use serde_json::json;

use super::*;

fn node() -> Value {
    json!({
        "ID": "f7", "Status": "ready", "Drain": false, "Priority": 50, "ModifyIndex": u64::MAX, "Score": 0.5,
        "Attributes": {"cpu.arch": "amd64", "kernel": "linux"}, "Meta": null, "Datacenters": ["dc1", "dc2"],
        "Resources": {"Memory": {"MB": 4096}}, "Tags": ["traefik.enable=true"], "Description": "",
    })
}

#[test]
fn expressions_decide_as_go_bexpr_does() {
    for (text, expected) in [
        (r#"Status == "ready""#, true),
        ("Status == ready", true),
        (r#"Status != "ready""#, false),
        ("Priority == 50", true),
        (r#"Priority == "51""#, false),
        ("ModifyIndex == 18446744073709551615", true),
        ("ModifyIndex == 18446744073709551614", false),
        ("Score == 0.5", true),
        ("Drain == false", true),
        (r#"Attributes["cpu.arch"] == "amd64""#, true),
        (r#"Attributes.kernel == linux"#, true),
        (r#"Attributes["none"] == """#, true),
        (r#""kernel" in Attributes"#, true),
        (r#""dc2" in Datacenters"#, true),
        (r#"dc3 in Datacenters"#, false),
        (r#""dc3" not in Datacenters"#, true),
        (r#"Tags contains "traefik.enable=true""#, true),
        (r#"Tags not contains "x""#, true),
        (r#"Status contains "ead""#, true),
        (r#"ID matches "^f[0-9]$""#, true),
        (r#"ID matches `^\w\d$`"#, true),
        (r#"ID not matches "^g""#, true),
        ("Meta is empty", true),
        ("Datacenters is not empty", true),
        ("Description is empty", true),
        (r#""/Resources/Memory/MB" == 4096"#, true),
        ("Resources.Memory.MB == 4096", true),
        // `and` binds stronger than `or`, `not` strongest.
        ("Drain == true and Priority == 50 or Status == ready", true),
        ("Drain == true and (Priority == 50 or Status == ready)", false),
        ("not Drain == true and Status == ready", true),
        ("not (Drain == true or Status == ready)", false),
        ("not not Status == ready", true),
    ] {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.matches(&node()), Ok(expected), "{text}");
    }
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (text, message) in [
        ("", "column 1: expected a selector or a value"),
        ("Status", "column 7: expected an operator (==, !=, in, contains, matches, is empty)"),
        ("Status ==", "column 10: expected a selector or a value"),
        ("(Status == x", "column 13: expected \")\""),
        ("Status == \"x", "column 11: text without a closing quote"),
        ("Status = x", "column 8: unexpected character '='"),
        ("Status == x y", "column 13: expected \"and\", \"or\" or the end"),
        ("Status is full", "column 11: expected \"empty\""),
    ] {
        assert_eq!(Filter::parse(text).unwrap_err().to_string(), message, "{text}");
    }
    assert!(matches!(Filter::parse("ID matches \"(\""), Err(FilterError::Regex(_))));
    assert!(matches!(Filter::parse("ID matches \"(a{1000}){1000}\""), Err(FilterError::Regex(_))));
}

#[test]
fn what_does_not_fit_the_object_is_refused() {
    for text in
        ["Statsu == x", "Status.x == y", "Priority is empty", "Priority contains 5", "Drain == 7", "Priority == high", "Datacenters == dc1"]
    {
        assert!(Filter::parse(text).unwrap().matches(&node()).is_err(), "{text}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = |levels: usize| format!("{}Status == x{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Filter::parse(&deep(MAX_DEPTH)).is_ok());
    assert!(matches!(Filter::parse(&deep(MAX_DEPTH + 1)), Err(FilterError::TooDeep { .. })));
    assert!(matches!(Filter::parse(&"not ".repeat(MAX_DEPTH + 2)), Err(FilterError::TooDeep { .. })));
    assert_eq!(Filter::parse(&"x".repeat(MAX_LENGTH + 1)).unwrap_err(), FilterError::TooLong);
}

#[test]
fn knows_the_fields_it_looks_at() {
    let filter = Filter::parse("not (Job.Type == service or Status == ready)").unwrap();
    assert!(filter.mentions("Job") && filter.mentions("Status") && !filter.mentions("Type"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        if let Ok(filter) = Filter::parse(&text) {
            let _ = filter.matches(&node());
        }
    }

    #[test]
    fn no_sequence_of_tokens_makes_it_panic(
        words in proptest::collection::vec(
            prop::sample::select(vec!["(", ")", "not", "and", "or", "in", "is", "empty", "==", "!=", "[", "]", ".", "\"x\"", "Status", "Meta", "matches", "contains", "7"]),
            0..30,
        ),
    ) {
        if let Ok(filter) = Filter::parse(&words.join(" ")) {
            let _ = filter.matches(&node());
        }
    }
}
