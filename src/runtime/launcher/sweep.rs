//! Clears away tasks that nobody knows: of allocations that were forgotten while the agent was away.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Launcher;
use crate::runtime::cgroup::CgroupPaths;
use crate::runtime::driver::Recovered;
use crate::runtime::shim::plan::{PLAN_FILE, ShimPlan};
use crate::runtime::shim::record;

/// Run directories may be this many levels below the root that is swept.
const DEPTH: u32 = 4;

/// What was cleared away.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    pub run_dirs: Vec<PathBuf>,
    pub cgroups: Vec<CgroupPaths>,
}

impl Launcher {
    /// Kills and removes every task below `root` whose run directory is not `known`, and then every group below the agent's parent group
    /// that no known task is in. Call it after recovery and before the first launch.
    pub async fn sweep(&self, root: &Path, known: &BTreeSet<PathBuf>) -> SweepReport {
        let mut report = SweepReport::default();
        for run_dir in run_dirs(root, DEPTH).into_iter().filter(|run_dir| !known.contains(run_dir)) {
            match self.recover(&run_dir).await {
                Recovered::Running(handle) | Recovered::Exited(_, handle) => handle.release().await,
                Recovered::Gone => {}
            }
            report.run_dirs.push(run_dir);
        }
        let (layer, known) = (self.cgroup.clone(), known.clone());
        let swept = tokio::task::spawn_blocking(move || {
            let in_use: Vec<CgroupPaths> = known.iter().filter_map(|run_dir| cgroup_of(run_dir)).collect();
            let in_use: BTreeSet<&Path> = in_use.iter().flat_map(CgroupPaths::dirs).collect();
            let mut groups = layer.existing();
            groups.retain(|group| !group.dirs().iter().any(|dir| in_use.contains(dir)));
            for group in &groups {
                group.kill_and_wait();
                if let Err(error) = group.remove() {
                    tracing::warn!(?group, "cannot remove a left-over cgroup: {error}");
                }
            }
            groups
        });
        report.cgroups = swept.await.unwrap_or_default();
        report
    }
}

fn cgroup_of(run_dir: &Path) -> Option<CgroupPaths> {
    record::read::<ShimPlan>(run_dir, PLAN_FILE).ok().flatten()?.cgroup
}

fn run_dirs(root: &Path, depth: u32) -> Vec<PathBuf> {
    if root.join(PLAN_FILE).is_file() {
        return vec![root.to_path_buf()];
    }
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let below = entries.flatten().filter(|entry| depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()));
    below.flat_map(|entry| run_dirs(&entry.path(), depth - 1)).collect()
}
