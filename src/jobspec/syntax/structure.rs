//! Mistakes that show in the whole of a text: what was opened and never closed.

use super::{Explanation, place};
use crate::jobspec::format::lexer::{self, Kind, Token};

fn explanation(at: usize, length: usize, message: impl Into<String>, help: impl Into<String>) -> Explanation {
    Explanation { span: at..at + length, message: message.into(), help: Some(help.into()), mended: None }
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    lexer::lines(text).into_iter().flatten()
}

pub fn open_comment(text: &str) -> Option<Explanation> {
    let open = tokens(text).find(|token| token.text.starts_with("/*") && !(token.text.len() >= 4 && token.text.ends_with("*/")))?;
    Some(explanation(place(text, open.text), 2, "this comment is never closed", "end it with `*/`"))
}

/// A quoted text that goes on over the end of its line, up to the line where the parser gave up.
pub fn open_text(text: &str, offset: usize) -> Option<Explanation> {
    let is_open = |token: &Token<'_>| token.kind == Kind::Quoted && has_open_quote(token.text.lines().next().unwrap_or_default());
    let line_end = text[offset..].find('\n').map_or(text.len(), |end| offset + end);
    let open = tokens(text).take_while(|token| place(text, token.text) <= line_end).find(is_open)?;
    let at = place(text, open.text);
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    // `image = nginx"`: what precedes the quote is what should be in quotes.
    if let Some((name, value)) = line.split_once('=')
        && !value.trim().is_empty()
        && !value.ends_with(char::is_whitespace)
        && !value.contains('"')
    {
        let value = value.trim();
        let help = format!("write `{} = \"{value}\"`", name.trim());
        return Some(explanation(at - value.len(), value.len() + 1, "the text has no opening quote", help));
    }
    let help = "add the closing quote; text of several lines is a heredoc: `<<EOF`";
    Some(explanation(at, 1, "the text is not closed on its line", help))
}

/// Whether a quoted text begins on this line and does not end on it.
fn has_open_quote(line: &str) -> bool {
    let (mut open, mut is_escaped, mut depth) = (false, false, 0usize);
    for (at, c) in line.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
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

pub fn open_heredoc(text: &str) -> Option<Explanation> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(found) = line.find("<<")
            && !line[..found].contains(['"', '#'])
        {
            let marker = line[found + 2..].trim_start_matches('-').trim();
            let is_marker = !marker.is_empty() && marker.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            if is_marker && !text[at + line.len()..].lines().any(|line| line.trim() == marker) {
                let message = format!("the heredoc `{marker}` is never ended");
                let help = format!("end it with `{marker}` alone on a line");
                return Some(explanation(at + found, line.trim_end().len() - found, message, help));
            }
        }
        at += line.len();
    }
    None
}

/// A bracket, and how far its line is indented.
#[derive(Clone, Copy)]
struct Open<'a> {
    text: &'a str,
    line: usize,
    indent: usize,
}

/// Brackets that do not come in pairs. People indent what belongs together, so that the first pair that
/// is not level tells where one is missing; without indentation it is the innermost one that stays open.
pub fn unbalanced(text: &str) -> Option<Explanation> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut closed: Vec<(Open<'_>, Open<'_>)> = Vec::new();
    let mut uneven: Option<Open<'_>> = None;
    for (line, tokens) in lexer::lines(text).into_iter().enumerate() {
        let Some(first) = tokens.first() else { continue };
        let start = place(text, first.text);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        for token in &tokens {
            let here = Open { text: token.text, line, indent: start - line_start };
            match token.kind {
                Kind::Open => open.push(here),
                Kind::Close => {
                    let Some(opener) = open.pop() else { return Some(closes_nothing(text, here, &closed)) };
                    if !matches!((opener.text, token.text), ("{", "}") | ("[", "]") | ("(", ")")) {
                        return Some(never_closed(text, opener));
                    }
                    let is_first = std::ptr::eq(token.text, first.text);
                    if is_first && opener.line != line && here.indent < opener.indent && uneven.is_none() {
                        uneven = Some(opener);
                    }
                    closed.push((opener, here));
                }
                _ => {}
            }
        }
    }
    let innermost = open.pop()?;
    Some(never_closed(text, uneven.unwrap_or(innermost)))
}

fn never_closed(text: &str, bracket: Open<'_>) -> Explanation {
    let close = match bracket.text {
        "{" => '}',
        "[" => ']',
        _ => ')',
    };
    explanation(place(text, bracket.text), 1, format!("this `{}` is never closed", bracket.text), format!("add a `{close}`"))
}

/// A bracket too many. One that is less indented than what it closes was meant for something else, which is closed already.
fn closes_nothing(text: &str, bracket: Open<'_>, closed: &[(Open<'_>, Open<'_>)]) -> Explanation {
    let shifted = closed.iter().position(|(opener, closer)| closer.indent > opener.indent && closer.line != opener.line);
    let earlier = shifted.and_then(|index| {
        let meant = closed[index].1;
        let before =
            closed[..index].iter().rev().find(|(opener, closer)| opener.indent == meant.indent && closer.indent == meant.indent)?;
        Some((before, meant))
    });
    let at = place(text, bracket.text);
    match earlier {
        Some(((opener, closer), meant)) => {
            let message = format!(
                "this `{}` closes what began on line {}, and the one on line {} does so again",
                closer.text,
                opener.line + 1,
                meant.line + 1
            );
            explanation(place(text, closer.text), 1, message, "one of the two is too many")
        }
        None => explanation(at, 1, format!("this `{}` closes nothing", bracket.text), "delete it, or open what it should close"),
    }
}

/// The brackets that are open at a place, the innermost last.
fn open_at(text: &str, offset: usize) -> Vec<&str> {
    let mut open = Vec::new();
    for token in tokens(text).take_while(|token| place(text, token.text) < offset) {
        match token.kind {
            Kind::Open => open.push(token.text),
            Kind::Close => {
                open.pop();
            }
            _ => {}
        }
    }
    open
}

/// `network = { port "http" {`: a block was meant, and a map was opened.
pub fn block_in_map(text: &str, offset: usize) -> Option<Explanation> {
    let brace = *open_at(text, offset).last().filter(|bracket| **bracket == "{")?;
    let at = place(text, brace);
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let (name, rest) = text[start..at].split_once('=')?;
    let is_name = !name.trim().is_empty() && rest.trim().is_empty() && !name.contains(['"', '{', '(', '[']);
    let line = text[..offset].rsplit('\n').next().unwrap_or_default();
    // The parser gives up in front of the label's quote, or behind it.
    let head = line.trim();
    let word = head.strip_suffix('"').unwrap_or(head).trim_end();
    let has_label = word.len() < head.len() || text[offset..].trim_start().starts_with(['"', '{']);
    let is_block = is_name && has_label && !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_block.then(|| {
        let name = name.trim();
        let message = format!("`{name} = {{` opens a map, and a map holds no blocks");
        explanation(
            start + text[start..at].len() - text[start..at].trim_start().len(),
            name.len(),
            message,
            format!("write `{name} {{`, without `=`"),
        )
    })
}

/// Two elements with nothing between them.
pub fn missing_comma(text: &str, offset: usize, expected: &str) -> Option<Explanation> {
    let bracket = *open_at(text, offset).last()?;
    let is_list = bracket == "[" && expected.contains("`]`");
    let is_call = bracket == "(" && expected.contains("`)`");
    let next = text[offset..].trim_start();
    if !(is_list || is_call) || next.is_empty() || next.starts_with([']', ')', '}']) {
        return None;
    }
    let at = text.len() - next.len();
    let what = if is_list { "elements of a list" } else { "arguments of a function" };
    let length = next.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | ')')).unwrap_or(next.len()).max(1);
    Some(explanation(at, length, format!("{what} are divided by commas"), "put a comma in front of this one"))
}

/// An attribute that is there twice.
pub fn defined_twice(text: &str, offset: usize, expected: &str) -> Option<Explanation> {
    if !expected.contains("redefined attribute") {
        return None;
    }
    let name = &text[offset..];
    let name = &name[..name.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(name.len())];
    Some(explanation(offset, name.len(), format!("`{name}` is there twice in this block"), "keep one of the two"))
}
