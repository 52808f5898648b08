//! pannier, a single-binary cluster scheduler.
//!
//! Every node runs the same binary. A few of them (the servers) keep one replicated value, the cluster state, by Raft; one loop on the
//! leader turns the difference between what jobs ask for and what runs into plans; every node makes its own slice of the state true
//! with processes in cgroups.
//!
//! # The way of a job
//!
//! ```text
//!  jobspec (HCL / JSON)                                                  task
//!       |                                                                 ^
//!    jobspec: text -> model::Job                          runtime: driver, shim, cgroup
//!       |                                                                 ^
//!    api: POST /v1/jobs                                      node: allocation runner
//!       |                                                                 ^  | status
//!    raft: propose(Command::RegisterJob), durable                         |  v
//!       |                                                      rpc: one link per node
//!    state: apply -> new State + Changes                                  ^
//!       |                                                                 |
//!    Changes -> server: scheduler loop -> Plan -> raft -> state -> Changes
//!                       (scheduler: reconcile, place)
//! ```
//!
//! One direction, no shortcuts: nothing but [`state`]'s `apply` writes the state, nothing but the scheduler loop decides placements, nothing
//! but the node's runner starts a task.
//!
//! # Where to start reading
//!
//! - [`model`]: the nouns. Then [`state::command`]: everything that can happen to them.
//! - [`scheduler`]: how a placement is chosen, without any I/O. [`server`]: the loop around it.
//! - [`node`] and [`runtime`]: how an allocation becomes processes that outlive the agent.
//! - [`raft`], [`rpc`], [`tls`], [`auth`]: how several servers and nodes are one cluster, and who gets in.
//! - [`agent`]: how all of it is put together in one process.
//!
//! `tests/layering.rs` holds the table of who may use whom.

pub mod agent;
pub mod api;
pub mod auth;
pub mod cli;
pub mod codec;
pub mod jobspec;
pub mod model;
pub mod node;
pub mod raft;
pub mod rpc;
pub mod runtime;
pub mod scheduler;
pub mod server;
pub mod state;
pub mod tls;
pub mod util;
