//! How a task comes to life: drivers prepare a [`launch::LaunchPlan`], the launcher starts it under a shim of its own
//! (the same binary in a tiny mode), in a cgroup, with its logs rotated, so that it outlives its agent.
//!
//! Drivers differ only in how they prepare; starting, waiting, signalling, stopping and measuring are the same for all.

pub mod cgroup;
pub mod driver;
pub mod drivers;
pub mod launch;
pub mod launcher;
pub mod shim;
pub mod user;
