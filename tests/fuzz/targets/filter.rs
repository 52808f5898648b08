//! A filter expression, and after a NUL the JSON object it is applied to (else a node as the API shows it).
#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier::api::filter::{Filter, FilterError};
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let (expression, object) = match text.split_once('\0') {
        Some((expression, object)) => (expression, serde_json::from_str(object).unwrap_or_else(|_| node())),
        None => (text, node()),
    };
    let filter = match Filter::parse(expression) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let result = filter.matches(&object);
    filter.mentions("Attributes");
    match Filter::parse(&format!("not ({expression})")) {
        Ok(opposite) => assert_eq!(opposite.matches(&object), result.map(|passes| !passes)),
        Err(error) => assert!(matches!(error, FilterError::TooDeep { .. } | FilterError::TooLong), "{error}"),
    }
});

fn node() -> Value {
    json!({
        "ID": "f7", "Status": "ready", "Drain": false, "Priority": 50, "ModifyIndex": u64::MAX, "Score": 0.5,
        "Attributes": {"cpu.arch": "amd64", "kernel": "linux"}, "Meta": null, "Datacenters": ["dc1", "dc2"],
        "Resources": {"Memory": {"MB": 4096}}, "Tags": ["traefik.enable=true"], "Description": "",
    })
}
