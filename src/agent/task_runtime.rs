//! What runs tasks on this machine: the drivers that are switched on, the launcher, and the control groups they may use.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::AgentError;
use super::config::AgentConfig;
use crate::node::Runtime;
use crate::runtime::cgroup::CgroupLayer;
use crate::runtime::driver::{Recovered, StartError, TaskDriver, TaskHandle};
use crate::runtime::drivers::{self, DriverRegistry, DriversConfig};
use crate::runtime::launch::LaunchPlan;
use crate::runtime::launcher::{Launcher, LauncherConfig};

/// The launcher behind the node's trait.
pub struct TaskRuntime {
    drivers: DriverRegistry,
    launcher: Launcher,
}

impl TaskRuntime {
    /// Tasks' groups are below `<cgroup_parent>/<name of the data directory>`: what a start clears away must never be another agent's.
    pub fn new(config: &AgentConfig, data_dir: &Path) -> Result<Self, AgentError> {
        let own = format!("{}/{:08x}", config.client.cgroup_parent, crc32c::crc32c(data_dir.as_os_str().as_encoded_bytes()));
        let launcher = LauncherConfig::new(CgroupLayer::detect(&own))
            .map_err(|error| AgentError::System(format!("the path of this program is not known: {error}")))?;
        Ok(Self { drivers: drivers::builtin(&drivers_config(config)), launcher: Launcher::new(launcher) })
    }

    /// Removes the groups that held the tasks' groups; those that still hold something stay. Blocks.
    pub fn remove_groups(&self) {
        self.launcher.cgroup().remove_parent();
    }
}

/// Which drivers the operator switched on.
pub fn drivers_config(config: &AgentConfig) -> DriversConfig {
    DriversConfig { raw_exec: config.client.raw_exec, mock: config.client.mock_driver, ..DriversConfig::default() }
}

impl Runtime for TaskRuntime {
    fn driver(&self, name: &str) -> Option<Arc<dyn TaskDriver>> {
        self.drivers.get(name).cloned()
    }

    fn drivers(&self) -> Vec<Arc<dyn TaskDriver>> {
        self.drivers.iter().cloned().collect()
    }

    fn launch<'a>(&'a self, plan: &'a LaunchPlan) -> BoxFuture<'a, Result<Arc<dyn TaskHandle>, StartError>> {
        self.launcher.launch(plan).boxed()
    }

    fn recover<'a>(&'a self, run_dir: &'a Path) -> BoxFuture<'a, Recovered> {
        self.launcher.recover(run_dir).boxed()
    }

    fn sweep<'a>(&'a self, root: &'a Path, known: &'a BTreeSet<PathBuf>) -> BoxFuture<'a, ()> {
        async move {
            let report = self.launcher.sweep(root, known).await;
            if report != Default::default() {
                tracing::info!(tasks = report.run_dirs.len(), cgroups = report.cgroups.len(), "cleared away what belonged to nobody");
            }
        }
        .boxed()
    }
}
