//! The canonical layout of HCL: two spaces per level, one space around operators, `=` and comments of neighbouring lines in columns.
//! The layout of `nomad fmt`. Only spaces between tokens change: texts, heredocs, comments and blank lines are kept.

mod layout;
pub mod lexer;

#[cfg(test)]
mod tests;

use hcl_edit::parser;

use super::diagnostic::{Diagnostic, Source};
use super::syntax::syntax_error;

/// `text` in the canonical layout; the same text again when it is there already.
///
/// # Errors
/// When it is not HCL; then it has no layout.
pub fn format(text: &str, file: &str) -> Result<String, Box<Diagnostic>> {
    parser::parse_body(text).map_err(|error| Box::new(syntax_error(&Source::new(file, text), &error)))?;
    Ok(layout::lay_out(&lexer::lines(text)))
}
