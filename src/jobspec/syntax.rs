//! Text that is not HCL, explained: the parser says what it expected next, an author wants to know what is wrong with what is there.

use std::ops::Range;

use hcl_edit::parser;

use super::diagnostic::{Diagnostic, Severity, Source};
use super::format::lexer::{self, Kind};

/// What went wrong at `offset`, where it began, and what to do.
struct Explanation {
    span: Range<usize>,
    message: String,
    help: String,
}

/// The diagnostic of a text that the parser refused.
pub fn syntax_error(source: &Source<'_>, error: &parser::Error) -> Diagnostic {
    let offset = error.location().offset();
    // Places of a made text are not ones that its author knows.
    let explained = if source.origin.is_none() { explain(source.text, offset) } else { None };
    match explained {
        Some(Explanation { span, message, help }) => source.diagnostic(Severity::Error, "syntax", Some(span), message).with_help(help),
        None => {
            let expected = error.message();
            // The parser lists the letters that a value may begin with.
            let is_value = expected.starts_with("invalid expression");
            let message = if is_value { "a value is expected here: \"text\", 5, true, [...], {...}, var.name or f(x)" } else { expected };
            source.diagnostic(Severity::Error, "syntax", Some(offset..offset + 1), message)
        }
    }
}

fn explain(text: &str, offset: usize) -> Option<Explanation> {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let line_start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    on_the_line(line, offset - line_start)
        .map(|(at, message, help)| Explanation {
            span: line_start + at.start..line_start + at.end,
            message: message.to_owned(),
            help: help.to_owned(),
        })
        .or_else(|| open_heredoc(text))
        .or_else(|| open_bracket(text))
}

type OnLine = (Range<usize>, &'static str, &'static str);

/// The mistakes that the line of the error shows; `at` is the place in it.
fn on_the_line(line: &str, at: usize) -> Option<OnLine> {
    let indent = line.len() - line.trim_start().len();
    let trimmed = line.trim();
    let whole = indent..indent + trimmed.len();
    let word = trimmed.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(trimmed.len());
    let after_word = trimmed[word..].trim_start();
    if let Some(quote) = line.find('\'').filter(|quote| *quote >= at && !line[..*quote].contains('"')) {
        return Some((quote..quote + 1, "text stands in double quotes, not in single ones", "write \"...\""));
    }
    if trimmed.starts_with('"') && trimmed[1..].split_once('"').is_some_and(|(_, rest)| rest.trim_start().starts_with('=')) {
        let help = "write the name without quotes; names that need them go into a map, as in `env = { \"MY-KEY\" = \"value\" }`";
        return Some((whole, "the name of an attribute is not quoted", help));
    }
    if has_open_quote(line) {
        let quote = line.rfind('"').unwrap_or(0);
        return Some((
            quote..quote + 1,
            "the text is not closed on its line",
            "add the closing quote; text of several lines is a heredoc: `<<EOF`",
        ));
    }
    if let Some(directive) = line.find("%{").filter(|found| !line[..*found].ends_with('%')) {
        let help = "write `%%{` where the two characters are meant";
        return Some((directive..directive + 2, "`%{` in a text begins a directive (`%{if ...}`, `%{for ...}`)", help));
    }
    if word > 0 && after_word.starts_with(':') {
        let colon = indent + word + trimmed[word..].find(':').unwrap_or(0);
        return Some((colon..colon + 1, "an attribute has `=` between its name and its value", "write `name = value`"));
    }
    if word > 0 && after_word.starts_with(['"', '[']) && !line.contains('{') && !line.contains('=') {
        return Some((whole, "neither an attribute nor a block", "write `name = value`, or `name \"label\" { ... }`"));
    }
    if after_word.starts_with('=') && trimmed.ends_with(',') {
        let comma = whole.end - 1;
        return Some((comma..comma + 1, "attributes stand on lines of their own, with nothing between them", "leave the comma out"));
    }
    let opens_here = line[..at.min(line.len())].contains('{') && after_word.starts_with(['{', '"']);
    if opens_here && line[..at].matches('=').count() > 0 {
        let help = "put each attribute and block on a line of its own";
        return Some((at..at + 1, "a block on one line holds one attribute, and no blocks", help));
    }
    None
}

/// Whether a quoted text begins on this line and does not end on it.
fn has_open_quote(line: &str) -> bool {
    let mut open = false;
    let mut is_escaped = false;
    let mut depth = 0usize;
    for (at, c) in line.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '#' if !open => return false,
            '/' if !open && line[at..].starts_with("//") => return false,
            '\\' if open => is_escaped = true,
            // Texts inside of `${...}` come in pairs of their own.
            '{' if open && at > 0 && line[..at].ends_with(['$', '%']) => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '"' if depth == 0 => open = !open,
            _ => {}
        }
    }
    open
}

fn open_heredoc(text: &str) -> Option<Explanation> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(found) = line.find("<<")
            && !line[..found].contains(['"', '#'])
        {
            let marker = line[found + 2..].trim_start_matches('-').trim();
            let is_marker = !marker.is_empty() && marker.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            if is_marker && !text[at + line.len()..].lines().any(|line| line.trim() == marker) {
                return Some(Explanation {
                    span: at + found..at + line.trim_end().len(),
                    message: format!("the heredoc `{marker}` is never ended"),
                    help: format!("end it with `{marker}` alone on a line"),
                });
            }
        }
        at += line.len();
    }
    None
}

/// The innermost bracket that is never closed, when that is all that is wrong with brackets.
fn open_bracket(text: &str) -> Option<Explanation> {
    let mut open = Vec::new();
    for token in lexer::lines(text).into_iter().flatten() {
        match token.kind {
            Kind::Open => open.push(token.text),
            Kind::Close => {
                let bracket = open.pop()?;
                if !matches!((bracket, token.text), ("{", "}") | ("[", "]") | ("(", ")")) {
                    return None;
                }
            }
            _ => {}
        }
    }
    let bracket = open.pop()?;
    // Tokens are slices of the text, so that their distance from its beginning is their place.
    let at = bracket.as_ptr() as usize - text.as_ptr() as usize;
    let close = match bracket {
        "{" => '}',
        "[" => ']',
        _ => ')',
    };
    Some(Explanation { span: at..at + 1, message: format!("this `{bracket}` is never closed"), help: format!("add a `{close}`") })
}
