//! What the list of routes says of them for the document alone, and the types that it names.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use crate::api::types::agent::*;
pub use crate::api::types::allocation::*;
pub use crate::api::types::deployment::*;
pub use crate::api::types::evaluation::Evaluation;
pub use crate::api::types::explain::JobExplanation;
pub use crate::api::types::files::FsEntry;
pub use crate::api::types::job::*;
pub use crate::api::types::node::*;
pub use crate::api::types::operator::*;
pub use crate::api::types::scale::{ScaleRequest, ScaleStatus};
pub use crate::api::types::search::{SearchRequest, SearchResponse};
pub use crate::api::types::stats::{AllocResourceUsage, HostStats};
pub use crate::jobspec::json::types::ApiJob;

#[derive(Clone, Copy)]
pub struct Documented {
    /// Names of its query parameters, or of groups of them (`parameters.rs`).
    pub parameters: &'static [&'static str],
    pub body: Option<Shape>,
    /// Of an answer that is one document of JSON.
    pub answer: Option<Shape>,
}

/// A type of a body.
#[derive(Clone, Copy)]
pub struct Shape {
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// A value, read as the type and written again.
    pub again: fn(Value) -> serde_json::Result<Value>,
}

impl Shape {
    pub const fn of<T: JsonSchema + Serialize + DeserializeOwned>() -> Self {
        Self {
            schema: |generator| generator.subschema_for::<T>(),
            again: |value| serde_json::from_value::<T>(value).and_then(serde_json::to_value),
        }
    }
}
