//! Directories of an allocation.
//!
//! ```text
//! <alloc root>/<allocation id>/
//!   alloc/{logs,tmp,data}          shared by its tasks
//!   <task>/{local,secrets,tmp}     one task's own; secrets are its user's alone
//! ```

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::model::AllocId;
use crate::runtime::shim::plan::Credentials;

/// Name of the shared directory; no task may be called so.
pub const SHARED: &str = "alloc";
/// A task's directories that are shown to nobody but the task.
pub const PRIVATE_DIRS: [&str; 2] = ["secrets", "private"];

/// Where an allocation's files are. Holds no handle: making one creates nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocDir {
    root: PathBuf,
}

impl AllocDir {
    pub fn new(alloc_root: &Path, alloc: AllocId) -> Self {
        Self { root: alloc_root.join(alloc.to_string()) }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn shared(&self) -> PathBuf {
        self.root.join(SHARED)
    }

    pub fn logs(&self) -> PathBuf {
        self.shared().join("logs")
    }

    pub fn task(&self, task: &str) -> PathBuf {
        self.root.join(task)
    }

    /// Makes the shared part. Idempotent.
    pub fn create(&self) -> io::Result<()> {
        make(&self.root, 0o755)?;
        make(&self.shared(), 0o755)?;
        make(&self.logs(), 0o755)?;
        // Tasks of one allocation may run as different users and share these.
        make(&self.shared().join("tmp"), 0o1777)?;
        make(&self.shared().join("data"), 0o777)
    }

    /// Makes a task's part. `owner`: whose its secrets are; `None`: the agent's own user's. Idempotent.
    pub fn create_task(&self, task: &str, owner: Option<&Credentials>) -> io::Result<()> {
        self.create()?;
        let dir = self.task(task);
        make(&dir, 0o755)?;
        make(&dir.join("local"), 0o777)?;
        make(&dir.join("tmp"), 0o1777)?;
        let secrets = dir.join("secrets");
        make(&secrets, 0o700)?;
        match owner {
            None => Ok(()),
            Some(owner) => chown(&secrets, Some(owner.uid), Some(owner.gid)),
        }
    }

    /// Removes everything. Idempotent.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A directory with exactly these permissions, whatever the umask, and whether or not it was there before.
pub fn make(path: &Path, mode: u32) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_what_tasks_expect_and_removes_it() {
        let root = tempfile::tempdir().unwrap();
        let dir = AllocDir::new(root.path(), AllocId(1));
        dir.create_task("web", None).unwrap();
        dir.create_task("web", None).unwrap();
        for path in ["alloc/logs", "alloc/tmp", "alloc/data", "web/local", "web/tmp", "web/secrets"] {
            assert!(dir.root().join(path).is_dir(), "{path}");
        }
        let secrets = dir.task("web").join("secrets").metadata().unwrap();
        assert_eq!(secrets.permissions().mode() & 0o777, 0o700);
        dir.remove().unwrap();
        dir.remove().unwrap();
        assert!(!dir.root().exists());
    }
}
