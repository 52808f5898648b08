//! Makes the document of the list of routes: it cannot name a route that is not there, nor leave one out.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::documented::Shape;
use super::parameters::{self, Parameter};
use crate::api::routes::{ROUTES, Route, Verb};

fn describe(routes: &[Route]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in routes {
        let path = paths.entry(route.template).or_insert_with(|| json!({}));
        for method in methods(route.verb) {
            path[*method] = operation(route, method, &mut generator);
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.values_mut().for_each(leave_out_defaults);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "pannier",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "HTTP API of the cluster, in the shapes of Nomad's. Errors are plain text. Every endpoint also takes `region` and `pretty`.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "apiKey", "in": "header", "name": "X-Nomad-Token" } },
        },
        // On loopback no token is needed.
        "security": [{}, { "token": [] }],
    })
}

fn methods(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Get => &["get"],
        Verb::Put => &["put", "post"],
        Verb::Delete => &["delete"],
    }
}

fn operation(route: &Route, method: &str, generator: &mut SchemaGenerator) -> Value {
    let variables = route.template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> =
        variables.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })).collect();
    all.extend(parameters::named(route.documented.parameters).into_iter().map(Parameter::describe));
    let mut done = json!({ "description": "Done" });
    if let Some(answer) = route.documented.answer {
        done["content"] = content(answer, generator);
    }
    let mut operation = json!({
        "operationId": operation_id(route.template, method),
        "summary": route.summary,
        "parameters": all,
        "responses": {
            "200": done,
            "default": { "description": "A problem, as text", "content": { "text/plain": { "schema": { "type": "string" } } } },
        },
    });
    if let Some(body) = route.documented.body {
        operation["requestBody"] = json!({ "content": content(body, generator) });
    }
    operation
}

fn content(shape: Shape, generator: &mut SchemaGenerator) -> Value {
    json!({ "application/json": { "schema": (shape.schema)(generator) } })
}

/// Every field has one, and it says nothing: 0, false, empty.
fn leave_out_defaults(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            property.remove("default");
        }
    }
}

/// `get_job_id_plan`: unique, because a template is.
fn operation_id(template: &str, method: &str) -> String {
    let words = template.trim_start_matches("/v1").split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// `PANNIER_BLESS=1` writes it anew.
#[test]
fn the_document_is_that_of_the_routes_and_types() {
    let made = describe(ROUTES);
    if std::env::var_os("PANNIER_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/openapi/document.json");
        std::fs::write(path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
        return;
    }
    let kept: Value = serde_json::from_str(super::DOCUMENT).unwrap();
    let differs = || {
        let schemas = |document: &Value| document["components"]["schemas"].as_object().unwrap().clone();
        let (kept, made) = (schemas(&kept), schemas(&made));
        made.keys().chain(kept.keys()).find(|name| kept.get(*name) != made.get(*name)).cloned()
    };
    assert!(
        kept == made,
        "src/api/openapi/document.json is out of date (PANNIER_BLESS=1 writes it); the first schema that differs: {:?}",
        differs()
    );
}

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
    let plan = &document["paths"]["/v1/job/{id}/plan"]["put"];
    assert_eq!((&plan["parameters"][0]["name"], &plan["parameters"][1]["name"]), (&json!("id"), &json!("namespace")));
    let body = plan["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
    let schema = document.pointer(body.trim_start_matches('#')).unwrap();
    assert!(schema["properties"]["Job"].is_object(), "{schema}");
}
