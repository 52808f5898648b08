//! The files that functions such as `file()` may look at. The room has none of its own: who evaluates a jobspec on somebody's
//! machine lends it theirs, and a server lends nothing.

use std::fmt::Debug;

/// A file system, as seen from the directory of the user.
pub trait FileAccess: Debug {
    /// # Errors
    /// Why the file cannot be read, in words.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether there is a regular file.
    fn is_file(&self, path: &str) -> bool;

    /// Regular files below a directory, as paths relative to it with `/`, in any order.
    ///
    /// # Errors
    /// Why the directory cannot be read, in words.
    fn files_below(&self, directory: &str) -> Result<Vec<String>, String>;

    /// `path` from the root.
    ///
    /// # Errors
    /// When there is no current directory.
    fn absolute(&self, path: &str) -> Result<String, String>;

    /// The home directory of the user.
    fn home(&self) -> Option<String>;
}
