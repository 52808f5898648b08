//! The disk that allocations' directories are on.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::{Facts, read};
use crate::model::MebiBytes;
use crate::node::config::NodeConfig;

pub fn add(facts: &mut Facts, config: &NodeConfig) {
    let root = config.alloc_root();
    // Before the first start the directory does not exist yet: its parent's file system will hold it.
    let Some(existing) = root.ancestors().find(|path| path.exists()) else {
        return;
    };
    let Ok(disk) = statvfs(existing) else {
        tracing::warn!(path = %existing.display(), "cannot measure the disk");
        return;
    };
    let (total, free) = (disk.blocks() * disk.fragment_size(), disk.blocks_available() * disk.fragment_size());
    facts.set("unique.storage.bytestotal", &total);
    facts.set("unique.storage.bytesfree", &free);
    if let Some(volume) = read("/proc/self/mounts").and_then(|mounts| device_of(&mounts, existing)) {
        facts.set("unique.storage.volume", &volume);
    }
    facts.resources.disk = config.disk_total.unwrap_or(MebiBytes(free >> 20));
}

/// The device of the longest mount point above `path`.
fn device_of(mounts: &str, path: &Path) -> Option<String> {
    let entries = mounts.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        Some((fields.next()?, fields.next()?))
    });
    let above = entries.filter(|(_, point)| path.starts_with(point));
    above.max_by_key(|(_, point)| point.len()).map(|(device, _)| device.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_mount() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /var ext4 rw 0 0\n/dev/c /var/lib2 ext4 rw 0 0\n";
        assert_eq!(device_of(mounts, Path::new("/var/lib/x")).as_deref(), Some("/dev/b"));
        assert_eq!(device_of(mounts, Path::new("/home")).as_deref(), Some("/dev/a"));
    }
}
