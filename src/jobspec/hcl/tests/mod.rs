//! Expressions against the results HCL has for them, checked by hand.

mod expressions;
mod functions;

use hcl_edit::parser;

use super::eval::evaluate;
use super::{Meter, Scope, Value};

/// The value of an expression as JSON, or the message of its error.
fn run(expression: &str) -> String {
    let parsed = parser::parse_body(&format!("x = {expression}\n")).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let meter = Meter::default();
    let root = Scope::root(None, &meter);
    let mut scope = Scope::child(&root);
    let json = serde_json::json!({
        "list": ["a", "b", "c"], "map": {"k": "v", "n": 3}, "rows": [{"id": 1, "tags": ["x"]}, {"id": 2, "tags": ["y", "z"]}], "none": null
    });
    scope.set("var", Value::from_json(&json).unwrap());
    match evaluate(&parsed.get_attribute("x").unwrap().value, &scope) {
        Ok(value) => value.to_json().to_string(),
        Err(error) => format!("error: {}", error.message),
    }
}

fn check(table: &[(&str, &str)]) {
    for (expression, expected) in table {
        assert_eq!(run(expression), *expected, "{expression}");
    }
}
