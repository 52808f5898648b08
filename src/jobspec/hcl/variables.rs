//! `variable` blocks, and the values that users give them.

use std::collections::BTreeMap;

use hcl_edit::Span;
use hcl_edit::structure::{Block, Body};

use super::eval::{bool_of, evaluate, text_of};
use super::scope::{EvalError, Meter, Scope};
use super::types::{self, Type};
use super::value::Value;
use crate::jobspec::diagnostic::{Diagnostic, Report, Severity, Source};
use crate::jobspec::suggest::did_you_mean;
use crate::jobspec::syntax;

/// Where values of variables come from, weakest first: `default`, then `env`, `files` in order, `flags` in order.
#[derive(Clone, Debug, Default)]
pub struct VariableSources {
    /// By variable name, the prefix `NOMAD_VAR_` already removed. Names nobody declared are ignored.
    pub env: BTreeMap<String, String>,
    pub files: Vec<VariableFile>,
    /// `-var name=value`.
    pub flags: Vec<(String, String)>,
    /// Values from files and flags for variables that are not declared are allowed.
    pub lenient: bool,
}

/// A file of `name = value` lines, or a JSON object when its name ends with `.json`.
#[derive(Clone, Debug)]
pub struct VariableFile {
    pub name: String,
    pub text: String,
}

struct Declaration<'a> {
    kind: Type,
    block: &'a Block,
    validations: Vec<&'a Body>,
    default: Option<Value>,
    /// Something is wrong with the declaration; that it has no value need not be said too.
    broken: bool,
}

/// Evaluates every variable of a jobspec.
pub struct Variables<'a> {
    source: &'a Source<'a>,
    scope: &'a Scope<'a>,
    declared: BTreeMap<String, Declaration<'a>>,
    report: Report,
}

impl<'a> Variables<'a> {
    pub fn new(source: &'a Source<'a>, scope: &'a Scope<'a>) -> Self {
        Self { source, scope, declared: BTreeMap::new(), report: Report::default() }
    }

    /// Reads one `variable "name" {}`.
    pub fn declare(&mut self, block: &'a Block) {
        let [label] = block.labels.as_slice() else {
            self.error(*EvalError::new("bad-label", block.ident.span(), "a `variable` block has one label: its name"));
            return;
        };
        let mut declaration = Declaration { kind: Type::Any, block, validations: Vec::new(), default: None, broken: false };
        for attribute in block.body.attributes() {
            match attribute.key.as_str() {
                "type" => match types::parse(&attribute.value) {
                    Ok(kind) => declaration.kind = kind,
                    Err(problem) => {
                        declaration.broken = true;
                        self.error(*EvalError::new("bad-type", attribute.value.span(), problem));
                    }
                },
                "default" | "description" | "sensitive" => {}
                other => {
                    declaration.broken = true;
                    let message = format!("a variable has no attribute `{other}`");
                    let help = did_you_mean(other, ["type", "default", "description"]);
                    self.error(*EvalError::new("unknown-attribute", attribute.key.span(), message).with_help(help));
                }
            }
        }
        for inner in block.body.blocks() {
            if inner.ident.as_str() == "validation" {
                declaration.validations.push(&inner.body);
            } else {
                let message = format!("a variable has no block `{}`", inner.ident.as_str());
                self.error(*EvalError::new("unknown-block", inner.ident.span(), message));
            }
        }
        if let Some(default) = block.body.get_attribute("default") {
            let converted = evaluate(&default.value, self.scope).and_then(|value| {
                declaration
                    .kind
                    .convert(&value)
                    .map_err(|problem| EvalError::new("wrong-type", default.value.span(), format!("default: {problem}")))
            });
            match converted {
                Ok(value) => declaration.default = Some(value),
                Err(error) => {
                    self.error(*error);
                    declaration.broken = true;
                }
            }
        }
        if self.declared.insert(label.as_str().to_owned(), declaration).is_some() {
            let message = format!("the variable `{}` is declared twice", label.as_str());
            self.error(*EvalError::new("duplicate-variable", block.ident.span(), message));
        }
    }

    /// Reads the short form, `variables { name = default }`.
    pub fn declare_short(&mut self, block: &'a Block) {
        for attribute in block.body.attributes() {
            match evaluate(&attribute.value, self.scope) {
                Ok(value) => {
                    let declaration = Declaration { kind: Type::Any, block, validations: Vec::new(), default: Some(value), broken: false };
                    if self.declared.insert(attribute.key.as_str().to_owned(), declaration).is_some() {
                        let message = format!("the variable `{}` is declared twice", attribute.key.as_str());
                        self.error(*EvalError::new("duplicate-variable", attribute.key.span(), message));
                    }
                }
                Err(error) => self.error(*error),
            }
        }
    }

    /// What `var` stands for, and everything that is wrong with declarations and values.
    pub fn resolve(mut self, sources: &VariableSources) -> (Value, Report) {
        let mut values: BTreeMap<String, Value> = BTreeMap::new();
        for (name, text) in &sources.env {
            if self.declared.contains_key(name) {
                self.set_from_text(&mut values, name, text, &format!("NOMAD_VAR_{name}"));
            }
        }
        for file in &sources.files {
            for (name, value) in self.read_file(file) {
                self.set(&mut values, &name, &value, &file.name, sources.lenient);
            }
        }
        for (name, text) in &sources.flags {
            if self.declared.contains_key(name) {
                self.set_from_text(&mut values, name, text, &format!("-var {name}"));
            } else if !sources.lenient {
                self.undeclared(name, "-var");
            }
        }
        let mut missing = Vec::new();
        for (name, declaration) in &self.declared {
            if values.contains_key(name) {
                continue;
            }
            match &declaration.default {
                Some(default) => {
                    values.insert(name.clone(), default.clone());
                }
                None if declaration.broken => {
                    values.insert(name.clone(), Value::Null);
                }
                None => {
                    missing.push((declaration.block.ident.span(), name.clone()));
                    values.insert(name.clone(), Value::Null);
                }
            }
        }
        for (span, name) in &missing {
            let error = EvalError::new("missing-variable", span.clone(), format!("the variable `{name}` has no value"));
            self.error(*error.with_help(Some(format!("give it a default, or a value with `-var {name}=...`"))));
        }
        let var = Value::map(values).unwrap_or_else(|error| {
            self.error(*EvalError::new("too-big", None, error.to_string()));
            Value::Null
        });
        if self.report.is_empty() {
            self.validate(&var);
        }
        (var, self.report)
    }

    fn validate(&mut self, var: &Value) {
        let mut scope = Scope::child(self.scope);
        scope.set("var", var.clone());
        let rules: Vec<&Body> = self.declared.values().flat_map(|declaration| declaration.validations.iter().copied()).collect();
        for rule in rules {
            let Some(condition) = rule.get_attribute("condition") else {
                self.error(*EvalError::new("missing-attribute", rule.span(), "`validation` needs a `condition`"));
                continue;
            };
            let span = condition.value.span();
            let outcome = evaluate(&condition.value, &scope).and_then(|value| bool_of(&value, "the condition", span.clone()));
            let holds = match outcome {
                Ok(holds) => holds,
                Err(error) => {
                    self.error(*error);
                    continue;
                }
            };
            if !holds {
                let text = rule.get_attribute("error_message").and_then(|message| {
                    let value = evaluate(&message.value, &scope).ok()?;
                    text_of(&value, "error_message", None).ok()
                });
                let message = text.map_or_else(|| "the value of the variable is not valid".to_owned(), |text| (*text).to_owned());
                self.error(*EvalError::new("invalid-variable", span, message));
            }
        }
    }

    /// Text from outside is a string where a plain value is wanted, and an expression where a list or map is.
    fn set_from_text(&mut self, values: &mut BTreeMap<String, Value>, name: &str, text: &str, origin: &str) {
        let Some(declaration) = self.declared.get(name) else { return };
        let plain = declaration.kind.is_text() || matches!(declaration.kind, Type::Number | Type::Bool | Type::Any);
        let value = if plain { Ok(Value::string(text)) } else { evaluate_text(text) };
        match value {
            Ok(value) => self.set(values, name, &value, origin, false),
            Err(problem) => self.outside(origin, problem),
        }
    }

    fn set(&mut self, values: &mut BTreeMap<String, Value>, name: &str, value: &Value, origin: &str, lenient: bool) {
        let Some(declaration) = self.declared.get(name) else {
            if !lenient {
                self.undeclared(name, origin);
            }
            return;
        };
        match declaration.kind.convert(value) {
            Ok(value) => {
                values.insert(name.to_owned(), value);
            }
            Err(problem) => self.outside(origin, format!("variable `{name}`: {problem}")),
        }
    }

    fn read_file(&mut self, file: &VariableFile) -> Vec<(String, Value)> {
        let source = Source::new(&file.name, &file.text);
        if file.name.ends_with(".json") {
            let parsed = serde_json::from_str(&file.text).map_err(|error| error.to_string());
            let map = parsed.and_then(|json: serde_json::Value| Value::from_json(&json).map_err(|error| error.to_string()));
            return match map {
                Ok(Value::Map(items)) => items.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
                Ok(_) => {
                    self.outside(&file.name, "a file of variables holds one JSON object".to_owned());
                    Vec::new()
                }
                Err(problem) => {
                    self.outside(&file.name, problem);
                    Vec::new()
                }
            };
        }
        let body = match syntax::parse(&source) {
            Ok(body) => body,
            Err(problems) => {
                problems.into_iter().for_each(|problem| self.report.add(|| problem));
                return Vec::new();
            }
        };
        let scope = Scope::root(self.scope.files, self.scope.meter);
        let mut values = Vec::new();
        for attribute in body.attributes() {
            match evaluate(&attribute.value, &scope) {
                Ok(value) => values.push((attribute.key.as_str().to_owned(), value)),
                Err(error) => self.report.add(|| to_diagnostic(&source, *error)),
            }
        }
        values
    }

    fn undeclared(&mut self, name: &str, origin: &str) {
        let help = did_you_mean(name, self.declared.keys().map(String::as_str));
        let mut diagnostic = Diagnostic::without_position(
            Severity::Error,
            "undeclared-name",
            origin,
            format!("a value is given for the variable `{name}`, which the jobspec does not declare"),
        );
        diagnostic.help = help;
        self.report.add(|| diagnostic);
    }

    fn outside(&mut self, origin: &str, message: String) {
        self.report.add(|| Diagnostic::without_position(Severity::Error, "bad-variable", origin, message));
    }

    fn error(&mut self, error: EvalError) {
        let source = self.source;
        self.report.add(|| to_diagnostic(source, error));
    }
}

fn evaluate_text(text: &str) -> Result<Value, String> {
    let expr = syntax::parse_expression(text.trim())?;
    let meter = Meter::default();
    evaluate(&expr, &Scope::root(None, &meter)).map_err(|error| error.message)
}

pub fn to_diagnostic(source: &Source<'_>, error: EvalError) -> Diagnostic {
    let mut diagnostic = source.diagnostic(Severity::Error, error.code, error.span, error.message);
    diagnostic.help = error.help;
    diagnostic
}
