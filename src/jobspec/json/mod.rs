//! The API's JSON form of a job: Go-cased names, durations as integer nanoseconds, everything optional on input.

mod from_model;
mod into_model;
pub mod kept;
mod nanos;
pub(super) mod policies;
mod services;
pub mod types;
mod unknown;

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value as Json;

use self::types::ApiJob;
use super::diagnostic::{Diagnostic, Severity, Source};
use super::validate::{Problem, validate};
use super::{MAX_SOURCE, Parsed, Place, defaults};
use crate::model::Job;

/// Reads `{"Job": {...}}`, or the job itself.
///
/// # Errors
/// Where it is no JSON, or a field has the wrong type, with line and column.
pub fn job_from_slice(bytes: &[u8]) -> Result<Parsed, Vec<Diagnostic>> {
    if bytes.len() > 2 * MAX_SOURCE {
        let message = format!("the job has {} bytes, more than the {} allowed", bytes.len(), 2 * MAX_SOURCE);
        return Err(vec![Diagnostic::without_position(Severity::Error, "too-big", FILE, message)]);
    }
    #[derive(serde::Deserialize)]
    struct Wrapped {
        #[serde(rename = "Job")]
        _job: ApiJob,
    }
    let located = |error: &serde_json::Error| vec![json_error(bytes, error)];
    let fields: BTreeMap<String, Option<IgnoredAny>> = serde_json::from_slice(bytes).map_err(|error| located(&error))?;
    // Only the text has lines and columns, so it is read as a job here; what comes of it is found once more in the values below.
    let read = if fields.get("Job").is_some_and(Option::is_some) {
        serde_json::from_slice::<Wrapped>(bytes).map(|_| ())
    } else {
        serde_json::from_slice::<ApiJob>(bytes).map(|_| ())
    };
    read.map_err(|error| located(&error))?;
    job_from_value(serde_json::from_slice(bytes).map_err(|error| located(&error))?)
}

/// As [`job_from_slice`], for JSON that is parsed already.
///
/// # Errors
/// When a field has the wrong type or a value that does not exist; without a place.
pub fn job_from_value(value: Json) -> Result<Parsed, Vec<Diagnostic>> {
    let value = match value {
        Json::Object(mut object) => object.remove("Job").filter(|job| !job.is_null()).unwrap_or(Json::Object(object)),
        other => other,
    };
    let place = Place::nowhere(FILE);
    let (api, unknown) = unknown::read(&value)
        .map_err(|error| vec![Diagnostic::without_position(Severity::Error, "wrong-type", FILE, error.to_string())])?;
    let built = build(api).map_err(|problems| place.locate(&problems))?;
    let warnings = place.locate(&built.warnings).into_iter().chain(place.locate(&unknown)).collect();
    Ok(Parsed { job: built.job, warnings, place })
}

/// The job in the API's form, with every field.
pub fn job_to_value(job: &Job) -> Json {
    // These types hold only strings as keys, which is all that could fail.
    serde_json::to_value(from_model::job(job)).unwrap_or_default()
}

const FILE: &str = "job.json";

/// A job, and what is odd about how it was asked for.
pub(super) struct Built {
    pub job: Job,
    pub warnings: Vec<Problem>,
}

/// The model of a job in the API's form.
pub(super) fn job_from_api_value(value: Json) -> Result<Built, Vec<Problem>> {
    let api = serde_json::from_value(value).map_err(|error| vec![Problem::error("job", error.to_string())])?;
    build(api)
}

fn build(mut api: ApiJob) -> Result<Built, Vec<Problem>> {
    let (mut problems, mut warnings): (Vec<Problem>, Vec<Problem>) =
        defaults::canonicalize(&mut api).into_iter().partition(Problem::is_error);
    let mut unread = Vec::new();
    let job = into_model::job(api, &mut unread);
    problems.extend(unread.into_iter().map(|(path, message)| Problem::error(path, message)));
    if problems.is_empty() {
        warnings.extend(kept::warnings(&job));
        return Ok(Built { job, warnings });
    }
    // What else is wrong is said with it. A value that could not be read is a default in `job`: what is wrong with that is nobody's fault.
    let unread: Vec<String> = problems.iter().map(|problem| problem.path.clone()).collect();
    let others = validate(&job).into_iter().filter(|problem| problem.severity == Severity::Error);
    problems.extend(others.filter(|problem| !unread.iter().any(|path| problem.path.starts_with(path.as_str()))));
    Err(problems)
}

fn json_error(bytes: &[u8], error: &serde_json::Error) -> Diagnostic {
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new(FILE, &text);
    let line_start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let at = line_start + error.column().saturating_sub(1);
    let message = error.to_string();
    // The place is in the diagnostic; the library's text says it once more.
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    source.diagnostic(Severity::Error, "json", Some(at..at + 1), message)
}

/// A duration for the defaults.
pub(super) fn seconds(seconds: u64) -> nanos::Nanos {
    nanos::Nanos(std::time::Duration::from_secs(seconds))
}
