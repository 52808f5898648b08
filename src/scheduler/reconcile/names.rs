//! Which of a group's names `job.group[0..count]` are taken.

use std::ops::Range;

/// A bitmap over indexes.
#[derive(Clone, Debug, Default)]
pub struct NameIndex {
    words: Vec<u64>,
    /// These are taken as well: the end of a large group, without a bit for each.
    tail: Range<u32>,
    /// No index below is free.
    search_from: u32,
}

impl NameIndex {
    pub fn is_taken(&self, index: u32) -> bool {
        self.tail.contains(&index) || self.words.get(index as usize / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Takes an index; false if it was taken.
    pub fn take(&mut self, index: u32) -> bool {
        if self.is_taken(index) {
            return false;
        }
        let word = index as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (index % 64);
        true
    }

    /// Takes `wanted` if it is below `count` and free, else the lowest free index.
    pub fn take_or_next(&mut self, wanted: u32, count: u32) -> u32 {
        if wanted < count && self.take(wanted) { wanted } else { self.take_next() }
    }

    /// Takes the lowest free index.
    pub fn take_next(&mut self) -> u32 {
        self.skip_taken();
        self.take(self.search_from);
        self.search_from
    }

    /// Takes the `count` lowest free indexes: as runs, the first of each and its length.
    pub fn take_runs(&mut self, count: u32) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        let mut left = count;
        while left > 0 {
            self.skip_taken();
            let first = self.search_from;
            // Nothing beyond the bitmap is taken, save the tail.
            let in_bitmap = u32::try_from(self.words.len() * 64).unwrap_or(u32::MAX);
            if first >= in_bitmap && (self.tail.is_empty() || self.tail.end == first) {
                let end = first.saturating_add(left);
                self.tail = if self.tail.is_empty() { first..end } else { self.tail.start..end };
                extend(&mut runs, first, end - first);
                return runs;
            }
            self.take(first);
            extend(&mut runs, first, 1);
            left -= 1;
        }
        runs
    }

    fn skip_taken(&mut self) {
        while self.is_taken(self.search_from) {
            self.search_from = if self.tail.contains(&self.search_from) { self.tail.end } else { self.search_from + 1 };
        }
    }
}

fn extend(runs: &mut Vec<(u32, u32)>, first: u32, length: u32) {
    match runs.last_mut() {
        Some((start, known)) if *start + *known == first => *known += length,
        _ => runs.push((first, length)),
    }
}

#[cfg(test)]
mod tests {
    use super::NameIndex;

    #[test]
    fn hands_out_the_lowest_free_index() {
        let mut names = NameIndex::default();
        assert!(names.take(0) && names.take(2) && names.take(64));
        assert!(!names.take(2));
        assert_eq!(names.take_or_next(5, 10), 5);
        assert_eq!(names.take_or_next(5, 10), 1);
        assert_eq!(names.take_or_next(99, 10), 3);
        assert_eq!(names.take_next(), 4);
        assert_eq!(names.take_next(), 6);
    }

    #[test]
    fn many_indexes_are_few_runs() {
        let mut names = NameIndex::default();
        assert!(names.take(1) && names.take(5));
        assert_eq!(names.take_runs(1_000_000), [(0, 1), (2, 3), (6, 999_996)]);
        assert!(names.is_taken(64) && names.is_taken(1_000_001) && !names.is_taken(1_000_002));
        assert_eq!(names.take_or_next(70, 2_000_000), 1_000_002);
        assert_eq!(names.take_runs(2).iter().map(|(_, length)| length).sum::<u32>(), 2);
    }
}
