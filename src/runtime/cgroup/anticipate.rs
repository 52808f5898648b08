//! Gets the kernel ready to move a process into a group, while something else is still to be done.
//!
//! The first write to any `cgroup.procs` after a pause waits for an RCU grace period (measured on Linux 6.18: 6 to 16 ms; within the next
//! 20 ms it is 0.1 ms, after 100 ms it waits again): the kernel's lock on thread groups (`cgroup_threadgroup_rwsem`) has to turn from its
//! readers, who fork and exit, to writers. It is one lock for all hierarchies, and a write that changes nothing turns it as well.

use std::fs;
use std::path::PathBuf;

use super::detect::{Hierarchies, Hierarchy};
use super::paths::write_value;

/// Writes this process into the group that it is in, and returns when the kernel has done so. Blocks. Whether it works is no matter: then the
/// task's own move waits.
pub fn anticipate_move() {
    let own_pid = std::process::id().to_string();
    let Ok(hierarchies) = Hierarchies::detect() else { return };
    let own_group = hierarchies.v2.iter().chain(hierarchies.v1.values()).find_map(|hierarchy| procs_with(hierarchy, &own_pid));
    if let Some(procs) = own_group {
        let _ = write_value(&procs, &own_pid);
    }
}

/// The members file of the own group. A mount that does not show that group shows the root in its place, and nobody shall be moved.
fn procs_with(hierarchy: &Hierarchy, pid: &str) -> Option<PathBuf> {
    let procs = hierarchy.mount.join(&hierarchy.own).join("cgroup.procs");
    fs::read_to_string(&procs).ok()?.lines().any(|line| line == pid).then_some(procs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_moved_by_it() {
        let before = fs::read_to_string("/proc/self/cgroup").unwrap();
        anticipate_move();
        assert_eq!(fs::read_to_string("/proc/self/cgroup").unwrap(), before);
    }

    #[test]
    fn a_group_without_this_process_is_not_its_own() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cgroup.procs"), "1\n12345\n").unwrap();
        let hierarchy = Hierarchy { mount: dir.path().to_path_buf(), own: PathBuf::new() };
        assert_eq!(procs_with(&hierarchy, "1234"), None);
        assert_eq!(procs_with(&hierarchy, "12345"), Some(dir.path().join("cgroup.procs")));
    }
}
