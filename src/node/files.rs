//! Files of an allocation as people see them through the API: nothing outside of its directory, and no secrets.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::alloc_dir::{PRIVATE_DIRS, SHARED};
use super::beneath;
use crate::util::clock::Timestamp;

#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("path {0:?} is outside of the allocation's directory")]
    Outside(PathBuf),
    #[error("path {0:?} is private to its task")]
    Private(PathBuf),
    #[error("path {0:?} does not exist")]
    NotFound(PathBuf),
    #[error("path {0:?} is a directory")]
    IsDirectory(PathBuf),
    #[error("path {0:?} is not a directory")]
    NotDirectory(PathBuf),
    #[error("path {0:?} is not a regular file")]
    NotRegular(PathBuf),
    #[error("path {path:?}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    pub name: String,
    pub is_dir: bool,
    /// Bytes.
    pub size: u64,
    /// As `ls -l` writes it: `-rw-r--r--`.
    pub mode: String,
    pub modified: Timestamp,
}

/// Reading below one allocation's directory. All calls block; paths are relative to it, with or without a leading `/`.
#[derive(Clone, Debug)]
pub struct AllocFiles {
    root: PathBuf,
}

impl AllocFiles {
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Entries of a directory by name. Tasks' private directories are named but cannot be entered.
    pub fn list(&self, path: &Path) -> Result<Vec<FileInfo>, FilesError> {
        let directory = self.open(path, OFlag::O_DIRECTORY)?;
        let io = |source| FilesError::Io { path: path.to_owned(), source };
        let mut entries = Vec::new();
        // Through the open directory, not by name: the name may lead elsewhere by now.
        for entry in std::fs::read_dir(format!("/proc/self/fd/{}", directory.as_raw_fd())).map_err(io)? {
            let entry = entry.map_err(io)?;
            // A file that vanished meanwhile is simply not there.
            if let Ok(metadata) = entry.metadata() {
                entries.push(FileInfo::new(entry.file_name().to_string_lossy().into_owned(), &metadata));
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    pub fn stat(&self, path: &Path) -> Result<FileInfo, FilesError> {
        let file = self.open(path, OFlag::empty())?;
        let metadata = file.metadata().map_err(|source| FilesError::Io { path: path.to_owned(), source })?;
        let name = path.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(FileInfo::new(name, &metadata))
    }

    /// A regular file, to be read from `offset`.
    pub fn open_at(&self, path: &Path, offset: u64) -> Result<File, FilesError> {
        let mut file = self.open(path, OFlag::empty())?;
        let io = |source| FilesError::Io { path: path.to_owned(), source };
        let metadata = file.metadata().map_err(io)?;
        if metadata.is_dir() {
            return Err(FilesError::IsDirectory(path.to_owned()));
        }
        // A task's pipe would block, and a device is not the task's to show.
        if !metadata.is_file() {
            return Err(FilesError::NotRegular(path.to_owned()));
        }
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        Ok(file)
    }

    fn open(&self, path: &Path, flags: OFlag) -> Result<File, FilesError> {
        let flags = flags | OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let opened = beneath::open_beneath(&self.root, path, flags, Mode::empty());
        let file = File::from(opened.map_err(|error| classify(path, error))?);
        self.refuse_private(&file, path)?;
        Ok(file)
    }

    /// By where the file really is: a link to a secret is as private as the secret.
    fn refuse_private(&self, file: &File, path: &Path) -> Result<(), FilesError> {
        let io = |source| FilesError::Io { path: path.to_owned(), source };
        let real = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(io)?;
        let root = self.root.canonicalize().map_err(io)?;
        let Ok(below) = real.strip_prefix(&root) else {
            return Err(FilesError::Outside(path.to_owned()));
        };
        let mut parts = below.iter().map(|part| part.to_string_lossy());
        let in_task = parts.next().is_some_and(|first| first != SHARED);
        let private = in_task && parts.next().is_some_and(|second| PRIVATE_DIRS.contains(&&*second));
        if private { Err(FilesError::Private(path.to_owned())) } else { Ok(()) }
    }
}

impl FileInfo {
    fn new(name: String, metadata: &std::fs::Metadata) -> Self {
        let nanoseconds = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        Self { name, is_dir: metadata.is_dir(), size: metadata.len(), mode: mode_text(metadata.mode()), modified: Timestamp(nanoseconds) }
    }
}

fn mode_text(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'L',
        0o010_000 => 'p',
        0o140_000 => 'S',
        0o020_000 | 0o060_000 => 'D',
        _ => '-',
    };
    let bits = (0..9).map(|bit| if mode & (0o400 >> bit) != 0 { ['r', 'w', 'x'][bit % 3] } else { '-' });
    std::iter::once(kind).chain(bits).collect()
}

fn classify(path: &Path, error: io::Error) -> FilesError {
    let path = path.to_owned();
    match error.kind() {
        _ if beneath::is_escape(&error) => FilesError::Outside(path),
        io::ErrorKind::NotFound => FilesError::NotFound(path),
        io::ErrorKind::NotADirectory => FilesError::NotDirectory(path),
        _ => FilesError::Io { path, source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    fn scene() -> (tempfile::TempDir, AllocFiles) {
        let dir = tempfile::tempdir().unwrap();
        for path in ["alloc/data", "alloc/secrets", "web/secrets", "web/local"] {
            std::fs::create_dir_all(dir.path().join(path)).unwrap();
        }
        std::fs::write(dir.path().join("web/secrets/token"), "t").unwrap();
        std::fs::write(dir.path().join("web/local/a.txt"), "0123456789").unwrap();
        let files = AllocFiles::new(dir.path().to_owned());
        (dir, files)
    }

    #[test]
    fn lists_and_reads() {
        let (_dir, files) = scene();
        let names: Vec<String> = files.list(Path::new("/")).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["alloc", "web"]);
        let entry = &files.list(Path::new("web/local")).unwrap()[0];
        assert_eq!((entry.name.as_str(), entry.size, entry.is_dir, &entry.mode[..4]), ("a.txt", 10, false, "-rw-"));
        let mut text = String::new();
        files.open_at(Path::new("/web/local/a.txt"), 4).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "456789");
        assert!(matches!(files.open_at(Path::new("web"), 0), Err(FilesError::IsDirectory(_))));
        assert!(matches!(files.list(Path::new("web/local/a.txt")), Err(FilesError::NotDirectory(_))));
        assert!(matches!(files.stat(Path::new("nothing")), Err(FilesError::NotFound(_))));
    }

    #[test]
    fn hides_secrets_however_they_are_named() {
        let (dir, files) = scene();
        symlink("../web/secrets/token", dir.path().join("alloc/link")).unwrap();
        for path in ["web/secrets/token", "web/local/../secrets/token", "alloc/link", "web/secrets"] {
            assert!(matches!(files.stat(Path::new(path)), Err(FilesError::Private(_))), "{path}");
        }
        assert!(files.stat(Path::new("alloc/secrets")).is_ok(), "the shared directory has no private part");
    }

    #[test]
    fn stays_inside() {
        let (dir, files) = scene();
        symlink("/etc/hostname", dir.path().join("alloc/absolute")).unwrap();
        for path in ["../x", "alloc/absolute", "web/../../x"] {
            assert!(matches!(files.stat(Path::new(path)), Err(FilesError::Outside(_))), "{path}");
        }
    }
}
