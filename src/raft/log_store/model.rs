//! The log store against the simplest thing it could be, over random histories with crashes in between.

use std::collections::BTreeMap;

use openraft::RaftLogReader;
use openraft::storage::{RaftLogStorage, RaftLogStorageExt};
use proptest::prelude::*;

use super::LogStore;
use super::rocks::Rocks;
use super::tests::{log_id, request, vote};
use crate::raft::types::{LogId, Vote};

#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    /// Keeps this share (of 256) of the entries.
    Truncate(u8),
    Purge(u8),
    Vote,
    Committed(u8),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..12u8).prop_map(Step::Append),
        2 => any::<u8>().prop_map(Step::Truncate),
        2 => any::<u8>().prop_map(Step::Purge),
        1 => Just(Step::Vote),
        1 => any::<u8>().prop_map(Step::Committed),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..40)
}

#[derive(Default)]
struct Model {
    /// Term of each entry.
    entries: BTreeMap<u64, u64>,
    purged: Option<LogId>,
    vote: Option<Vote>,
    committed: Option<LogId>,
    term: u64,
}

impl Model {
    fn end(&self) -> u64 {
        let after_purged = self.purged.map_or(0, |purged| purged.index + 1);
        self.entries.last_key_value().map_or(after_purged, |(index, _)| index + 1)
    }

    fn id(&self, index: u64) -> Option<LogId> {
        self.entries.get(&index).map(|term| log_id(*term, index)).or_else(|| self.purged.filter(|purged| purged.index == index))
    }

    /// An entry by its share of the way through the log.
    fn pick(&self, share: u8) -> Option<LogId> {
        let index = self.entries.keys().nth(self.entries.len() * usize::from(share) / 256)?;
        self.id(*index)
    }
}

/// Opened with no room in memory for anything already written, so that reads go to the disk.
fn open(directory: &std::path::Path) -> LogStore {
    let (rocks, recovered) = Rocks::open(directory).unwrap();
    LogStore::start(rocks, &recovered, 0).unwrap()
}

async fn step(store: &mut LogStore, model: &mut Model, step: Step) {
    match step {
        Step::Append(count) => {
            let entries: Vec<_> = (0..u64::from(count)).map(|offset| request(model.term, model.end() + offset, 1)).collect();
            model.entries.extend(entries.iter().map(|entry| (entry.log_id.index, model.term)));
            store.blocking_append(entries).await.unwrap();
        }
        Step::Truncate(share) => {
            // As in a new term: the entries that follow are others than those that were there.
            model.term += 1;
            let keep = model.pick(share).or(model.purged);
            store.truncate_after(keep).await.unwrap();
            model.entries.retain(|index, _| keep.is_some_and(|keep| *index <= keep.index));
        }
        Step::Purge(share) => {
            let Some(upto) = model.pick(share) else { return };
            store.purge(upto).await.unwrap();
            model.entries.retain(|index, _| *index > upto.index);
            model.purged = Some(upto);
        }
        Step::Vote => {
            let next = vote(model.term);
            store.save_vote(&next).await.unwrap();
            model.vote = Some(next);
        }
        Step::Committed(share) => {
            let Some(committed) = model.pick(share) else { return };
            store.save_committed(Some(committed)).await.unwrap();
            model.committed = Some(committed);
        }
        Step::Reopen => {}
    }
}

async fn compare(store: &mut LogStore, model: &Model) {
    let ids: Vec<LogId> = store.try_get_log_entries(..).await.unwrap().iter().map(|entry| entry.log_id).collect();
    let expected: Vec<LogId> = model.entries.iter().map(|(index, term)| log_id(*term, *index)).collect();
    assert_eq!(ids, expected);
    let state = store.get_log_state().await.unwrap();
    assert_eq!(state.last_purged_log_id, model.purged);
    assert_eq!(state.last_log_id, model.end().checked_sub(1).and_then(|last| model.id(last)));
    assert_eq!(store.read_vote().await.unwrap(), model.vote);
    assert_eq!(store.read_committed().await.unwrap(), model.committed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_history_reads_back_as_it_was_written(history in steps()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let mut store = open(directory.path());
            let mut model = Model { term: 1, ..Model::default() };
            for next in history {
                if matches!(next, Step::Reopen) {
                    store.close().await;
                    store = open(directory.path());
                } else {
                    step(&mut store, &mut model, next).await;
                }
                compare(&mut store, &model).await;
            }
            store.close().await;
        });
    }
}
