//! Text that is not HCL, explained: the parser says what it expected next, an author wants to know what is wrong with what is there.

mod effort;
mod line;
mod structure;

#[cfg(test)]
mod tests;

use std::ops::Range;

use hcl_edit::expr::Expression;
use hcl_edit::parser;
use hcl_edit::structure::Body;

use super::diagnostic::{Diagnostic, Severity, Source};

/// The parser stops at the first error; a text is mended and read again so often at most, to find others.
const MOST_ERRORS: usize = 20;
/// Longer texts are not read again: a file that no one can read is not worth the time.
const LONGEST_MENDED: usize = 100_000;
const TOO_DEEP: &str = "operators and brackets are nested too deeply here";

/// What went wrong, where, and what to do.
struct Explanation {
    span: Range<usize>,
    message: String,
    help: Option<String>,
    /// The text with this mistake mended, of the same length, so that what else is wrong can be found.
    mended: Option<String>,
}

/// The tree of a text.
///
/// # Errors
/// When it is not HCL: the first mistake, and those behind it that do not follow from it.
pub fn parse(source: &Source<'_>) -> Result<Body, Vec<Diagnostic>> {
    let effort = effort::of(source.text).map_err(|span| {
        vec![source.diagnostic(Severity::Error, "too-deep", Some(span), TOO_DEEP).with_help("name its parts in `locals`")]
    })?;
    parser::parse_body(source.text).map_err(|error| syntax_errors(source, &error, effort))
}

/// The tree of one expression.
///
/// # Errors
/// Why it is none.
pub fn parse_expression(text: &str) -> Result<Expression, String> {
    effort::of(text).map_err(|_| TOO_DEEP.to_owned())?;
    parser::parse_expr(text).map_err(|error| error.message().to_owned())
}

/// `effort` is that of parsing the text once.
fn syntax_errors(source: &Source<'_>, error: &parser::Error, effort: usize) -> Vec<Diagnostic> {
    let (first, mut mended) = diagnose(source, error, source.text);
    let mut found = vec![first];
    let most = MOST_ERRORS.min(effort::MOST / effort.max(1));
    while let Some(text) = mended.take().filter(|text| text.len() <= LONGEST_MENDED && found.len() < most) {
        let Err(error) = parser::parse_body(&text) else { break };
        let (next, again) = diagnose(source, &error, &text);
        // What cannot be explained by its line may well come of the mending.
        if again.is_some() {
            found.push(next);
        }
        mended = again;
    }
    found
}

/// Where a part of a text stands in it: tokens are slices of it.
fn place(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// `text` is that of the source, or as long as it.
fn diagnose(source: &Source<'_>, error: &parser::Error, text: &str) -> (Diagnostic, Option<String>) {
    let offset = error.location().offset();
    let expected = error.message();
    // Places of a made text are not ones that its author knows.
    let explained = if source.origin.is_none() { explain(text, offset, expected) } else { None };
    match explained {
        Some(Explanation { span, message, help, mended }) => {
            let mut diagnostic = source.diagnostic(Severity::Error, "syntax", Some(span), message);
            diagnostic.help = help;
            (diagnostic, mended)
        }
        None => {
            // The parser lists the letters that a value may begin with.
            let is_value = expected.starts_with("invalid expression");
            let message = if is_value { "a value is expected here: \"text\", 5, true, [...], {...}, var.name or f(x)" } else { expected };
            (source.diagnostic(Severity::Error, "syntax", Some(offset..offset + 1), message), None)
        }
    }
}

fn explain(text: &str, offset: usize, expected: &str) -> Option<Explanation> {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let on_its_line = |found: line::OnLine| Explanation {
        span: start + found.span.start..start + found.span.end,
        message: found.message.into_owned(),
        help: Some(found.help.into_owned()),
        mended: found.mended.map(|line| {
            debug_assert_eq!(line.len(), text[start..].lines().next().unwrap_or_default().len());
            format!("{}{line}{}", &text[..start], &text[start + line.len()..])
        }),
    };
    structure::open_comment(text)
        .or_else(|| structure::open_text(text, offset))
        .or_else(|| line::slip(line, offset - start).map(on_its_line))
        .or_else(|| structure::block_in_map(text, offset))
        .or_else(|| structure::open_heredoc(text))
        .or_else(|| structure::unbalanced(text))
        .or_else(|| structure::missing_comma(text, offset, expected))
        .or_else(|| structure::defined_twice(text, offset, expected))
        .or_else(|| line::oddity(line, offset - start, expected).map(on_its_line))
}
