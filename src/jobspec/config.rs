//! HCL that is not a jobspec: attributes and blocks as a JSON tree, for the agent's configuration.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::structure::{Body, Structure};
use serde_json::{Map, Value};

use super::diagnostic::{Diagnostic, Source};
use super::hcl::variables::to_diagnostic;
use super::hcl::{EvalError, EvalResult, Meter, Scope, eval};
use super::syntax;

/// Attributes under their names; a block under its name, then under each of its labels. A block that stands there already is an error.
pub fn config_from_hcl(text: &str, file: &str) -> Result<Value, Vec<Diagnostic>> {
    let source = Source::new(file, text);
    let body = syntax::parse(&source)?;
    let meter = Meter::default();
    let scope = Scope::root(None, &meter);
    object_of(&body, &scope).map(Value::Object).map_err(|error| vec![to_diagnostic(&source, *error)])
}

fn object_of(body: &Body, scope: &Scope<'_>) -> EvalResult<Map<String, Value>> {
    let mut object = Map::new();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let value = eval::evaluate(&attribute.value, scope)?.to_json();
                insert(&mut object, attribute.key.as_str(), value, attribute.key.span())?;
            }
            Structure::Block(block) => {
                let content = Value::Object(scope.nested(block.ident.span(), || object_of(&block.body, scope))?);
                let content = block
                    .labels
                    .iter()
                    .rev()
                    .fold(content, |inner, label| Value::Object(Map::from_iter([(label.as_str().to_owned(), inner)])));
                merge_block(&mut object, block.ident.as_str(), content, block.ident.span())?;
            }
        }
    }
    Ok(object)
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Value, span: Option<Range<usize>>) -> EvalResult<()> {
    match object.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(EvalError::new("duplicate", span, format!("{name:?} stands here twice"))),
    }
}

/// Blocks of one name may differ in their labels.
fn merge_block(object: &mut Map<String, Value>, name: &str, content: Value, span: Option<Range<usize>>) -> EvalResult<()> {
    match (object.get_mut(name), content) {
        (Some(Value::Object(known)), Value::Object(more)) if more.keys().all(|key| !known.contains_key(key)) => {
            known.extend(more);
            Ok(())
        }
        (_, content) => insert(object, name, content, span),
    }
}
