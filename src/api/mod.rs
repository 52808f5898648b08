//! HTTP for people and programs: the JSON types of the API and the client the command line uses.

pub mod client;
pub mod types;
