//! A snapshot on its way to become the state: it comes as log entries, in pieces, so that every server restores the same bytes.

use std::sync::Arc;

use imbl::Vector;

use super::{Rejection, State};

/// The pieces so far.
#[derive(Clone, Default)]
pub(super) struct StagedRestore {
    restore: u128,
    parts: Vector<Arc<Vec<u8>>>,
}

impl StagedRestore {
    /// Takes the next piece.
    pub(super) fn add(&mut self, restore: u128, part: u32, bytes: &Arc<Vec<u8>>) -> Result<(), Rejection> {
        if part == 0 {
            *self = Self { restore, parts: Vector::new() };
        }
        if self.restore != restore || self.parts.len() != part as usize {
            return Err(Rejection::RestoreSuperseded);
        }
        self.parts.push_back(Arc::clone(bytes));
        Ok(())
    }

    /// Takes a piece from a snapshot, where they stand in order.
    pub(super) fn put(&mut self, restore: u128, part: u32, bytes: Arc<Vec<u8>>) {
        debug_assert_eq!(self.parts.len(), part as usize);
        self.restore = restore;
        self.parts.push_back(bytes);
    }

    /// Restore, ordinal and bytes of each piece.
    pub(super) fn parts(&self) -> impl Iterator<Item = (u128, u32, &Arc<Vec<u8>>)> {
        (0..).zip(&self.parts).map(|(part, bytes)| (self.restore, part, bytes))
    }

    /// All the bytes of `restore`, which are staged no longer.
    pub(super) fn take(&mut self, restore: u128) -> Result<Vec<u8>, Rejection> {
        if self.restore != restore || self.parts.is_empty() {
            return Err(Rejection::RestoreSuperseded);
        }
        let staged = std::mem::take(self);
        let mut bytes = Vec::with_capacity(staged.parts.iter().map(|part| part.len()).sum());
        staged.parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Ok(bytes)
    }
}

impl State {
    /// The state without what belongs to the running cluster alone: who it trusts, and what is half restored.
    pub fn for_safekeeping(&self) -> Self {
        Self { security: Default::default(), staged_restore: Default::default(), ..self.clone() }
    }
}
