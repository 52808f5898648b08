//! The life of one task: prepare, start, run, end, restart by policy, be killed.
//!
//! [`TaskMachine`] decides and [`launch`] executes: the machine is fed with what happened and answers with what to do,
//! the allocation's runner (`alloc_runner::runner`) carries that out and feeds the results back.

pub mod event;
pub mod launch;
pub mod machine;
pub mod policy;
pub mod restart;
pub mod template;

pub use machine::{KillReason, TaskEffect, TaskInput, TaskMachine, TaskRecord};
pub use policy::TaskPolicy;
pub use restart::RestartTracker;

#[cfg(test)]
mod machine_tests;
