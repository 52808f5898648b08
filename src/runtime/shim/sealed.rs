//! A read-only view of the agent's binary to start shims from.
//!
//! A root task could open `/proc/<shim>/exe` and, once the shim is gone, write to the binary (the class of CVE-2019-5736). Started through a
//! read-only mount, that fails with EROFS. The mount is a detached one, held by a descriptor of the agent: nothing shows up in any mount
//! table, no namespace is made, nothing is left behind, and an upgrade that replaces the file does not mix versions.
#![allow(unsafe_code)] // open_tree and mount_setattr have no safe wrapper in nix 0.31.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::libc;

const OPEN_TREE_CLONE: libc::c_uint = 1;
const MOUNT_ATTR_RDONLY: u64 = 1;

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// A binary behind a detached read-only mount.
#[derive(Debug)]
pub struct SealedBinary(OwnedFd);

impl SealedBinary {
    /// Errors: EPERM without CAP_SYS_ADMIN, ENOSYS before Linux 5.12.
    pub fn open(binary: &Path) -> io::Result<Self> {
        let path = CString::new(binary.as_os_str().as_bytes())?;
        let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC as libc::c_uint;
        // SAFETY: `path` is a C string that outlives the call; the result is a new descriptor or -1.
        let fd = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
        let fd = libc::c_int::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(io::Error::last_os_error)?;
        // SAFETY: the descriptor is fresh and nobody else's.
        let tree = unsafe { OwnedFd::from_raw_fd(fd) };
        let attributes = MountAttr { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, user_namespace: 0 };
        // SAFETY: the empty path names the descriptor itself; `attributes` has the size that is passed and outlives the call.
        let set = unsafe {
            libc::syscall(
                libc::SYS_mount_setattr,
                tree.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_EMPTY_PATH,
                &raw const attributes,
                size_of::<MountAttr>(),
            )
        };
        if set < 0 { Err(io::Error::last_os_error()) } else { Ok(Self(tree)) }
    }

    /// A path to execute it by, valid in this process and in its children until they execute.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::process::Command;

    #[test]
    fn a_sealed_binary_runs_and_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("true");
        std::fs::copy("/bin/true", &binary).unwrap();
        let sealed = match SealedBinary::open(&binary) {
            Ok(sealed) => sealed,
            Err(error) => return println!("SKIPPED: no detached mounts here: {error}"),
        };
        assert!(Command::new(sealed.path()).status().unwrap().success());
        let refused = OpenOptions::new().write(true).open(sealed.path()).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EROFS));
        assert!(OpenOptions::new().write(true).open(&binary).is_ok(), "the file itself is as before");
    }
}
