//! The data directory: made with tight permissions, marked with its format, temporary in dev mode unless one is named.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::AgentError;
use super::config::AgentConfig;
use crate::util::random::random_u128;

/// Layout of the directory's contents; a newer one is refused rather than guessed at.
const FORMAT: u32 = 1;

/// A directory that is deleted with this when it was made for one run only.
pub struct DataDir {
    path: PathBuf,
    temporary: bool,
}

impl DataDir {
    pub fn open(config: &AgentConfig) -> Result<Self, AgentError> {
        let (path, temporary) = match &config.data_dir {
            Some(path) => (path.clone(), false),
            None => (std::env::temp_dir().join(format!("pannier-dev-{:016x}", random_u128() as u64)), true),
        };
        let problem = |error: io::Error| AgentError::DataDirectory { path: path.clone(), reason: advice(&error) };
        // Tasks of other users must be able to walk through to their own directories; what is the agent's own is closed.
        DirBuilder::new().recursive(true).mode(0o711).create(&path).map_err(problem)?;
        for private in ["server", "client"] {
            let directory = path.join(private);
            DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(problem)?;
            fs::set_permissions(&directory, Permissions::from_mode(0o700)).map_err(problem)?;
        }
        check_format(&path)?;
        Ok(Self { path, temporary })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the temporary data directory could not be removed");
        }
    }
}

/// Writes the marker of a new directory, compares that of an old one.
fn check_format(path: &Path) -> Result<(), AgentError> {
    let marker = path.join("version");
    let problem = |reason: String| AgentError::DataDirectory { path: path.to_owned(), reason };
    match fs::read_to_string(&marker) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(FORMAT) => Ok(()),
            Ok(found) if found > FORMAT => Err(problem(format!(
                "it was written by a newer pannier (format {found}, this build knows {FORMAT}): start that version or a newer one"
            ))),
            _ => Err(problem(format!("its file `version` reads {:?} instead of {FORMAT}: is this pannier's directory?", text.trim()))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let part = path.join("version.part");
            fs::write(&part, format!("{FORMAT}\n"))
                .and_then(|()| fs::File::open(&part)?.sync_all())
                .and_then(|()| fs::rename(&part, &marker))
                .and_then(|()| fs::File::open(path)?.sync_all())
                .map_err(|error| problem(advice(&error)))
        }
        Err(error) => Err(problem(advice(&error))),
    }
}

fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "it is on a read-only file system: choose another with -data-dir".to_owned(),
        io::ErrorKind::PermissionDenied => format!("{error}: run as its owner, or choose another with -data-dir"),
        _ => error.to_string(),
    }
}
