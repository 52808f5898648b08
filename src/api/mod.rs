//! HTTP for people and programs: the JSON types of the API, the routes that serve them, and the client the command line uses.
//!
//! The serving half, from the outside in: [`serve()`] accepts connections, [`router()`] finds the handler of a path in the one list of
//! [`routes`], a [`call::Call`] carries the request through it. Reads take a frozen state (`blocking`), narrow it (`filter`), cut it
//! into pages (`page`) and show it in Nomad's shapes (`convert`, `types`). Writes go through the traits in [`handles`], which is all that
//! the API knows of the server, the node and the agent. Handlers live in one file per noun.

mod agent;
mod allocations;
pub mod archive;
mod authorities;
mod autopilot;
mod blocking;
pub mod call;
pub mod client;
mod context;
pub(crate) mod convert;
mod deployments;
mod error;
mod evaluations;
pub mod events;
pub mod filter;
mod framing;
pub mod handles;
mod job_json;
mod jobs;
mod members;
mod metrics;
mod namespaces;
mod node_pools;
mod node_requests;
mod nodes;
mod openapi;
mod operator;
mod page;
pub mod percent;
pub mod query;
mod router;
pub mod routes;
mod search;
mod serve;
mod snapshots;
mod status;
mod system;
pub mod types;
mod unserved;

#[cfg(test)]
mod tests;

pub use context::ApiContext;
pub use error::ApiError;
pub use router::{MAX_BODY, body_limit, router};
pub use serve::{Guard, Remote, ServeConfig, Stream, serve, serve_guarded};
