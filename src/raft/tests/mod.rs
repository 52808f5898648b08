//! Whole servers on real directories.

mod crash;
mod group;
mod server;
mod snapshots;

use std::fs;
use std::path::Path;

use super::{Raft, RaftConfig};
use crate::model::scheduler_config::SchedulerConfig;
use crate::state::{Command, State, snapshot};

async fn open(directory: &Path) -> Raft {
    Raft::open(RaftConfig::new(directory)).await.unwrap()
}

/// A command that leaves a mark in the state.
fn mark() -> Command {
    Command::SetSchedulerConfig { config: SchedulerConfig::default(), check_index: None }
}

fn bytes(state: &State) -> Vec<u8> {
    snapshot::encode(state).unwrap()
}

/// What a kill would leave: the files as they are, without anybody closing them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
