//! Opening files that a task can have tampered with: every path is resolved by the kernel below a directory, so that no
//! `..` and no symbolic link, however it is raced, leads out of it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::{Mode, fchmod, fstat, mkdirat};
use nix::unistd::{Gid, Uid, fchown};

use crate::runtime::shim::plan::Credentials;

/// Opens `relative` (a leading `/` is taken as the root itself) below `root`. `EXDEV` tells that it leads outside.
pub fn open_beneath(root: &Path, relative: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
    let root = open(root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    Ok(open_at(root.as_fd(), relative, flags, mode)?)
}

fn open_at(root: impl AsFd, relative: &Path, flags: OFlag, mode: Mode) -> Result<OwnedFd, Errno> {
    let relative = relative.strip_prefix("/").unwrap_or(relative);
    let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .mode(mode)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(root, relative, how)
}

/// Writes a file below `root`, with the directories on its way; an older file of that name is replaced. `owner`: whose it becomes;
/// `None`: as the kernel has it.
pub fn write_beneath(root: &Path, relative: &Path, content: &[u8], mode: u32, owner: Option<&Credentials>) -> io::Result<()> {
    let relative = relative.strip_prefix("/").unwrap_or(relative);
    let root = open(root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut on_the_way = PathBuf::new();
    for component in relative.parent().into_iter().flat_map(Path::components) {
        let Component::Normal(name) = component else {
            return Err(Errno::EXDEV.into());
        };
        let parent = open_at(&root, &on_the_way, OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty())?;
        match mkdirat(&parent, name, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => on_the_way.push(name),
            Err(error) => return Err(error.into()),
        }
    }
    let mode = Mode::from_bits_truncate(mode);
    let fd = open_at(&root, relative, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_NOFOLLOW, mode)?;
    if let Some(owner) = owner {
        // A hard link that the task put there may be to a file that it must not get.
        if fstat(&fd)?.st_nlink > 1 {
            return Err(Errno::EMLINK.into());
        }
        fchown(&fd, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))?;
    }
    // The umask does not get a say in what the specification asks for.
    fchmod(&fd, mode)?;
    File::from(fd).write_all(content)
}

/// Whether the error says that the path leads outside.
pub fn is_escape(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EXDEV as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn nothing_leads_outside() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        symlink("../secret", root.join("relative")).unwrap();
        symlink(dir.path().join("secret"), root.join("absolute")).unwrap();
        symlink("..", root.join("up")).unwrap();
        for path in ["../secret", "relative", "absolute", "up/secret", "a/../../secret", "/../secret"] {
            let read = open_beneath(&root, Path::new(path), OFlag::O_RDONLY, Mode::empty());
            assert!(read.is_err(), "{path}");
            assert!(write_beneath(&root, Path::new(path), b"x", 0o644, None).is_err(), "{path}");
        }
        assert_eq!(std::fs::read(dir.path().join("secret")).unwrap(), b"s");
    }

    #[test]
    fn writes_with_directories_and_permissions() {
        let dir = tempfile::tempdir().unwrap();
        write_beneath(dir.path(), Path::new("local/etc/app.conf"), b"a", 0o600, None).unwrap();
        write_beneath(dir.path(), Path::new("local/etc/app.conf"), b"b", 0o640, None).unwrap();
        let path = dir.path().join("local/etc/app.conf");
        assert_eq!(std::fs::read(&path).unwrap(), b"b");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }
}
