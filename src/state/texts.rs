//! One copy of each text that comes again and again. What nodes report and what snapshots hold comes with a copy for every row; a million
//! rows with the same few words keep them once.

use std::sync::Arc;

use imbl::OrdSet;

use crate::model::{TaskStates, Text};

/// So many are remembered, the newest ones: how many different texts there are is not for nodes to decide.
const MOST: usize = 4_096;

/// Longer ones seldom come twice.
const LONGEST: usize = 96;

/// Affects only what equal texts share: it is no part of the state's value.
#[derive(Clone, Default)]
pub(super) struct Texts {
    known: OrdSet<Text>,
    empty: Option<Text>,
}

impl Texts {
    pub(super) fn empty(&mut self) -> Text {
        Text::clone(self.empty.get_or_insert_with(|| "".into()))
    }

    /// The one copy of `text`.
    pub(super) fn share(&mut self, text: &Text) -> Text {
        if text.is_empty() {
            return self.empty();
        }
        if text.len() > LONGEST {
            return Text::clone(text);
        }
        if let Some(known) = self.known.get(text) {
            return Text::clone(known);
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(Text::clone(text));
        Text::clone(text)
    }

    pub(super) fn share_in_place(&mut self, text: &mut Text) {
        // Nobody else holds it: most likely a copy of its own.
        if Arc::strong_count(text) == 1 {
            *text = self.share(text);
        }
    }

    pub(super) fn share_states(&mut self, reported: &TaskStates) -> TaskStates {
        reported
            .iter()
            .map(|(name, state)| {
                let mut state = state.clone();
                for event in &mut state.events {
                    event.kind = self.share(&event.kind);
                    event.message = self.share(&event.message);
                }
                state.events.shrink_to_fit();
                (self.share(name), state)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_and_their_number_is_bounded() {
        let mut texts = Texts::default();
        let copies = [texts.share(&"Tasks are running".into()), texts.share(&"Tasks are running".into())];
        assert!(Arc::ptr_eq(&copies[0], &copies[1]));
        assert!(Arc::ptr_eq(&texts.share(&"".into()), &texts.empty()));
        for number in 0..10_000 {
            texts.share(&format!("text {number}").into());
        }
        assert!(texts.known.len() <= MOST);
        texts.share(&"x".repeat(LONGEST + 1).into());
        assert!(!texts.known.contains("x".repeat(LONGEST + 1).as_str()));
    }
}
