//! A JSON Schema (draft 2020-12) of the job in the API's form.

use serde_json::{Map, Value as Json, json};

use crate::jobspec::decode::JOB;
use crate::jobspec::decode::schema::{Attribute, Child, Finish, Kind, Shape, Stanza};

/// The schema of `{"Job": {...}}`, and of the job by itself.
pub fn json_schema() -> Json {
    let mut definitions = Definitions::default();
    let job = definitions.object(&JOB);
    definitions.map.insert("job".to_owned(), job);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A job, as the HTTP API takes it",
        // Not "any of the two": what is wrong in a wrapped job would be an unknown field of a bare one.
        "if": { "type": "object", "required": ["Job"] },
        "then": { "type": "object", "properties": { "Job": { "$ref": "#/$defs/job" } } },
        "else": { "$ref": "#/$defs/job" },
        "$defs": definitions.map,
    })
}

/// Stanzas by name. One that several others have is there once.
#[derive(Default)]
struct Definitions {
    map: Map<String, Json>,
    names: Vec<(&'static Stanza, String)>,
}

impl Definitions {
    /// A reference to the definition of a stanza, which is made when it is the first.
    fn reference(&mut self, child: &Child) -> Json {
        let known = self.names.iter().find(|(stanza, _)| std::ptr::eq(*stanza, child.stanza)).map(|(_, name)| name.clone());
        let name = known.unwrap_or_else(|| {
            let taken = self.names.iter().filter(|(_, name)| name.split('-').next() == Some(child.name)).count();
            let name = if taken == 0 { child.name.to_owned() } else { format!("{}-{}", child.name, taken + 1) };
            self.names.push((child.stanza, name.clone()));
            let object = self.object(child.stanza);
            self.map.insert(name.clone(), object);
            name
        });
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    fn object(&mut self, stanza: &'static Stanza) -> Json {
        let mut properties = Map::new();
        for attribute in stanza.attributes {
            properties.insert(attribute.field(), nullable(kind(attribute)));
        }
        for child in stanza.children.iter().filter(|child| child.refused.is_none()) {
            let reference = self.reference(child);
            let list = json!({ "type": ["array", "null"], "items": reference });
            match (stanza.finish, child.shape) {
                // In the API, ports are two lists, and a job has no tasks of its own.
                (Finish::Network, Shape::Labelled(_)) => {
                    properties.insert("ReservedPorts".to_owned(), list.clone());
                    properties.insert("DynamicPorts".to_owned(), list);
                }
                (Finish::Job, Shape::Labelled(_)) if child.field == "Tasks" => {}
                (_, Shape::One) => {
                    properties.insert(child.field.to_owned(), json!({ "anyOf": [reference, { "type": "null" }] }));
                }
                (_, Shape::Many | Shape::Labelled(_)) => {
                    properties.insert(child.field.to_owned(), list);
                }
                (_, Shape::Keyed) => {
                    properties.insert(child.field.to_owned(), json!({ "type": ["object", "null"], "additionalProperties": reference }));
                }
            }
            if let Shape::Labelled(field) = child.shape
                && let Some(named) = self.definition_of(child.stanza).and_then(|definition| definition.get_mut("properties"))
                && let Some(named) = named.as_object_mut()
            {
                named.entry(field).or_insert_with(|| json!({ "type": ["string", "null"] }));
            }
        }
        json!({ "type": "object", "properties": properties })
    }

    fn definition_of(&mut self, stanza: &'static Stanza) -> Option<&mut Json> {
        let (_, name) = self.names.iter().find(|(known, _)| std::ptr::eq(*known, stanza))?;
        self.map.get_mut(name)
    }
}

fn kind(attribute: &Attribute) -> Map<String, Json> {
    let schema = match attribute.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int => json!({ "type": "integer" }),
        Kind::Float => json!({ "type": "number" }),
        Kind::Duration => json!({ "type": ["integer", "string"], "description": "nanoseconds, or a duration such as 30s" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Ints => json!({ "type": "array", "items": { "type": "integer" } }),
        Kind::TextMap => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::TextsMap => json!({ "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string" } } }),
        Kind::Config => json!({ "type": "object" }),
        Kind::OneOf(names) => json!({ "type": "string", "enum": names }),
    };
    match schema {
        Json::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// Nomad writes null for whatever is not there, and an empty text for a choice that nobody made.
fn nullable(mut schema: Map<String, Json>) -> Json {
    if let Some(Json::Array(names)) = schema.get_mut("enum") {
        names.extend([Json::from(""), Json::Null]);
    }
    let types = match schema.remove("type") {
        Some(Json::Array(types)) => types,
        Some(single) => vec![single],
        None => Vec::new(),
    };
    schema.insert("type".to_owned(), types.into_iter().chain([Json::from("null")]).collect());
    Json::Object(schema)
}
