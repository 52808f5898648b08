//! Jobs as JSON and HCL, in the words of the jobspec room: the only file of the API that knows how.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::Value;

use super::ApiError;
use super::call::Call;
use super::handles::DesiredChanges;
use crate::jobspec::diff::Updates;
use crate::jobspec::{self, Diagnostic, Severity, VariableFile, VariableSources};
use crate::model::{Job, MebiBytes, Text};

/// The longest body of a request that brings a job, in bytes: what `jobspec` reads, and as much again for the submission beside it.
const MAX_JOB_BODY: usize = 4 * jobspec::MAX_SOURCE;

/// A valid job and what is odd about it.
pub struct Parsed {
    pub job: Job,
    pub warnings: Vec<String>,
}

/// A job as the API shows it, with every field.
pub fn to_value(job: &Job) -> Value {
    jobspec::json::job_to_value(job)
}

/// What changes between two versions of a job; `changes` tells what a scheduler would do about it, by group.
pub fn diff(old: Option<&Job>, new: &Job, changes: &BTreeMap<Text, DesiredChanges>) -> Value {
    let mut diff = jobspec::diff::job_diff(old, Some(new));
    let updates = |changes: &DesiredChanges| Updates {
        create: changes.place,
        destroy: changes.stop,
        migrate: changes.migrate,
        in_place: changes.in_place,
        destructive: changes.destructive,
        canary: changes.canary,
        ignore: changes.ignore,
    };
    diff.annotate(&changes.iter().map(|(group, changes)| (group.to_string(), updates(changes))).collect());
    // Its types hold only strings as keys, which is all that could fail.
    serde_json::to_value(diff).unwrap_or_default()
}

/// A valid job from its JSON, or every problem in it.
pub fn from_value(value: Value) -> Result<Parsed, Vec<String>> {
    match judged(value) {
        Ok((job, warnings)) => Ok(Parsed { job, warnings: warnings.iter().map(line_of).collect() }),
        Err(problems) => Err(problems.iter().filter(|problem| problem.severity == Severity::Error).map(line_of).collect()),
    }
}

/// A valid job with warnings, or everything that is wrong or odd about it.
pub fn judged(value: Value) -> Result<(Job, Vec<Diagnostic>), Vec<Diagnostic>> {
    let parsed = jobspec::json::job_from_value(value)?;
    let mut diagnostics = parsed.warnings.clone();
    diagnostics.extend(parsed.locate(&jobspec::validate(&parsed.job)));
    let is_wrong = diagnostics.iter().any(|problem| problem.severity == Severity::Error);
    if is_wrong { Err(diagnostics) } else { Ok((parsed.job, diagnostics)) }
}

/// Diagnostics as the API shows them.
pub fn diagnostics_to_value(diagnostics: &[Diagnostic]) -> Value {
    serde_json::to_value(diagnostics).unwrap_or_default()
}

/// A job from its HCL, not yet validated; `variables` is the text of a variable file.
pub fn from_hcl(source: &str, variables: &str) -> Result<Job, Vec<Diagnostic>> {
    let file = VariableFile { name: "variables.hcl".to_owned(), text: variables.to_owned() };
    let files = if variables.trim().is_empty() { Vec::new() } else { vec![file] };
    // A submission's variables may name more than this job declares.
    let sources = VariableSources { files, lenient: true, ..VariableSources::default() };
    jobspec::parse_hcl(source, "job.hcl", &sources).map(|parsed| parsed.job)
}

/// Diagnostics with their source lines, for people.
pub fn rendered(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n")
}

/// The valid job of a request's body, in the namespace the request names when the job names none.
pub fn from_request(call: &Call, mut value: Value) -> Result<Parsed, ApiError> {
    if call.body.len() > MAX_JOB_BODY {
        let message = format!("the job has {} bytes, more than the {MAX_JOB_BODY} allowed", call.body.len());
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let Value::Object(fields) = &mut value else {
        return Err(ApiError::bad_request("Job must be specified"));
    };
    let is_named = fields.get("Namespace").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    if !is_named {
        fields.insert("Namespace".to_owned(), Value::String(call.one_namespace()?.to_string()));
    }
    let mut parsed = from_value(value).map_err(|problems| ApiError::bad_request(problems.join("\n")))?;
    let state = call.api.server.store().load();
    let pool = state.node_pool(&parsed.job.node_pool).map(std::sync::Arc::as_ref);
    if !state.scheduler_config().oversubscribes_memory_in(pool) {
        drop_memory_max(&mut parsed);
    }
    let key = &parsed.job.key;
    if *key.namespace != *super::namespaces::DEFAULT {
        return Err(ApiError::bad_request(format!("job {:?} is in nonexistent namespace {:?}", &*key.id, &*key.namespace)));
    }
    Ok(parsed)
}

/// Without memory oversubscription, `memory_max` has no effect, and its author is told so.
fn drop_memory_max(parsed: &mut Parsed) {
    for group in &mut parsed.job.groups {
        for task in group.tasks.iter_mut().filter(|task| task.resources.memory_max > task.resources.memory) {
            task.resources.memory_max = MebiBytes::ZERO;
            parsed.warnings.push(format!(
                "job.group[{}].task[{}].resources.memory_max: has no effect until memory oversubscription is enabled in the scheduler configuration, the cluster's or the node pool's",
                group.name, task.name,
            ));
        }
    }
}

/// One line for people.
pub fn line_of(problem: &Diagnostic) -> String {
    match &problem.help {
        None => problem.message.clone(),
        Some(help) => format!("{} ({help})", problem.message),
    }
}
