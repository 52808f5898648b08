//! `/v1/openapi.json`. The document is kept as a file: made of the list of routes and of the types by a test, so that the program need not carry what
//! makes it (2 MB).

use serde_json::Value;

use super::ApiError;
use super::call::{Answer, Call};

#[cfg(test)]
mod describe;
#[cfg(test)]
pub mod documented;
#[cfg(test)]
mod parameters;

const DOCUMENT: &str = include_str!("document.json");

pub async fn document(call: Call) -> Answer {
    let document: Value = serde_json::from_str(DOCUMENT).map_err(|error| ApiError::internal(error.to_string()))?;
    call.plain(&document)
}
