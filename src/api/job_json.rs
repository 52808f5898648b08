//! Jobs as JSON, in the words of the jobspec room: the only file that knows how.

use serde_json::{Value, json};

use super::ApiError;
use crate::model::Job;

/// A job as the API shows it.
pub fn to_value(job: &Job) -> Value {
    json!({
        "ID": &*job.key.id, "Namespace": &*job.key.namespace, "Name": &*job.name, "Type": job.job_type.name(),
        "Priority": job.priority, "Status": job.status.name(), "Stop": job.stop, "Version": job.version, "Stable": job.stable,
        "CreateIndex": job.create_index, "ModifyIndex": job.modify_index, "JobModifyIndex": job.job_modify_index,
    })
}

/// A job and what is odd about it.
pub struct Parsed {
    pub job: Job,
    pub warnings: Vec<String>,
}

/// A job from its JSON, with every problem in it.
pub fn from_value(_value: Value) -> Result<Parsed, Vec<String>> {
    Err(vec!["jobs cannot be read yet".to_owned()])
}

/// A job from its HCL, with every problem in it.
pub fn from_hcl(_source: &str, _variables: &str) -> Result<Parsed, ApiError> {
    Err(ApiError::bad_request("jobs cannot be read yet"))
}

/// The job of a request's body, in the namespace the request names when the job names none.
pub fn from_request(call: &super::call::Call, mut value: Value) -> Result<Parsed, ApiError> {
    let Value::Object(fields) = &mut value else {
        return Err(ApiError::bad_request("Job must be specified"));
    };
    let named = fields.get("Namespace").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    if !named {
        fields.insert("Namespace".to_owned(), Value::String(call.one_namespace()?.to_string()));
    }
    from_value(value).map_err(|problems| ApiError::bad_request(problems.join("\n")))
}
