//! Control groups: where a task's processes are counted, limited and killed.
//!
//! A thin layer of our own, because each controller may sit on another hierarchy: on a *unified* host all are on cgroup v2; on a
//! *hybrid* host the limits are v1 and v2 has no controllers, yet its `cgroup.kill`, `cgroup.events` and `CLONE_INTO_CGROUP` work and
//! are better than anything v1 has. So every task gets a v2 group wherever v2 is mounted, and v1 groups only for limits.
//!
//! [`detect`] finds what is mounted, [`limits`] decides what to write (pure), [`layer`] makes the groups, and [`paths`] is what is
//! left for the shim: a list of directories that can be joined, killed, counted and removed without knowing how they were made.

pub mod controller;
pub mod detect;
pub mod layer;
pub mod limits;
pub mod paths;
pub mod stats;
mod v1_limits;

pub use controller::Controller;
pub use detect::{CgroupMode, Hierarchies};
pub use layer::{Cgroup, CgroupLayer};
pub use paths::{CgroupPaths, enter};

use std::io;
use std::path::PathBuf;

/// Why a group could not be made or used. Never a reason to fail a task: it then runs without.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// No usable hierarchy, or the operator switched groups off.
    #[error("cgroups are not used: {0}")]
    Disabled(String),
    /// The plan's path is absolute, empty or climbs out of its parent.
    #[error("cgroup path {0:?} is not a relative path below the parent")]
    BadPath(String),
    #[error("cannot {action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// Processes were left in it after all were killed.
    #[error("cgroup {0} is still populated after it was killed")]
    Populated(PathBuf),
}

impl CgroupError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
