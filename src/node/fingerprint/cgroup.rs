//! Which control groups this machine has, and below which one tasks live.

use std::path::Path;

use super::Facts;

/// Below the cgroup mount.
const TASKS_PARENT: &str = "pannier";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CgroupMode {
    Unified,
    /// Version 1 controllers, with an empty version 2 tree beside them.
    Hybrid,
    Legacy,
    None,
}

impl CgroupMode {
    /// Looks at what is mounted at `root` (`/sys/fs/cgroup`).
    pub fn detect(root: &Path) -> Self {
        if root.join("cgroup.controllers").exists() {
            Self::Unified
        } else if root.join("unified/cgroup.controllers").exists() || root.join("unified/cgroup.procs").exists() {
            Self::Hybrid
        } else if root.join("memory").is_dir() || root.join("cpu").is_dir() {
            Self::Legacy
        } else {
            Self::None
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Unified => "unified",
            Self::Hybrid => "hybrid",
            Self::Legacy => "legacy",
            Self::None => "none",
        }
    }
}

pub fn add(facts: &mut Facts) {
    let root = Path::new("/sys/fs/cgroup");
    let mode = CgroupMode::detect(root);
    facts.set("cgroup.mode", mode.name());
    let version = match mode {
        CgroupMode::Unified => "v2",
        CgroupMode::Hybrid | CgroupMode::Legacy => "v1",
        CgroupMode::None => return,
    };
    facts.set("unique.cgroup.version", version);
    facts.set("unique.cgroup.mountpoint", &root.display());
    facts.set("unique.cgroup.parent", TASKS_PARENT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_modes_apart() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(CgroupMode::detect(dir.path()), CgroupMode::None);
        std::fs::create_dir(dir.path().join("memory")).unwrap();
        assert_eq!(CgroupMode::detect(dir.path()), CgroupMode::Legacy);
        std::fs::create_dir(dir.path().join("unified")).unwrap();
        std::fs::write(dir.path().join("unified/cgroup.procs"), "").unwrap();
        assert_eq!(CgroupMode::detect(dir.path()), CgroupMode::Hybrid);
        std::fs::write(dir.path().join("cgroup.controllers"), "").unwrap();
        assert_eq!(CgroupMode::detect(dir.path()), CgroupMode::Unified);
    }
}
