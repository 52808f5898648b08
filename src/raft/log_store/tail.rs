//! The log as memory knows it: where it begins and ends, and its newest entries.
//!
//! An entry is readable as soon as `append` returns, before it is written. So the tail keeps each entry until its write is done, and
//! after that for as long as the newest entries fit the byte budget: what is replicated and applied is nearly always still here.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

use openraft::EntryPayload;

use super::device::Recovered;
use crate::raft::types::{Entry, LogId, Vote};

/// What an entry costs beyond its request.
const ENTRY_OVERHEAD: usize = 128;

pub(super) struct Tail {
    entries: VecDeque<Cached>,
    bytes: usize,
    byte_budget: usize,
    /// Index of the first entry there is, or will be.
    first: u64,
    pub(super) last: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    /// Number of the newest operation handed to the writer. Indexes come again after a truncation, these never do.
    sequence: u64,
}

struct Cached {
    entry: Entry,
    bytes: usize,
    sequence: u64,
}

/// Where the entries of a range are.
pub(super) struct Located {
    /// These must be read from the device.
    pub cold: Range<u64>,
    /// These follow directly.
    pub hot: Vec<Entry>,
}

impl Tail {
    pub(super) fn new(recovered: &Recovered, byte_budget: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            byte_budget,
            first: recovered.purged.map_or(0, |purged| purged.index + 1),
            last: recovered.last,
            purged: recovered.purged,
            vote: recovered.vote,
            committed: recovered.committed,
            sequence: 0,
        }
    }

    /// The number of an operation about to be queued.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Takes entries in that carry on where the log ends. Nothing is taken if they do not.
    pub(super) fn append(&mut self, entries: &[Entry], sequence: u64) -> io::Result<()> {
        let mut expected = self.last.map(|last| last.index + 1);
        for entry in entries {
            if expected.is_some_and(|expected| expected != entry.log_id.index) {
                return Err(io::Error::other(format!("entry {} would leave a hole: the log ends at {:?}", entry.log_id, self.last)));
            }
            expected = Some(entry.log_id.index + 1);
        }
        if let (None, Some(first)) = (self.last, entries.first()) {
            self.first = first.log_id.index;
        }
        for entry in entries {
            let bytes = entry_bytes(entry) + ENTRY_OVERHEAD;
            self.bytes += bytes;
            self.last = Some(entry.log_id);
            self.entries.push_back(Cached { entry: entry.clone(), bytes, sequence });
        }
        Ok(())
    }

    /// Drops everything after `keep`; returns the indexes that are gone.
    pub(super) fn truncate_after(&mut self, keep: Option<LogId>) -> Range<u64> {
        let from = keep.map_or(0, |keep| keep.index + 1).max(self.first);
        let range = from..self.end();
        while self.entries.back().is_some_and(|cached| cached.entry.log_id.index >= from) {
            self.pop(VecDeque::pop_back);
        }
        if !range.is_empty() {
            self.last = keep.or(self.purged);
        }
        range
    }

    /// Forgets everything up to `upto`; returns the first index that was there before.
    pub(super) fn purge(&mut self, upto: LogId) -> u64 {
        let first = self.first;
        self.first = first.max(upto.index + 1);
        while self.entries.front().is_some_and(|cached| cached.entry.log_id.index <= upto.index) {
            self.pop(VecDeque::pop_front);
        }
        self.purged = self.purged.max(Some(upto));
        // An installed snapshot may reach beyond the log.
        self.last = self.last.max(self.purged);
        first
    }

    /// Operations up to `sequence` are written: their entries may leave when memory is short.
    pub(super) fn settle(&mut self, sequence: u64) {
        while self.bytes > self.byte_budget && self.entries.front().is_some_and(|cached| cached.sequence <= sequence) {
            self.pop(VecDeque::pop_front);
        }
    }

    /// Finds what the log has of `range`.
    pub(super) fn locate(&self, range: Range<u64>) -> Located {
        let range = range.start.max(self.first)..range.end.min(self.end());
        let hot_from =
            self.entries.front().map_or(u64::MAX, |cached| cached.entry.log_id.index).clamp(range.start, range.end.max(range.start));
        let hot = self
            .entries
            .iter()
            .skip(self.entries.front().map_or(0, |cached| hot_from.saturating_sub(cached.entry.log_id.index)) as usize)
            .take_while(|cached| cached.entry.log_id.index < range.end)
            .map(|cached| cached.entry.clone())
            .collect();
        Located { cold: range.start..hot_from, hot }
    }

    fn end(&self) -> u64 {
        self.last.map_or(0, |last| last.index + 1)
    }

    fn pop(&mut self, take: fn(&mut VecDeque<Cached>) -> Option<Cached>) {
        if let Some(cached) = take(&mut self.entries) {
            self.bytes -= cached.bytes;
        }
    }
}

/// Size of the entry's request; the other payloads are tiny.
pub(in crate::raft) fn entry_bytes(entry: &Entry) -> usize {
    match &entry.payload {
        EntryPayload::Normal(proposal) => proposal.encoded().len(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::log_store::tests::{blank, log_id, request};

    fn tail(budget: usize) -> Tail {
        Tail::new(&Recovered::default(), budget)
    }

    fn indexes(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.log_id.index).collect()
    }

    #[test]
    fn a_hole_is_refused_and_leaves_the_log_alone() {
        let mut tail = tail(1 << 20);
        tail.append(&[blank(1, 0), blank(1, 1)], 1).unwrap();
        assert!(tail.append(&[blank(1, 2), blank(1, 4)], 2).is_err());
        assert_eq!(tail.last, Some(log_id(1, 1)));
        assert_eq!(indexes(&tail.locate(0..9).hot), [0, 1]);
    }

    #[test]
    fn only_written_entries_leave_memory() {
        let mut tail = tail(0);
        tail.append(&[request(1, 0, 7)], 1).unwrap();
        tail.append(&[request(1, 1, 7)], 2).unwrap();
        tail.settle(1);
        let located = tail.locate(0..2);
        assert_eq!((located.cold, indexes(&located.hot)), (0..1, vec![1]));
        tail.settle(2);
        assert_eq!(tail.locate(0..2).cold, 0..2);
    }

    #[test]
    fn a_replacement_of_a_written_index_stays_until_it_is_written_itself() {
        let mut tail = tail(0);
        tail.append(&[blank(1, 0), blank(1, 1)], 1).unwrap();
        assert_eq!(tail.truncate_after(Some(log_id(1, 0))), 1..2);
        tail.append(&[blank(2, 1)], 3).unwrap();
        // The first write, which holds the old entry 1, reports only now.
        tail.settle(1);
        let located = tail.locate(0..5);
        assert_eq!(located.cold, 0..1);
        assert_eq!(located.hot[0].log_id, log_id(2, 1));
    }

    #[test]
    fn purged_and_truncated_entries_are_not_located_anywhere() {
        let mut tail = tail(1 << 20);
        tail.append(&(0..6).map(|index| blank(1, index)).collect::<Vec<_>>(), 1).unwrap();
        assert_eq!(tail.purge(log_id(1, 1)), 0);
        assert_eq!(tail.truncate_after(Some(log_id(1, 3))), 4..6);
        let located = tail.locate(0..u64::MAX);
        assert!(located.cold.is_empty());
        assert_eq!(indexes(&located.hot), [2, 3]);
        // A purge beyond the end moves the end.
        tail.purge(log_id(2, 9));
        assert_eq!(tail.last, Some(log_id(2, 9)));
        let located = tail.locate(0..u64::MAX);
        assert!(located.cold.is_empty() && located.hot.is_empty());
    }
}
