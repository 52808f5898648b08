//! Decides whether a history of concurrent operations on one register could have been answered by a single copy of it, one operation
//! after the other (the algorithm of Wing and Gong, with Lowe's memory of configurations seen, as Porcupine does it).
//!
//! The register holds a tag; every write brings a tag that no other write has. An operation takes effect at one moment between its call and
//! its return. One whose outcome is not known takes effect at any moment after its call, or never.

use std::collections::HashSet;

/// What the register holds; `None`: nothing yet.
pub type Value = Option<u64>;

/// One operation, with the times of its call and its return (on one clock; `None`: nobody knows).
#[derive(Clone, Debug)]
pub struct Operation {
    pub call: u64,
    pub returned: Option<u64>,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Read(Value),
    /// Wrote `tag` provided that the register held `expected`.
    Swapped {
        expected: Value,
        tag: u64,
    },
    /// Found something else than `expected`.
    Conflict {
        expected: Value,
    },
    /// Nobody knows whether it wrote.
    Unknown {
        expected: Value,
        tag: u64,
    },
}

impl Kind {
    /// What the register holds after it, if this can be its answer now.
    fn step(&self, held: Value) -> Option<Value> {
        match self {
            Self::Read(found) => (*found == held).then_some(held),
            Self::Swapped { expected, tag } => (*expected == held).then_some(Some(*tag)),
            Self::Conflict { expected } => (*expected != held).then_some(held),
            // Where it did not find what it expected it changed nothing, which is the same as not having come.
            Self::Unknown { expected, tag } => (*expected == held).then_some(Some(*tag)),
        }
    }
}

/// Whether the history is linearizable.
pub fn is_linearizable(history: &[Operation]) -> bool {
    let mut operations = history.to_vec();
    operations.sort_by_key(|operation| operation.call);
    Search { done: vec![0; operations.len().div_ceil(64)], seen: HashSet::new(), operations }.run()
}

struct Search {
    /// By call.
    operations: Vec<Operation>,
    /// A bit for each that has taken effect.
    done: Vec<u64>,
    /// Sets of operations with what the register held after them, from which there was no way on.
    seen: HashSet<(Vec<u64>, Value)>,
}

impl Search {
    fn run(mut self) -> bool {
        // What has taken effect, in order, with what the register held before each and where to look on.
        let mut path: Vec<(usize, Value)> = Vec::new();
        let mut held = None;
        let mut from = 0;
        loop {
            if self.is_complete() {
                return true;
            }
            match self.next(held, from) {
                Some((chosen, after)) => {
                    path.push((chosen, held));
                    held = after;
                    from = 0;
                }
                None => {
                    let Some((last, before)) = path.pop() else { return false };
                    self.done[last / 64] &= !(1 << (last % 64));
                    held = before;
                    from = last + 1;
                }
            }
        }
    }

    /// Operations of unknown outcome may stay undone.
    fn is_complete(&self) -> bool {
        (0..self.operations.len()).all(|at| self.is_done(at) || matches!(self.operations[at].kind, Kind::Unknown { .. }))
    }

    fn is_done(&self, at: usize) -> bool {
        self.done[at / 64] & (1 << (at % 64)) != 0
    }

    /// The next operation from `from` on that can take effect now and leads somewhere new; it is marked done.
    fn next(&mut self, held: Value, from: usize) -> Option<(usize, Value)> {
        // Whatever was called after something undone has returned comes after that.
        let pending = (0..self.operations.len()).filter(|at| !self.is_done(*at));
        let limit = pending.filter_map(|at| self.operations[at].returned).min().unwrap_or(u64::MAX);
        for at in from..self.operations.len() {
            let operation = &self.operations[at];
            if operation.call > limit {
                break;
            }
            if self.is_done(at) {
                continue;
            }
            if let Some(after) = operation.kind.step(held) {
                self.done[at / 64] |= 1 << (at % 64);
                if self.seen.insert((self.done.clone(), after)) {
                    return Some((at, after));
                }
                self.done[at / 64] &= !(1 << (at % 64));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(call: u64, returned: u64, kind: Kind) -> Operation {
        Operation { call, returned: Some(returned), kind }
    }

    fn write(call: u64, returned: u64, expected: Value, tag: u64) -> Operation {
        operation(call, returned, Kind::Swapped { expected, tag })
    }

    fn read(call: u64, returned: u64, found: Value) -> Operation {
        operation(call, returned, Kind::Read(found))
    }

    #[test]
    fn one_after_the_other_is_fine_and_a_stale_read_is_not() {
        let history = [write(0, 1, None, 1), read(2, 3, Some(1)), write(4, 5, Some(1), 2), read(6, 7, Some(2))];
        assert!(is_linearizable(&history));
        let stale = [write(0, 1, None, 1), write(2, 3, Some(1), 2), read(4, 5, Some(1))];
        assert!(!is_linearizable(&stale));
        let lost = [write(0, 1, None, 1), read(2, 3, None)];
        assert!(!is_linearizable(&lost), "an acknowledged write is not there");
    }

    #[test]
    fn what_overlaps_may_have_happened_in_any_order() {
        // The read saw the write before that was answered.
        assert!(is_linearizable(&[write(0, 9, None, 1), read(1, 2, Some(1)), read(3, 4, Some(1))]));
        // But what one saw, a later one must not miss.
        assert!(!is_linearizable(&[write(0, 9, None, 1), read(1, 2, Some(1)), read(3, 4, None)]));
        // Two that both expected nothing cannot both have found it.
        assert!(!is_linearizable(&[write(0, 5, None, 1), write(1, 6, None, 2)]));
        let conflict = operation(1, 6, Kind::Conflict { expected: None });
        assert!(is_linearizable(&[write(0, 5, None, 1), conflict.clone()]));
        assert!(!is_linearizable(&[conflict]), "there was nothing it could have conflicted with");
    }

    #[test]
    fn an_unknown_outcome_may_come_true_late_or_never_but_not_twice() {
        let unknown = Operation { call: 2, returned: None, kind: Kind::Unknown { expected: Some(1), tag: 2 } };
        let first = write(0, 1, None, 1);
        assert!(is_linearizable(&[first.clone(), unknown.clone(), read(5, 6, Some(1))]));
        assert!(is_linearizable(&[first.clone(), unknown.clone(), read(5, 6, Some(1)), read(7, 8, Some(2))]));
        assert!(!is_linearizable(&[first.clone(), unknown.clone(), read(5, 6, Some(2)), read(7, 8, Some(1))]), "it went away again");
        let early = [read(0, 1, Some(2)), first, unknown];
        assert!(!is_linearizable(&early), "before it was called");
    }

    #[test]
    fn long_histories_are_judged_in_good_time() {
        // Six at a time, each over the call of the next ones.
        let mut history = Vec::new();
        for tag in 1..400 {
            let expected = (tag > 1).then_some(tag - 1);
            history.push(write(tag * 10, tag * 10 + 5, expected, tag));
            for reader in 0..5 {
                history.push(read(tag * 10 + reader, tag * 10 + 55, Some(tag)));
            }
        }
        assert!(is_linearizable(&history));
        history.push(read(4_060, 4_061, Some(7)));
        assert!(!is_linearizable(&history));
    }
}
