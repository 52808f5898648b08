//! Which of a group's names `job.group[0..count]` are taken.

/// A bitmap over indexes.
#[derive(Clone, Debug, Default)]
pub struct NameIndex {
    words: Vec<u64>,
    /// No index below is free.
    search_from: u32,
}

impl NameIndex {
    pub fn is_taken(&self, index: u32) -> bool {
        self.words.get(index as usize / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
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
        while self.is_taken(self.search_from) {
            self.search_from += 1;
        }
        self.take(self.search_from);
        self.search_from
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
}
