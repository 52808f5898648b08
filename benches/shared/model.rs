//! The library's model with the complete rows that its own tests start from.

pub use pannier::model::*;

#[allow(dead_code, reason = "no bench needs all of them")]
#[path = "../../src/model/fixtures.rs"]
pub mod fixtures;
