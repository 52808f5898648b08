//! Makes groups below the agent's parent group.
//!
//! ```text
//! <mount>/<parent>/shims                    every shim (v2 only)
//! <mount>/<parent>/allocs/<alloc>/<task>    a task
//! ```
//! v2 allows no processes in a group that passes controllers on, hence the leaf for the shims.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::detect::{CgroupMode, Hierarchies, Hierarchy};
use super::paths::{remove_dir, siblings, subdirectories, write_value};
use super::{CgroupError, CgroupPaths, Controller, limits, v1_limits};
use crate::runtime::launch::CgroupPlan;

/// The controllers that limits need. `Freezer` is added where v2 is not there to kill with.
const WANTED: [Controller; 5] = [Controller::Cpu, Controller::Cpuacct, Controller::Cpuset, Controller::Memory, Controller::Pids];

/// Below the parent: where the tasks' groups are.
const ALLOCS: &str = "allocs";
const SHIMS: &str = "shims";

/// A freshly made group.
#[derive(Debug)]
pub struct Cgroup {
    pub paths: CgroupPaths,
    /// Limits that the kernel did not take; the group serves without them.
    pub warnings: Vec<String>,
}

/// What this agent can do with control groups on this host.
#[derive(Clone, Debug)]
pub struct CgroupLayer {
    hierarchies: Hierarchies,
    parent: PathBuf,
    /// Why groups are not used at all.
    disabled: Option<String>,
}

impl CgroupLayer {
    /// Looks at the host and tries whether groups can be made below `parent`, a path relative to each hierarchy's root. When the
    /// root is not ours to write to (a delegated unit, a container), the parent is looked for below this process's own group.
    /// Two agents on one machine need two parents.
    pub fn detect(parent: &str) -> Self {
        match Hierarchies::detect() {
            Ok(hierarchies) => Self::with_hierarchies(hierarchies, parent),
            Err(error) => Self::disabled(&format!("cannot read /proc/self: {error}")),
        }
    }

    /// A layer over known hierarchies.
    pub fn with_hierarchies(hierarchies: Hierarchies, parent: &str) -> Self {
        let mut layer = Self { hierarchies, parent: PathBuf::from(parent), disabled: None };
        layer.disabled = layer.probe().err();
        layer
    }

    /// A layer that makes no groups.
    pub fn disabled(reason: &str) -> Self {
        Self { hierarchies: Hierarchies::default(), parent: PathBuf::new(), disabled: Some(reason.to_owned()) }
    }

    pub fn mode(&self) -> CgroupMode {
        self.hierarchies.mode()
    }

    pub fn hierarchies(&self) -> &Hierarchies {
        &self.hierarchies
    }

    /// Why tasks run without groups here, if they do.
    pub fn disabled_reason(&self) -> Option<&str> {
        self.disabled.as_deref()
    }

    /// Node attributes: `cgroup.mode`, `cgroup.controllers` and the reason when groups are not used.
    pub fn attributes(&self) -> BTreeMap<String, String> {
        let controllers: Vec<&str> = self.hierarchies.controllers().into_iter().map(Controller::v2_name).collect();
        let version = if self.mode() == CgroupMode::Unified { "2" } else { "1" };
        let mut attributes = BTreeMap::from([
            ("cgroup.mode".to_owned(), self.mode().name().to_owned()),
            ("cgroup.controllers".to_owned(), controllers.join(",")),
        ]);
        if self.mode() != CgroupMode::None {
            attributes.insert("os.cgroups.version".to_owned(), version.to_owned());
        }
        if let Some(reason) = &self.disabled {
            attributes.insert("cgroup.disabled".to_owned(), reason.clone());
        }
        attributes
    }

    /// The group for shims, if v2 is there to hold it.
    pub fn shims_group(&self) -> Option<PathBuf> {
        if self.disabled.is_some() {
            return None;
        }
        let dir = self.v2_base()?.join(SHIMS);
        dir.is_dir().then_some(dir)
    }

    /// Makes the group of a plan with its limits. A group of that name that is left over is killed and made anew, so that its counters
    /// start at zero. Blocks.
    pub fn create(&self, plan: &CgroupPlan) -> Result<Cgroup, CgroupError> {
        if let Some(reason) = &self.disabled {
            return Err(CgroupError::Disabled(reason.clone()));
        }
        let paths = self.locate(plan)?;
        if paths.dirs().iter().any(|dir| dir.exists()) {
            if !paths.kill_and_wait() {
                return Err(CgroupError::Populated(paths.dirs().first().map(|dir| dir.to_path_buf()).unwrap_or_default()));
            }
            paths.remove().map_err(CgroupError::io("remove the left-over of", &plan.path))?;
        }
        let made = {
            let _unchanging = siblings();
            self.make(plan, &paths)
        };
        if made.is_err() {
            let _ = paths.remove();
        }
        Ok(Cgroup { warnings: made?, paths })
    }

    /// The groups of tasks that exist below the parent, whoever made them.
    pub fn existing(&self) -> Vec<CgroupPaths> {
        let mut groups: BTreeMap<PathBuf, CgroupPaths> = BTreeMap::new();
        let v2 = self.v2_base().map(|base| (None, base));
        let v1 = self.hierarchies.v1.iter().map(|(controller, hierarchy)| (Some(*controller), self.base(hierarchy)));
        for (controller, base) in v2.into_iter().chain(v1) {
            for alloc in subdirectories(&base.join(ALLOCS)) {
                for task in subdirectories(&alloc) {
                    let Ok(relative) = task.strip_prefix(&base) else { continue };
                    let paths = groups.entry(relative.to_path_buf()).or_default();
                    match controller {
                        None => paths.v2 = Some(task),
                        Some(controller) => {
                            paths.v1.insert(controller, task);
                        }
                    }
                }
            }
        }
        groups.into_values().collect()
    }

    /// Removes the parent's own directories, as far as no group and no shim is left in them. Blocks.
    pub fn remove_parent(&self) {
        let bases = self.hierarchies.v1.values().map(|hierarchy| self.base(hierarchy)).chain(self.v2_base());
        for base in bases.collect::<BTreeSet<_>>() {
            for dir in [base.join(ALLOCS), base.join(SHIMS), base] {
                let _ = remove_dir(&dir);
            }
        }
    }

    /// Where a plan's groups are, made or not.
    fn locate(&self, plan: &CgroupPlan) -> Result<CgroupPaths, CgroupError> {
        let relative = Path::new(&plan.path);
        let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || plan.path.is_empty() {
            return Err(CgroupError::BadPath(plan.path.clone()));
        }
        let v2 = self.v2_base().map(|base| base.join(relative));
        let mut v1 = BTreeMap::new();
        for (controller, hierarchy) in &self.hierarchies.v1 {
            let wanted = match controller {
                Controller::Cpuset => !plan.cores.is_empty(),
                Controller::Freezer => v2.is_none(),
                other => WANTED.contains(other),
            };
            if wanted {
                v1.insert(*controller, self.base(hierarchy).join(relative));
            }
        }
        Ok(CgroupPaths { v2, v1 })
    }

    fn make(&self, plan: &CgroupPlan, paths: &CgroupPaths) -> Result<Vec<String>, CgroupError> {
        let mut warnings = Vec::new();
        if let (Some(dir), Some(hierarchy)) = (&paths.v2, &self.hierarchies.v2) {
            make_dir(dir)?;
            let passed_on = self.pass_controllers_on(&hierarchy.mount, dir, &mut warnings);
            for setting in limits::v2_settings(plan, &passed_on) {
                let path = dir.join(setting.file);
                if let Err(error) = write_value(&path, &setting.value) {
                    warnings.push(format!("{}: cannot write {}: {error}", path.display(), setting.value));
                }
            }
        }
        for (controller, dir) in &paths.v1 {
            if *controller == Controller::Cpuset {
                let mount = &self.hierarchies.v1[controller].mount;
                v1_limits::create_cpuset(dir, mount).unwrap_or_else(|problem| warnings.push(problem));
            } else {
                make_dir(dir)?;
            }
        }
        warnings.extend(v1_limits::apply(plan, paths));
        Ok(warnings)
    }

    /// Enables the wanted controllers from the mount's root down to `leaf`'s parent. Returns those that `leaf` has.
    fn pass_controllers_on(&self, mount: &Path, leaf: &Path, warnings: &mut Vec<String>) -> BTreeSet<Controller> {
        let wanted: BTreeSet<Controller> = self.hierarchies.v2_controllers.iter().copied().filter(|c| WANTED.contains(c)).collect();
        if wanted.is_empty() {
            return wanted;
        }
        let mut above: Vec<&Path> = leaf.ancestors().skip(1).take_while(|dir| dir.starts_with(mount)).collect();
        above.reverse();
        for dir in above {
            let file = dir.join("cgroup.subtree_control");
            let enabled = fs::read_to_string(&file).unwrap_or_default();
            for controller in wanted.iter().filter(|c| !enabled.split_whitespace().any(|name| name == c.v2_name())) {
                // One at a time: a refused one must not take the others with it.
                if let Err(error) = write_value(&file, &format!("+{}", controller.v2_name())) {
                    warnings.push(format!("{}: cannot enable {}: {error}", file.display(), controller.v2_name()));
                }
            }
        }
        let offered = fs::read_to_string(leaf.join("cgroup.controllers")).unwrap_or_default();
        offered.split_whitespace().filter_map(Controller::from_v2_name).filter(|c| wanted.contains(c)).collect()
    }

    fn v2_base(&self) -> Option<PathBuf> {
        self.hierarchies.v2.as_ref().map(|hierarchy| self.base(hierarchy))
    }

    fn base(&self, hierarchy: &Hierarchy) -> PathBuf {
        hierarchy.mount.join(&self.parent)
    }

    /// Tries to make the parent everywhere; moves it below the own group where the root is not writable.
    fn probe(&mut self) -> Result<(), String> {
        if self.mode() == CgroupMode::None {
            return Err("no cgroup file system is mounted".to_owned());
        }
        let plain = self.parent.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || self.parent.as_os_str().is_empty() {
            return Err(format!("the parent group {:?} is not a relative path", self.parent));
        }
        let parent = self.parent.clone();
        for hierarchy in self.hierarchies.v2.iter_mut().chain(self.hierarchies.v1.values_mut()) {
            let at_root = fs::create_dir_all(hierarchy.mount.join(&parent).join(ALLOCS));
            let Err(error) = at_root else { continue };
            if hierarchy.own.as_os_str().is_empty() {
                return Err(format!("cannot make {}: {error}", hierarchy.mount.join(&parent).display()));
            }
            // Seen from here on as a hierarchy whose root is the own group.
            let own = hierarchy.mount.join(&hierarchy.own);
            fs::create_dir_all(own.join(&parent).join(ALLOCS))
                .map_err(|error| format!("cannot make {}: {error}", own.join(&parent).display()))?;
            hierarchy.mount = own;
            hierarchy.own = PathBuf::new();
            leave_to_leaf(&hierarchy.mount.join(&parent));
        }
        if let Some(base) = self.v2_base() {
            fs::create_dir_all(base.join(SHIMS)).map_err(|error| format!("cannot make {}: {error}", base.join(SHIMS).display()))?;
        }
        Ok(())
    }
}

/// Moves this process out of a group that is about to get children, into a leaf below it. Without it v2 refuses to pass controllers
/// on, which [`CgroupLayer::create`] then reports as a warning.
fn leave_to_leaf(base: &Path) {
    let leaf = base.join("agent");
    if fs::create_dir_all(&leaf).is_ok() {
        let _ = write_value(&leaf.join("cgroup.procs"), "0");
    }
}

fn make_dir(dir: &Path) -> Result<(), CgroupError> {
    fs::create_dir_all(dir).map_err(CgroupError::io("make", dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(path: &str) -> CgroupPlan {
        CgroupPlan {
            path: path.to_owned(),
            cpu_shares: 1024,
            cpu_quota_us: None,
            cores: Vec::new(),
            memory_soft: 0,
            memory_hard: Some(4096),
            pids_max: None,
        }
    }

    /// A plain directory in the place of a mounted v2 hierarchy: it has no files of the kernel's.
    fn fake(root: &Path) -> CgroupLayer {
        let v2 = Some(Hierarchy { mount: root.to_path_buf(), own: PathBuf::new() });
        let v2_controllers = BTreeSet::from([Controller::Cpu, Controller::Memory]);
        CgroupLayer::with_hierarchies(Hierarchies { v1: BTreeMap::new(), v2, v2_controllers }, "pannier")
    }

    #[test]
    fn a_path_never_leaves_its_parent() {
        let root = tempfile::tempdir().unwrap();
        let layer = fake(root.path());
        for bad in ["", "/etc", "../up", "allocs/../../up", "./a"] {
            assert!(matches!(layer.create(&plan(bad)), Err(CgroupError::BadPath(_))), "{bad:?}");
        }
        for bad in ["", "/abs", "a/../.."] {
            let layer = CgroupLayer::with_hierarchies(layer.hierarchies().clone(), bad);
            assert!(layer.disabled_reason().is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_group_is_made_found_and_removed_and_no_file_is_ever_made() {
        let root = tempfile::tempdir().unwrap();
        let layer = fake(root.path());
        assert_eq!(layer.shims_group(), Some(root.path().join("pannier/shims")));
        let group = layer.create(&plan("allocs/a1/web")).unwrap();
        let dir = root.path().join("pannier/allocs/a1/web");
        assert_eq!(group.paths.v2.as_deref(), Some(dir.as_path()));
        assert_eq!(layer.existing(), std::slice::from_ref(&group.paths));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        assert!(group.warnings.iter().any(|warning| warning.contains("cannot enable memory")), "{:?}", group.warnings);
        group.paths.remove().unwrap();
        assert!(!root.path().join("pannier/allocs/a1").exists());
        layer.remove_parent();
        assert!(!root.path().join("pannier").exists());
    }

    #[test]
    fn controllers_are_passed_on_from_the_root_down() {
        let root = tempfile::tempdir().unwrap();
        let layer = fake(root.path());
        let above = ["", "pannier", "pannier/allocs", "pannier/allocs/a1"].map(|dir| root.path().join(dir));
        for dir in &above {
            fs::create_dir_all(dir).unwrap();
            fs::write(dir.join("cgroup.subtree_control"), "").unwrap();
        }
        let leaf = root.path().join("pannier/allocs/a1/web");
        fs::create_dir(&leaf).unwrap();
        fs::write(leaf.join("cgroup.controllers"), "cpu memory io\n").unwrap();
        let mut warnings = Vec::new();
        let passed_on = layer.pass_controllers_on(root.path(), &leaf, &mut warnings);
        assert_eq!(passed_on, BTreeSet::from([Controller::Cpu, Controller::Memory]), "of what is offered, what limits need");
        assert_eq!(warnings, Vec::<String>::new());
        for dir in above {
            // Plain files keep the last of the two writes at their beginning.
            assert_eq!(fs::read_to_string(dir.join("cgroup.subtree_control")).unwrap(), "+memory");
        }
        assert!(!leaf.join("cgroup.subtree_control").exists());
    }

    #[test]
    fn without_any_hierarchy_the_reason_is_said() {
        let layer = CgroupLayer::with_hierarchies(Hierarchies::default(), "pannier");
        assert_eq!(layer.attributes()["cgroup.mode"], "none");
        assert!(layer.attributes()["cgroup.disabled"].contains("mounted"));
        assert!(matches!(layer.create(&plan("allocs/a/b")), Err(CgroupError::Disabled(_))));
    }
}
