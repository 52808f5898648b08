//! What the node needs of whatever starts tasks; the launcher and its drivers stand behind it, in tests a fake.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::runtime::driver::{Recovered, StartError, TaskDriver, TaskHandle};
use crate::runtime::launch::LaunchPlan;

pub trait Runtime: Send + Sync + 'static {
    fn driver(&self, name: &str) -> Option<Arc<dyn TaskDriver>>;

    fn drivers(&self) -> Vec<Arc<dyn TaskDriver>>;

    /// Starts what `plan` describes. After an error nothing may be left running, unless [`Runtime::recover`] finds it.
    fn launch<'a>(&'a self, plan: &'a LaunchPlan) -> BoxFuture<'a, Result<Arc<dyn TaskHandle>, StartError>>;

    /// What became of the start that was given this run directory.
    fn recover<'a>(&'a self, run_dir: &'a Path) -> BoxFuture<'a, Recovered>;

    /// Ends and removes everything below `root` (processes, cgroups, mounts, directories) whose run directory is not in `known`.
    /// Called once, before anything is started.
    fn sweep<'a>(&'a self, root: &'a Path, known: &'a BTreeSet<PathBuf>) -> BoxFuture<'a, ()>;
}
