//! Text to [`Job`]: HCL2 and JSON, with diagnostics that name file, line and column.
//!
//! Both notations meet in the API's shape of a job (`json::types`): HCL is evaluated (`hcl`) and decoded by tables (`decode`)
//! into it, JSON is read into it, then `defaults` fills in what was left out and `json::into_model` makes the
//! model of it. [`validate()`] judges the model, wherever it came from. Pure: no file, clock or network.

mod config;
mod decode;
mod defaults;
pub mod diagnostic;
pub mod diff;
pub mod drivers;
pub mod files;
pub mod format;

mod hcl;
mod hcl_json;
pub mod json;
pub mod schema;
mod suggest;
mod syntax;
mod validate;

#[cfg(test)]
mod tests;

use hcl_edit::Span;
use hcl_edit::structure::{Block, Structure};

pub use self::config::config_from_hcl;
pub use self::diagnostic::{Diagnostic, Severity};
pub use self::files::FileAccess;
pub use self::hcl::variables::{VariableFile, VariableSources};
pub use self::validate::{MAX_NESTING, Problem, validate};

use self::decode::{Decoder, Spans};
use self::diagnostic::{Origin, Position, Report, Source};
use self::hcl::variables::Variables;
use self::hcl::{EvalError, Meter, Scope};
use self::suggest::did_you_mean;
use crate::model::Job;

/// The largest jobspec that is looked at, in bytes.
pub const MAX_SOURCE: usize = 1 << 20;

/// A job that could be read. It may still be refused by [`validate()`].
#[derive(Clone, Debug)]
pub struct Parsed {
    pub job: Job,
    pub warnings: Vec<Diagnostic>,
    place: Place,
}

/// The text that a job was read from.
#[derive(Clone, Debug)]
struct Place {
    file: String,
    source: String,
    origin: Option<Origin>,
    spans: Spans,
}

impl Place {
    fn nowhere(file: &str) -> Self {
        Self { file: file.to_owned(), source: String::new(), origin: None, spans: Spans::new() }
    }
}

impl Parsed {
    /// The first hundred problems of `job` as diagnostics, each at the nearest place of the source that its path names.
    pub fn locate(&self, problems: &[Problem]) -> Vec<Diagnostic> {
        self.place.locate(problems)
    }
}

impl Place {
    fn locate(&self, problems: &[Problem]) -> Vec<Diagnostic> {
        let located = problems.iter().take(Report::MOST).map(|problem| {
            let message = format!("{}: {}", problem.path, problem.message);
            let mut diagnostic = Diagnostic::without_position(problem.severity, "invalid-job", &self.file, message);
            diagnostic.position = self.position_of(&problem.path);
            diagnostic.help.clone_from(&problem.help);
            diagnostic
        });
        located.collect()
    }

    fn position_of(&self, path: &str) -> Option<Position> {
        let source = Source { name: &self.file, text: &self.source, origin: self.origin.as_ref() };
        let mut path = path;
        loop {
            // What is one thing in the API may be the first of several blocks in the text.
            let found = self.spans.get(path).or_else(|| self.spans.get(&format!("{path}[0]")));
            if let Some(span) = found {
                return Some(source.position(span));
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// A jobspec and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub source: &'a str,
    /// Its name in messages.
    pub file: &'a str,
    pub variables: &'a VariableSources,
    /// What `file()` and the like look at; none on a server.
    pub files: Option<&'a dyn FileAccess>,
}

/// Reads a jobspec in HCL, without files. `file` is its name in messages.
///
/// # Errors
/// As [`parse`].
pub fn parse_hcl(source: &str, file: &str, variables: &VariableSources) -> Result<Parsed, Vec<Diagnostic>> {
    parse(&Input { source, file, variables, files: None })
}

/// Reads a jobspec in HCL, in its native form or in that of JSON (which begins with a brace).
///
/// # Errors
/// Everything that is wrong with it, as far as it can be told at once.
pub fn parse(input: &Input<'_>) -> Result<Parsed, Vec<Diagnostic>> {
    let Input { source, file, .. } = *input;
    // What some editors put in front of a text, to say that it is UTF-8.
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if source.len() > MAX_SOURCE {
        let message = format!("the jobspec has {} bytes, more than the {MAX_SOURCE} allowed", source.len());
        return Err(vec![Diagnostic::without_position(Severity::Error, "too-big", file, message)]);
    }
    if source.trim_start().starts_with(['{', '[']) {
        let (made, origin) = hcl_json::to_native(source, file).map_err(|problem| vec![*problem])?;
        return read(input, &made, Some(&origin));
    }
    read(input, source, None)
}

/// `text` is the native form; it was made from `origin` when there is one.
fn read(input: &Input<'_>, text: &str, origin: Option<&Origin>) -> Result<Parsed, Vec<Diagnostic>> {
    let Input { file, variables: sources, .. } = *input;
    let source = Source { name: file, text, origin };
    let body = syntax::parse(&source)?;
    let meter = Meter::default();
    let root = Scope::root(input.files, &meter);
    let mut decoder = Decoder::new(&source);

    let mut variables = Variables::new(&source, &root);
    let mut locals = Vec::new();
    let mut jobs: Vec<&Block> = Vec::new();
    for structure in &body {
        match structure {
            Structure::Block(block) => match block.ident.as_str() {
                "variable" => variables.declare(block),
                "variables" => variables.declare_short(block),
                "locals" => locals.push(&block.body),
                "job" => jobs.push(block),
                other => {
                    let known = ["job", "variable", "variables", "locals"];
                    let message = format!("`{other}` is not a block of a jobspec");
                    let belongs = decode::JOB.child(other).map(|_| format!("`{other}` belongs into `job`"));
                    let help = belongs.or_else(|| did_you_mean(other, known));
                    decoder.error(*EvalError::new("unknown-block", block.ident.span(), message).with_help(help));
                }
            },
            Structure::Attribute(attribute) => {
                let message = format!("`{}` stands outside of the job", attribute.key.as_str());
                decoder.error(*EvalError::new("unknown-attribute", attribute.key.span(), message));
            }
        }
    }
    if let Some(second) = jobs.get(1) {
        decoder.error(*EvalError::new(
            "duplicate-block",
            second.ident.span(),
            "a jobspec holds one job; put this one into a file of its own",
        ));
    }

    let (var, problems) = variables.resolve(sources);
    decoder.report.append(problems);
    let mut errors = Vec::new();
    let local = hcl::locals::evaluate_all(&locals, &var, &root, &mut errors);
    errors.into_iter().for_each(|error| decoder.error(error));
    let Some(job) = jobs.first() else {
        // A misspelt one is named already.
        if decoder.report.is_empty() {
            let help = "a jobspec is `job \"name\" { group \"name\" { task \"name\" { ... } } }`; `pannier job init` writes one";
            decoder.error(*EvalError::new("missing-block", None, "there is no `job` block").with_help(Some(help.to_owned())));
        }
        return Err(decoder.report.into_list());
    };
    if !decoder.report.is_empty() {
        // Wrong variables would only bring errors that follow from them.
        return Err(decoder.report.into_list());
    }
    let mut scope = Scope::child(&root);
    scope.set("var", var);
    scope.set("local", local);
    let api = decoder.job(job, &scope);
    if !decoder.report.is_empty() {
        return Err(decoder.report.into_list());
    }
    let (spans, odd) = (decoder.spans, decoder.odd);
    let place = Place { file: file.to_owned(), source: text.to_owned(), origin: origin.cloned(), spans };
    let built = json::job_from_api_value(serde_json::Value::Object(api)).map_err(|problems| place.locate(&problems))?;
    let mut warnings = place.locate(&odd);
    warnings.extend(place.locate(&built.warnings));
    Ok(Parsed { job: built.job, warnings, place })
}
