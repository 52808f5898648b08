//! `/v1/openapi.json`, made of the list of routes: it cannot name a route that is not there, nor leave one out.

use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::routes::{ROUTES, Route, Verb};

pub async fn document(call: Call) -> Answer {
    call.plain(&describe(ROUTES))
}

fn describe(routes: &[Route]) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let path = paths.entry(route.template).or_insert_with(|| json!({}));
        for method in methods(route.verb) {
            path[*method] = operation(route, method);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "pannier",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "HTTP API of the cluster, in the shapes of Nomad's. Errors are plain text.",
        },
        "paths": paths,
    })
}

fn methods(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Get => &["get"],
        Verb::Put => &["put", "post"],
        Verb::Delete => &["delete"],
    }
}

fn operation(route: &Route, method: &str) -> Value {
    let variables = route.template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> =
        variables.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })).collect();
    json!({
        "operationId": operation_id(route.template, method),
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done" },
            "default": { "description": "A problem, as text", "content": { "text/plain": { "schema": { "type": "string" } } } },
        },
    })
}

/// `get_job_id_plan`: unique, because a template is.
fn operation_id(template: &str, method: &str) -> String {
    let words = template.trim_start_matches("/v1").split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_once() {
        let document = describe(ROUTES);
        let mut ids = BTreeSet::new();
        for route in ROUTES {
            for method in methods(route.verb) {
                let operation = &document["paths"][route.template][*method];
                assert_eq!(operation["summary"], route.summary);
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{} {method}", route.template);
            }
        }
        assert_eq!(document["paths"]["/v1/job/{id}/plan"]["put"]["parameters"][0]["name"], "id");
    }
}
