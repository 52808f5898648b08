//! Jobs as JSON and HCL, in the words of the jobspec room: the only file of the API that knows how.

use axum::http::StatusCode;
use serde_json::Value;

use super::ApiError;
use super::call::Call;
use crate::jobspec::{self, Diagnostic, Severity, VariableFile, VariableSources};
use crate::model::Job;

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

/// A valid job from its JSON, or every problem in it.
pub fn from_value(value: Value) -> Result<Parsed, Vec<String>> {
    let parsed = jobspec::json::job_from_value(value).map_err(|problems| problems.iter().map(line_of).collect::<Vec<_>>())?;
    let mut warnings: Vec<String> = parsed.warnings.iter().map(line_of).collect();
    let mut problems = Vec::new();
    for problem in jobspec::validate(&parsed.job) {
        let line = format!("{}: {}", problem.path, problem.message);
        match problem.severity {
            Severity::Error => problems.push(line),
            Severity::Warning => warnings.push(line),
        }
    }
    if problems.is_empty() { Ok(Parsed { job: parsed.job, warnings }) } else { Err(problems) }
}

/// A job from its HCL, not yet validated; `variables` is the text of a variable file. Problems come with their lines.
pub fn from_hcl(source: &str, variables: &str) -> Result<Job, ApiError> {
    let file = VariableFile { name: "variables.hcl".to_owned(), text: variables.to_owned() };
    let files = if variables.trim().is_empty() { Vec::new() } else { vec![file] };
    // A submission's variables may name more than this job declares.
    let sources = VariableSources { files, lenient: true, ..VariableSources::default() };
    let parsed = jobspec::parse_hcl(source, "job.hcl", &sources).map_err(|problems| {
        let rendered: Vec<_> = problems.iter().map(|problem| problem.render(false)).collect();
        ApiError::bad_request(rendered.join("\n"))
    })?;
    Ok(parsed.job)
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
    let parsed = from_value(value).map_err(|problems| ApiError::bad_request(problems.join("\n")))?;
    let key = &parsed.job.key;
    if *key.namespace != *super::namespaces::DEFAULT {
        return Err(ApiError::bad_request(format!("job {:?} is in nonexistent namespace {:?}", &*key.id, &*key.namespace)));
    }
    Ok(parsed)
}

fn line_of(problem: &Diagnostic) -> String {
    match &problem.help {
        None => problem.message.clone(),
        Some(help) => format!("{} ({help})", problem.message),
    }
}
