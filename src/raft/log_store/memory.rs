//! A log device in memory whose writes can be held up and made to fail.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};

use super::device::{LogDevice, Operation};
use crate::raft::types::Entry;

#[derive(Clone, Default)]
pub(in crate::raft) struct Memory {
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<u64, Entry>,
    /// Per write: how many operations, and whether it had to be durable.
    writes: Vec<(usize, bool)>,
    /// Writes that have begun.
    begun: usize,
    held: bool,
    failing: Option<io::ErrorKind>,
}

impl Memory {
    pub(super) fn hold(&self, held: bool) {
        self.state.0.lock().unwrap().held = held;
        self.state.1.notify_all();
    }

    pub(in crate::raft) fn fail(&self, kind: io::ErrorKind) {
        self.state.0.lock().unwrap().failing = Some(kind);
    }

    /// Blocks until `count` writes have begun.
    pub(super) fn wait_begun(&self, count: usize) {
        let guard = self.state.0.lock().unwrap();
        drop(self.state.1.wait_while(guard, |state| state.begun < count).unwrap());
    }

    pub(super) fn writes(&self) -> Vec<(usize, bool)> {
        self.state.0.lock().unwrap().writes.clone()
    }
}

impl LogDevice for Memory {
    fn write(&self, operations: &[Operation], durable: bool) -> io::Result<()> {
        let mut state = self.state.0.lock().unwrap();
        state.begun += 1;
        self.state.1.notify_all();
        let mut state = self.state.1.wait_while(state, |state| state.held).unwrap();
        if let Some(kind) = state.failing {
            return Err(kind.into());
        }
        for operation in operations {
            match operation {
                Operation::Append(entries) => state.entries.extend(entries.iter().map(|entry| (entry.log_id.index, entry.clone()))),
                Operation::Truncate { range } => state.entries.retain(|index, _| !range.contains(index)),
                Operation::Purge { upto, .. } => state.entries.retain(|index, _| *index > upto.index),
                Operation::Vote(_) | Operation::Committed(_) => {}
            }
        }
        state.writes.push((operations.len(), durable));
        Ok(())
    }

    fn read(&self, range: Range<u64>, _byte_limit: usize) -> io::Result<Vec<Entry>> {
        Ok(self.state.0.lock().unwrap().entries.range(range).map(|(_, entry)| entry.clone()).collect())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
