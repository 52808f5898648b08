//! From evaluated HCL to the API's JSON, by the stanzas' tables. `json` takes it from there, for both notations alike.
//!
//! Nothing stops at the first error: what is wrong is noted with its place and left out.

mod attribute_value;
mod connect;
mod finish;
mod kept;
mod obsolete;
pub mod schema;
mod services;
mod stanzas;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::ptr;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use serde_json::{Map, Value as Json};

use self::connect::CONNECT;
use self::schema::{Child, Shape, Stanza};
use super::diagnostic::{Report, Severity, Source};
use super::drivers;
use super::hcl::dynamic;
use super::hcl::variables::to_diagnostic;
use super::hcl::{EvalError, Scope};
use super::suggest::{did_you_mean, nearest, usual_name};
use super::validate::Problem;

pub use self::stanzas::JOB;

/// Where the parts of a job are in its source, by path (`job.group[web].task[a].driver`).
pub type Spans = BTreeMap<String, Range<usize>>;

/// Work accounted for one attribute that is kept, see `Meter`.
const COST_PER_ATTRIBUTE: usize = 20;

/// Decodes one jobspec's blocks.
pub struct Decoder<'a> {
    source: &'a Source<'a>,
    pub report: Report,
    pub spans: Spans,
    /// What is odd and no error: attributes that mean nothing any more, names that lack their quotes.
    pub odd: Vec<Problem>,
}

/// A block, written out or made by a `dynamic` one.
struct Instance<'a> {
    name: &'a str,
    labels: Vec<String>,
    body: &'a Body,
    span: Option<Range<usize>>,
}

impl<'a> Decoder<'a> {
    pub fn new(source: &'a Source<'a>) -> Self {
        Self { source, report: Report::default(), spans: Spans::new(), odd: Vec::new() }
    }

    pub fn error(&mut self, error: EvalError) {
        let source = self.source;
        self.report.add(|| to_diagnostic(source, error));
    }

    fn complain(&mut self, code: &'static str, span: Option<Range<usize>>, message: String, help: Option<String>) {
        let source = self.source;
        self.report.add(|| {
            let mut diagnostic = source.diagnostic(Severity::Error, code, span, message);
            diagnostic.help = help;
            diagnostic
        });
    }

    /// The `job` block as the API's JSON.
    pub fn job(&mut self, block: &Block, scope: &Scope<'_>) -> Map<String, Json> {
        let span = block.ident.span();
        if let Some(span) = &span {
            self.spans.insert("job".to_owned(), span.clone());
        }
        let mut job = Map::new();
        if let [label] = block.labels.as_slice() {
            job.insert("ID".to_owned(), label.as_str().into());
        } else {
            let message = format!("`job` has one label, its id, not {}", block.labels.len());
            self.complain("bad-label", span.clone(), message, Some("write `job \"name\" { ... }`".to_owned()));
        }
        let decoded = self.stanza(&JOB, "job", "job", &block.body, scope, span);
        job.extend(decoded);
        job
    }

    fn stanza(
        &mut self,
        stanza: &'static Stanza,
        name: &str,
        path: &str,
        body: &Body,
        scope: &Scope<'_>,
        span: Option<Range<usize>>,
    ) -> Map<String, Json> {
        let mut object = Map::new();
        self.structures(stanza, name, path, body, scope, &mut object);
        for required in stanza.required {
            let is_there = stanza.attribute(required).is_some_and(|attribute| object.contains_key(&attribute.field()));
            let was_wrong = body.has_attribute(required);
            if !is_there && !was_wrong {
                self.complain("missing-attribute", span.clone(), format!("`{name}` needs `{required}`"), None);
            }
        }
        if let Err((place, message)) = finish::finish(stanza.finish, body, scope, &mut object) {
            self.complain("bad-stanza", place.or(span), message, None);
        }
        object
    }

    fn structures(
        &mut self,
        stanza: &'static Stanza,
        name: &str,
        path: &str,
        body: &Body,
        scope: &Scope<'_>,
        object: &mut Map<String, Json>,
    ) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => self.attribute(stanza, name, path, attribute, scope, object),
                Structure::Block(block) if block.ident.as_str() == "dynamic" => self.dynamic(stanza, name, path, block, scope, object),
                Structure::Block(block) => {
                    let labels = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
                    let instance = Instance { name: block.ident.as_str(), labels, body: &block.body, span: block.ident.span() };
                    self.block(stanza, name, path, &instance, scope, object);
                }
            }
        }
    }

    fn dynamic(
        &mut self,
        stanza: &'static Stanza,
        name: &str,
        path: &str,
        block: &Block,
        scope: &Scope<'_>,
        object: &mut Map<String, Json>,
    ) {
        let expansion = match dynamic::expand(block, scope) {
            Ok(expansion) => expansion,
            Err(error) => return self.error(*error),
        };
        for generated in expansion.blocks {
            let mut inner = Scope::child(scope);
            inner.set(&expansion.iterator_name, generated.iterator);
            let instance = Instance { name: expansion.name, labels: generated.labels, body: expansion.content, span: block.ident.span() };
            self.block(stanza, name, path, &instance, &inner, object);
            if self.report.is_full() {
                // The same mistake once per element says nothing new.
                return;
            }
        }
    }

    fn attribute(
        &mut self,
        stanza: &'static Stanza,
        name: &str,
        path: &str,
        attribute: &Attribute,
        scope: &Scope<'_>,
        object: &mut Map<String, Json>,
    ) {
        let key = attribute.key.as_str();
        let span = attribute.key.span().or_else(|| attribute.value.span());
        let Some(known) = stanza.attribute(key) else {
            if finish::takes(stanza.finish, key) {
                return;
            }
            if stanza.child(key).is_some() {
                let help = Some(format!("write `{key} {{ ... }}`, without `=`"));
                return self.complain("not-an-attribute", span, format!("`{key}` is a block, not an attribute"), help);
            }
            let message = format!("`{name}` has no attribute `{key}`");
            return self.complain("unknown-attribute", span, message, suggestion(key, stanza));
        };
        if let Some(span) = attribute.value.span().or(span) {
            self.spans.insert(format!("{path}.{key}"), span);
        }
        // What is decoded takes more room than what it was decoded from.
        if let Err(error) = scope.spend(COST_PER_ATTRIBUTE, attribute.value.span()) {
            return self.error(*error);
        }
        self.note_bare_name(&format!("{path}.{key}"), &attribute.value, scope);
        match attribute_value::decode(known.kind, key, &attribute.value, scope) {
            // Null is the same as not written.
            Ok(Json::Null) => {}
            Ok(json) => {
                if let Some(reason) = obsolete::attribute(name, key) {
                    self.odd.push(Problem::warning(format!("{path}.{key}"), reason));
                }
                object.insert(known.field(), json);
            }
            Err(error) => self.error(*error),
        }
    }

    fn block(
        &mut self,
        stanza: &'static Stanza,
        name: &str,
        path: &str,
        block: &Instance<'_>,
        scope: &Scope<'_>,
        object: &mut Map<String, Json>,
    ) {
        if let Some(child) = stanza.child(block.name) {
            return self.child(child, path, block, scope, object);
        }
        let Some(known) = stanza.attribute(block.name) else {
            let message = format!("`{name}` has no block `{}`", block.name);
            return self.complain("unknown-block", block.span.clone(), message, suggestion(block.name, stanza));
        };
        if !known.kind.is_map() {
            let help = Some(format!("write `{} = ...`", block.name));
            let message = format!("`{}` is an attribute, not a block", block.name);
            return self.complain("not-a-block", block.span.clone(), message, help);
        }
        if object.contains_key(&known.field()) {
            return self.complain("duplicate-block", block.span.clone(), format!("`{}` is there twice", block.name), None);
        }
        if let Some(span) = &block.span {
            self.spans.insert(format!("{path}.{}", block.name), span.clone());
        }
        let map = if matches!(known.kind, schema::Kind::Config) {
            for attribute in block.body.attributes() {
                if let Some(span) = attribute.key.span() {
                    self.spans.insert(format!("{path}.{}.{}", block.name, attribute.key.as_str()), span);
                }
            }
            for inner in block.body.blocks() {
                if let Some(span) = inner.ident.span() {
                    self.spans.insert(format!("{path}.{}.{}", block.name, inner.ident.as_str()), span);
                }
            }
            for attribute in block.body.attributes() {
                self.note_bare_name(&format!("{path}.{}.{}", block.name, attribute.key.as_str()), &attribute.value, scope);
            }
            self.open_body(block.body, scope)
        } else {
            self.map_body(known.kind, block, path, scope)
        };
        object.insert(known.field(), Json::Object(map));
    }

    /// `driver = docker`: a name without quotes is taken for a reference to the node, as `NOMAD_PORT_http` is one. Mostly it is none.
    fn note_bare_name(&mut self, path: &str, value: &Expression, scope: &Scope<'_>) {
        let Some(name) = value.as_variable().map(hcl_edit::Ident::as_str) else { return };
        let is_of_the_node = name.chars().any(|c| c.is_ascii_uppercase()) || ["env", "attr", "meta", "node", "device"].contains(&name);
        if scope.get(name).is_none() && !is_of_the_node {
            let message = format!("`{name}` without quotes means what the node knows by this name");
            self.odd.push(Problem::warning(path, message).with_help(Some(format!("write {name:?} for the text"))));
        }
    }

    /// A block such as `env` that is a map of its attributes.
    fn map_body(&mut self, kind: schema::Kind, block: &Instance<'_>, path: &str, scope: &Scope<'_>) -> Map<String, Json> {
        let mut map = Map::new();
        for structure in block.body {
            match structure {
                Structure::Attribute(attribute) => {
                    let key = attribute.key.as_str();
                    if let Some(span) = attribute.value.span() {
                        self.spans.insert(format!("{path}.{}.{key}", block.name), span);
                    }
                    if let Err(error) = scope.spend(COST_PER_ATTRIBUTE, attribute.value.span()) {
                        self.error(*error);
                        break;
                    }
                    self.note_bare_name(&format!("{path}.{}.{key}", block.name), &attribute.value, scope);
                    match attribute_value::map_element(kind, key, &attribute.value, scope) {
                        Ok(json) => {
                            map.insert(key.to_owned(), json);
                        }
                        Err(error) => self.error(*error),
                    }
                }
                Structure::Block(inner) => {
                    let message = format!("`{}` has only `name = value`, no blocks", block.name);
                    self.complain("unknown-block", inner.ident.span(), message, None);
                }
            }
        }
        map
    }

    /// A body whose keys are not ours to know. Blocks become lists, their labels maps around them.
    fn open_body(&mut self, body: &Body, scope: &Scope<'_>) -> Map<String, Json> {
        let mut map = Map::new();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => match attribute_value::open(&attribute.value, scope) {
                    Ok(value) => {
                        map.insert(attribute.key.as_str().to_owned(), value);
                    }
                    Err(error) => self.error(*error),
                },
                Structure::Block(block) if block.ident.as_str() == "dynamic" => match dynamic::expand(block, scope) {
                    Ok(expansion) => {
                        for generated in expansion.blocks {
                            let mut inner = Scope::child(scope);
                            inner.set(&expansion.iterator_name, generated.iterator);
                            let content = self.open_body(expansion.content, &inner);
                            append_open(&mut map, expansion.name, &generated.labels, content);
                        }
                    }
                    Err(error) => self.error(*error),
                },
                Structure::Block(block) => {
                    let labels: Vec<String> = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
                    let content = self.open_body(&block.body, scope);
                    append_open(&mut map, block.ident.as_str(), &labels, content);
                }
            }
        }
        map
    }

    fn child(&mut self, child: &'static Child, path: &str, block: &Instance<'_>, scope: &Scope<'_>, object: &mut Map<String, Json>) {
        if let Some(reason) = child.refused {
            let message = format!("pannier does not support `{}`", child.name);
            return self.complain("unsupported", block.span.clone(), message, Some(reason.to_owned()));
        }
        let wanted = usize::from(matches!(child.shape, Shape::Labelled(_) | Shape::Keyed));
        if block.labels.len() != wanted {
            let (message, help) = if ptr::eq(child.stanza, &kept::TASK_SCALING) {
                let help = "write `scaling \"cpu\" { ... }` or `scaling \"mem\" { ... }`; what scales `count` belongs into the group";
                ("`scaling` of a task has one label: what is scaled".to_owned(), help.to_owned())
            } else if wanted == 1 {
                (format!("`{}` has one label, its name", child.name), format!("write `{} \"name\" {{ ... }}`", child.name))
            } else {
                (format!("`{}` has no label", child.name), format!("write `{} {{ ... }}`", child.name))
            };
            return self.complain("bad-label", block.span.clone(), message, Some(help));
        }
        let label = block.labels.first().map(String::as_str);
        let place = match (child.shape, label) {
            (_, Some(label)) => format!("{path}.{}[{label}]", child.name),
            (Shape::Many, None) => {
                let index = object.get(child.field).and_then(Json::as_array).map_or(0, Vec::len);
                format!("{path}.{}[{index}]", child.name)
            }
            (_, None) => format!("{path}.{}", child.name),
        };
        if let Some(label) = label
            && self.spans.contains_key(&place)
        {
            return self.complain(
                "duplicate-block",
                block.span.clone(),
                format!("there are two `{}` blocks named {label:?}", child.name),
                None,
            );
        }
        if let Some(span) = &block.span {
            self.spans.insert(place.clone(), span.clone());
        }
        let mut decoded = self.stanza(child.stanza, child.name, &place, block.body, scope, block.span.clone());
        match child.shape {
            Shape::One => {
                if object.contains_key(child.field) {
                    return self.complain("duplicate-block", block.span.clone(), format!("`{}` is there twice", child.name), None);
                }
                object.insert(child.field.to_owned(), Json::Object(decoded));
            }
            Shape::Many => push(object, child.field, decoded),
            Shape::Labelled(field) => {
                decoded.insert(field.to_owned(), label.unwrap_or_default().into());
                push(object, child.field, decoded);
            }
            Shape::Keyed => {
                let label = label.unwrap_or_default();
                decoded.insert("Name".to_owned(), label.into());
                let map = object.entry(child.field).or_insert_with(|| Json::Object(Map::new()));
                if let Some(map) = map.as_object_mut() {
                    map.insert(label.to_owned(), Json::Object(decoded));
                }
            }
        }
    }
}

/// What was meant by a name that `stanza` does not know: another spelling, or another place for it.
fn suggestion(name: &str, stanza: &'static Stanza) -> Option<String> {
    if let Some(usual) = usual_name(name, stanza.names()) {
        return Some(format!("it is called `{usual}`"));
    }
    if drivers::has_key(name) && ptr::eq(stanza, &stanzas::TASK) {
        return Some(format!("`{name}` belongs into `config`"));
    }
    let mut homes = Vec::new();
    find_homes(name, &JOB, "job", &mut homes);
    if !homes.is_empty() && homes.len() <= 4 {
        return Some(format!("`{name}` belongs into {}", homes.join(" or ")));
    }
    did_you_mean(name, stanza.names()).or_else(|| {
        let mut everywhere = BTreeSet::new();
        collect_names(&JOB, &mut everywhere);
        let meant = nearest(name, everywhere)?;
        let mut homes = Vec::new();
        find_homes(meant, &JOB, "job", &mut homes);
        (homes.len() <= 4).then(|| format!("did you mean `{meant}`? It belongs into {}", homes.join(" or ")))
    })
}

/// Every name of a stanza and of those below it.
fn collect_names(stanza: &'static Stanza, names: &mut BTreeSet<&'static str>) {
    names.extend(stanza.names());
    for child in stanza.children.iter().filter(|child| child.refused.is_none() && !ptr::eq(child.stanza, &CONNECT)) {
        collect_names(child.stanza, names);
    }
}

/// Stanzas that know `name`, without those of the service mesh: hardly anybody means them.
fn find_homes(name: &str, stanza: &'static Stanza, called: &str, homes: &mut Vec<String>) {
    if stanza.attribute(name).is_some() || stanza.child(name).is_some() {
        let home = format!("`{called}`");
        if !homes.contains(&home) {
            homes.push(home);
        }
    }
    for child in stanza.children.iter().filter(|child| child.refused.is_none() && !ptr::eq(child.stanza, &CONNECT)) {
        find_homes(name, child.stanza, child.name, homes);
    }
}

fn push(object: &mut Map<String, Json>, field: &str, item: Map<String, Json>) {
    let list = object.entry(field).or_insert_with(|| Json::Array(Vec::new()));
    if let Some(list) = list.as_array_mut() {
        list.push(Json::Object(item));
    }
}

fn append_open(map: &mut Map<String, Json>, name: &str, labels: &[String], content: Map<String, Json>) {
    let mut value = Json::Object(content);
    for label in labels.iter().rev() {
        value = Json::Object(Map::from_iter([(label.clone(), Json::Array(vec![value]))]));
    }
    match map.entry(name).or_insert_with(|| Json::Array(Vec::new())) {
        Json::Array(list) => list.push(value),
        other => *other = Json::Array(vec![other.take(), value]),
    }
}
