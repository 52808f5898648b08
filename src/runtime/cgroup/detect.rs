//! What is mounted: for each controller a v1 hierarchy, the v2 hierarchy, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Controller;

/// How the host's hierarchies are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CgroupMode {
    /// Everything on v2.
    Unified,
    /// Controllers on v1, v2 mounted beside them.
    Hybrid,
    /// v1 only.
    Legacy,
    None,
}

impl CgroupMode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Unified => "unified",
            Self::Hybrid => "hybrid",
            Self::Legacy => "legacy",
            Self::None => "none",
        }
    }
}

/// One mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    pub mount: PathBuf,
    /// This process's own group, relative to `mount`; empty: the root group, or outside of what the mount shows.
    pub own: PathBuf,
}

/// All mounted hierarchies as this process sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchies {
    pub v1: BTreeMap<Controller, Hierarchy>,
    pub v2: Option<Hierarchy>,
    /// The controllers that v2 offers; empty on a hybrid host.
    pub v2_controllers: BTreeSet<Controller>,
}

impl Hierarchies {
    /// Looks at `/proc/self`.
    pub fn detect() -> io::Result<Self> {
        let mut found = Self::parse(&fs::read_to_string("/proc/self/mountinfo")?, &fs::read_to_string("/proc/self/cgroup")?);
        if let Some(v2) = &found.v2 {
            let offered = fs::read_to_string(v2.mount.join("cgroup.controllers")).unwrap_or_default();
            found.v2_controllers = offered.split_whitespace().filter_map(Controller::from_v2_name).collect();
        }
        Ok(found)
    }

    /// Reads the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`. Does not fill `v2_controllers`.
    pub fn parse(mountinfo: &str, membership: &str) -> Self {
        let own = own_groups(membership);
        let mut found = Self::default();
        for line in mountinfo.lines() {
            let Some(mount) = MountLine::parse(line) else { continue };
            match mount.filesystem {
                "cgroup2" if found.v2.is_none() => found.v2 = Some(mount.hierarchy(own.get("").copied())),
                "cgroup" => {
                    for name in mount.super_options.split(',') {
                        let Some(controller) = Controller::from_v1_name(name) else { continue };
                        found.v1.entry(controller).or_insert_with(|| mount.hierarchy(own.get(name).copied()));
                    }
                }
                _ => {}
            }
        }
        found
    }

    pub fn mode(&self) -> CgroupMode {
        match (self.v1.is_empty(), self.v2.is_some()) {
            (true, true) => CgroupMode::Unified,
            (false, true) => CgroupMode::Hybrid,
            (false, false) => CgroupMode::Legacy,
            (true, false) => CgroupMode::None,
        }
    }

    /// The controllers that can be used on either version.
    pub fn controllers(&self) -> BTreeSet<Controller> {
        self.v1.keys().copied().chain(self.v2_controllers.iter().copied()).collect()
    }
}

/// The fields of a mountinfo line that matter: `... root mount_point ... - filesystem source super_options`.
struct MountLine<'a> {
    root: &'a str,
    mount_point: String,
    filesystem: &'a str,
    super_options: &'a str,
}

impl<'a> MountLine<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, mount_point) = (left.next()?, left.next()?);
        let mut right = right.split(' ');
        let (filesystem, _source, super_options) = (right.next()?, right.next()?, right.next()?);
        Some(Self { root, mount_point: unescape(mount_point), filesystem, super_options })
    }

    /// A mount may show only a part of its hierarchy (`root`), as in a container.
    fn hierarchy(&self, own: Option<&str>) -> Hierarchy {
        let own = own.and_then(|path| Path::new(path).strip_prefix(self.root).ok()).unwrap_or(Path::new(""));
        Hierarchy { mount: PathBuf::from(&self.mount_point), own: own.to_path_buf() }
    }
}

/// `hierarchy-id:controllers:path` lines as controller -> path; v2's controller list is empty.
fn own_groups(membership: &str) -> BTreeMap<&str, &str> {
    let mut own = BTreeMap::new();
    for line in membership.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        for controller in controllers.split(',') {
            own.insert(controller, path);
        }
    }
    own
}

/// mountinfo writes space, tab, newline and backslash as `\` and three octal digits.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                rest = &rest[at + 4..];
            }
            None => {
                plain.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    #[test]
    fn a_hybrid_host_has_limits_on_v1_and_tracking_on_v2() {
        let found = Hierarchies::parse(HYBRID, "4:memory:/box/a\n2:cpu,cpuacct:/\n1:name=systemd:/init.scope\n0::/svc\n");
        assert_eq!(found.mode(), CgroupMode::Hybrid);
        assert_eq!(found.v1[&Controller::Cpu].mount, Path::new("/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(found.v1[&Controller::Cpuacct].mount, found.v1[&Controller::Cpu].mount);
        assert_eq!(found.v1[&Controller::Memory].own, Path::new("box/a"));
        assert_eq!(found.v1[&Controller::Io].mount, Path::new("/sys/fs/cgroup/blkio"));
        assert!(!found.v1.contains_key(&Controller::Pids));
        assert_eq!(found.v2, Some(Hierarchy { mount: "/sys/fs/cgroup/unified".into(), own: "svc".into() }));
    }

    #[test]
    fn a_unified_host_and_one_without_groups() {
        let found =
            Hierarchies::parse("25 20 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "0::/system.slice/pannier.service\n");
        assert_eq!(found.mode(), CgroupMode::Unified);
        assert_eq!(found.v2.unwrap().own, Path::new("system.slice/pannier.service"));
        assert_eq!(Hierarchies::parse("", "").mode(), CgroupMode::None);
    }

    #[test]
    fn a_mount_that_shows_a_part_of_the_hierarchy() {
        let found = Hierarchies::parse("25 20 0:22 /docker/c1 /mnt/a\\040b rw - cgroup cgroup rw,pids\n", "3:pids:/docker/c1/me\n");
        let pids = &found.v1[&Controller::Pids];
        assert_eq!((pids.mount.as_path(), pids.own.as_path()), (Path::new("/mnt/a b"), Path::new("me")));
        assert_eq!(found.mode(), CgroupMode::Legacy);
    }
}
