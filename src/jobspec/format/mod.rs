//! The canonical layout of HCL: two spaces per level, one space around operators, `=` and comments of neighbouring lines in columns.
//! The layout of `nomad fmt`. Only spaces between tokens change: texts, heredocs, comments and blank lines are kept.

mod layout;
pub mod lexer;

#[cfg(test)]
mod tests;

use super::diagnostic::{Diagnostic, Source};
use super::syntax;

/// `text` in the canonical layout; the same text again when it is there already.
///
/// # Errors
/// When it is not HCL; then it has no layout.
pub fn format(text: &str, file: &str) -> Result<String, Vec<Diagnostic>> {
    syntax::parse(&Source::new(file, text))?;
    Ok(layout::lay_out(&lexer::lines(text)))
}
