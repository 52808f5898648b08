//! Starts tasks under shims, finds them again after the agent was away, and clears away what belongs to nobody.

mod client;
mod handle;
mod recover;
mod starter;
mod sweep;

pub use sweep::SweepReport;

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::handle::ShimHandle;
use self::starter::ShimStarter;
use super::cgroup::{CgroupLayer, CgroupPaths};
use super::driver::{StartError, TaskHandle};
use super::drivers::mock;
use super::launch::{LaunchKind, LaunchPlan};
use super::shim::plan::{PLAN_FILE, ShimPlan};
use super::shim::record;
use super::user;

/// What a launcher works with.
#[derive(Debug)]
pub struct LauncherConfig {
    /// The binary to start shims from: this one.
    pub shim_binary: PathBuf,
    pub cgroup: CgroupLayer,
}

impl LauncherConfig {
    /// Shims from the running binary.
    pub fn new(cgroup: CgroupLayer) -> io::Result<Self> {
        Ok(Self { shim_binary: std::env::current_exe()?, cgroup })
    }
}

/// Starts and finds tasks. Cheap to share.
#[derive(Clone)]
pub struct Launcher {
    cgroup: Arc<CgroupLayer>,
    starter: Arc<ShimStarter>,
}

impl Launcher {
    pub fn new(config: LauncherConfig) -> Self {
        if let Some(reason) = config.cgroup.disabled_reason() {
            tracing::warn!(reason, "tasks run without cgroups: no limits, and only their sessions are killed");
        }
        let starter = Arc::new(ShimStarter::new(config.shim_binary, config.cgroup.shims_group()));
        Self { cgroup: Arc::new(config.cgroup), starter }
    }

    /// The host's cgroups, for fingerprints.
    pub fn cgroup(&self) -> &CgroupLayer {
        &self.cgroup
    }

    /// Starts what a driver prepared. When it fails, nothing is left behind.
    pub async fn launch(&self, plan: &LaunchPlan) -> Result<Arc<dyn TaskHandle>, StartError> {
        let process = match &plan.kind {
            LaunchKind::Mock(mock) => return mock::start(mock, &plan.logs).await,
            LaunchKind::Process(process) => process,
        };
        if plan.run_dir.join(PLAN_FILE).exists() {
            return Err(StartError::Permanent(format!("{} was used for a start before", plan.run_dir.display())));
        }
        let (layer, launch, user) = (Arc::clone(&self.cgroup), plan.clone(), process.user.clone());
        let made = tokio::task::spawn_blocking(move || {
            let credentials = user::resolve(&user)?;
            let mut shim_plan = ShimPlan { launch, cgroup: None, credentials };
            let written = make_run_dir(&layer, &mut shim_plan);
            Ok::<_, StartError>((shim_plan, written))
        });
        let (shim_plan, written) = made.await.map_err(|error| StartError::Transient(error.to_string()))??;
        let started = match written {
            Ok(()) => self.starter.start(&plan.run_dir, false).await.map_err(StartError::from),
            Err(error) => Err(StartError::Transient(format!("cannot prepare {}: {error}", plan.run_dir.display()))),
        };
        match started {
            Ok(pid) => Ok(Arc::new(ShimHandle::new(shim_plan, pid, None, Arc::clone(&self.starter)))),
            Err(error) => {
                remove_traces(&plan.run_dir, shim_plan.cgroup).await;
                Err(error)
            }
        }
    }
}

/// The run directory with its plan, and the group. Blocks.
fn make_run_dir(layer: &CgroupLayer, plan: &mut ShimPlan) -> io::Result<()> {
    let run_dir = plan.launch.run_dir.clone();
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&run_dir)?;
    if !plan.launch.logs.disabled {
        std::fs::create_dir_all(&plan.launch.logs.dir)?;
    }
    if let Some(wanted) = &plan.launch.cgroup
        && layer.disabled_reason().is_none()
    {
        match layer.create(wanted) {
            Ok(group) => {
                for warning in &group.warnings {
                    tracing::warn!(cgroup = %wanted.path, "a limit does not hold: {warning}");
                }
                plan.cgroup = Some(group.paths);
            }
            Err(error) => tracing::warn!(cgroup = %wanted.path, "the task runs without a cgroup: {error}"),
        }
    }
    record::write(&run_dir, PLAN_FILE, plan)
}

/// Removes a run directory and the task's group, killing what is in it.
async fn remove_traces(run_dir: &Path, cgroup: Option<CgroupPaths>) {
    let run_dir = run_dir.to_path_buf();
    let removed = tokio::task::spawn_blocking(move || {
        if let Some(paths) = cgroup {
            if !paths.kill_and_wait() {
                tracing::error!(?paths, "processes are left in a cgroup after SIGKILL");
            }
            if let Err(error) = paths.remove() {
                tracing::warn!(?paths, "cannot remove a cgroup: {error}");
            }
        }
        match std::fs::remove_dir_all(&run_dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => tracing::warn!(?run_dir, "cannot remove a run directory: {error}"),
            _ => {}
        }
    });
    if let Err(error) = removed.await {
        tracing::error!("clearing a task away failed: {error}");
    }
}
