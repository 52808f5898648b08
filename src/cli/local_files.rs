//! The files of the person at the terminal, for `file()` and the like in a jobspec.

use std::path::{Path, PathBuf};

use crate::jobspec::FileAccess;

/// A directory tree larger than this is not what a jobspec wants the files of.
const MOST_FILES: usize = 100_000;

#[derive(Debug)]
pub struct LocalFiles;

impl FileAccess for LocalFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| format!("cannot read {path:?}: {error}"))
    }

    fn is_file(&self, path: &str) -> bool {
        Path::new(path).is_file()
    }

    fn files_below(&self, directory: &str) -> Result<Vec<String>, String> {
        let root = Path::new(directory);
        let mut waiting: Vec<PathBuf> = vec![root.to_owned()];
        let mut found = Vec::new();
        while let Some(next) = waiting.pop() {
            let unreadable = |error: std::io::Error| format!("cannot read {:?}: {error}", next.display());
            for entry in std::fs::read_dir(&next).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?;
                // A link to a directory may lead back to where it is.
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    waiting.push(entry.path());
                } else if entry.path().is_file()
                    && let Ok(relative) = entry.path().strip_prefix(root)
                {
                    found.push(relative.to_string_lossy().into_owned());
                }
                if found.len() + waiting.len() > MOST_FILES {
                    return Err(format!("there are more than {MOST_FILES} files below {directory:?}"));
                }
            }
        }
        Ok(found)
    }

    fn absolute(&self, path: &str) -> Result<String, String> {
        let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
        Ok(absolute.to_string_lossy().into_owned())
    }

    fn home(&self) -> Option<String> {
        std::env::var("HOME").ok().filter(|home| !home.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_listed_relative_to_its_root() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("b")).unwrap();
        for name in ["a", "b/c"] {
            std::fs::write(directory.path().join(name), name).unwrap();
        }
        std::os::unix::fs::symlink(directory.path(), directory.path().join("b/loop")).unwrap();
        let root = directory.path().to_str().unwrap();
        let mut found = LocalFiles.files_below(root).unwrap();
        found.sort();
        assert_eq!(found, ["a", "b/c"]);
        assert_eq!(LocalFiles.read(&format!("{root}/a")).unwrap(), b"a");
        assert!(LocalFiles.is_file(&format!("{root}/a")) && !LocalFiles.is_file(root));
        assert!(LocalFiles.files_below(&format!("{root}/none")).is_err());
    }
}
