//! The node's id: made once, kept in the data directory for life.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::error::NodeError;
use crate::model::NodeId;

const FILE: &str = "node-id";

/// Reads the id from `client_dir`, or makes one and has it on disk before anybody hears of it.
pub fn load_or_create(client_dir: &Path) -> Result<NodeId, NodeError> {
    let path = client_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(content) => content.trim().parse().map_err(|_| NodeError::BadNodeId { path, content }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = NodeId::random();
            write_durably(client_dir, &id.to_string()).map_err(|source| NodeError::Directory { path, source })?;
            Ok(id)
        }
        Err(source) => Err(NodeError::Directory { path, source }),
    }
}

/// Never leaves half a file behind: a temporary file is synced, renamed, and the directory synced.
fn write_durably(dir: &Path, content: &str) -> io::Result<()> {
    let temporary = dir.join("node-id.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, dir.join(FILE))?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_id_and_refuses_a_broken_file() {
        let dir = tempfile::tempdir().unwrap();
        let id = load_or_create(dir.path()).unwrap();
        assert_eq!(load_or_create(dir.path()).unwrap(), id);
        fs::write(dir.path().join(FILE), "half an i").unwrap();
        assert!(matches!(load_or_create(dir.path()), Err(NodeError::BadNodeId { .. })));
    }
}
