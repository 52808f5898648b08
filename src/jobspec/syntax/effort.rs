//! What the parser may be made to do. Where it gives up inside of an operand (`1 + 2 + {...`), it reads that operand once more to
//! see whether the expression ends in front of it: each bracket around the mistake that opens in such a place doubles the work.
//! A text that could cost too much is refused before it is parsed.

use std::ops::Range;

use super::place;
use crate::jobspec::MAX_SOURCE;
use crate::jobspec::format::lexer::{self, Kind, Token};

/// Bytes that the parser reads at most, those that it reads again counted again: under a second's work. The longest jobspec without
/// nested operands takes an eighth of it.
pub const MOST: usize = 8 * MAX_SOURCE;

/// How many bytes the parser reads at most.
///
/// # Errors
/// The bracket that is too much, when it is more than [`MOST`].
pub fn of(text: &str) -> Result<usize, Range<usize>> {
    let mut effort = Effort::default();
    let mut before: Option<Token<'_>> = None;
    for token in lexer::lines(text).into_iter().flatten() {
        let start = place(text, token.text);
        match token.kind {
            Kind::Open => effort.open(is_read_again(before.as_ref(), token.text)),
            Kind::Close => effort.close(),
            Kind::Quoted | Kind::Heredoc => effort.template(token.text),
            _ => {}
        }
        effort.bytes = effort.bytes.saturating_add(token.text.len().saturating_mul(effort.weight()));
        if effort.bytes > MOST {
            return Err(start..start + 1);
        }
        before = Some(token);
    }
    Ok(effort.bytes)
}

/// Whether the bracket opens in an operand, or as the index of one.
fn is_read_again(before: Option<&Token<'_>>, bracket: &str) -> bool {
    before.is_some_and(|before| match before.kind {
        Kind::Operator => !matches!(before.text, "=" | ":" | "," | "=>"),
        Kind::Word | Kind::Close | Kind::Quoted | Kind::Heredoc => bracket == "[",
        Kind::Open | Kind::Comment => false,
    })
}

#[derive(Default)]
struct Effort {
    /// For each open bracket, whether what is in it may be read twice.
    open: Vec<bool>,
    doublings: u32,
    bytes: usize,
}

impl Effort {
    fn open(&mut self, is_read_again: bool) {
        self.open.push(is_read_again);
        self.doublings += u32::from(is_read_again);
    }

    fn close(&mut self) {
        self.doublings -= u32::from(self.open.pop().unwrap_or_default());
    }

    fn weight(&self) -> usize {
        1usize.checked_shl(self.doublings).unwrap_or(usize::MAX)
    }

    /// Every bracket of the sequences of a quoted text or a heredoc is taken for one that may be read twice.
    fn template(&mut self, text: &str) {
        let outside = self.open.len();
        let mut before = ' ';
        for c in text.chars() {
            let is_in_sequence = self.open.len() > outside;
            match c {
                '{' if is_in_sequence || matches!(before, '$' | '%') => self.open(true),
                '(' | '[' if is_in_sequence => self.open(true),
                '}' | ')' | ']' if is_in_sequence => self.close(),
                _ => {}
            }
            self.bytes = self.bytes.saturating_add(self.weight().saturating_mul(c.len_utf8()));
            before = c;
        }
        while self.open.len() > outside {
            self.close();
        }
    }
}
