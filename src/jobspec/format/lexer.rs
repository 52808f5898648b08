//! Tokens of HCL, as far as a layout needs to tell them apart. The text is known to be HCL.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a number.
    Word,
    /// A quoted text, with everything in it.
    Quoted,
    /// From `<<` to the end marker.
    Heredoc,
    Comment,
    Open,
    Close,
    Operator,
}

#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// Whether there was space in front of it.
    pub spaced: bool,
}

const OPERATORS: [&str; 9] = ["...", "==", "!=", "<=", ">=", "&&", "||", "=>", "::"];

/// The tokens of each line; none for a blank one.
pub fn lines(text: &str) -> Vec<Vec<Token<'_>>> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut lines = vec![Vec::new()];
    let mut at = 0;
    let mut spaced = false;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with('\n') {
            lines.push(Vec::new());
            at += 1;
            spaced = false;
            continue;
        }
        if let Some(space) = rest.chars().next().filter(|c| c.is_whitespace() || *c == '\u{feff}') {
            at += space.len_utf8();
            spaced = true;
            continue;
        }
        let (kind, length) = token(rest);
        if let Some(line) = lines.last_mut() {
            line.push(Token { kind, text: &rest[..length], spaced });
        }
        at += length;
        spaced = false;
    }
    lines
}

/// The kind and length of the token that `rest` begins with.
fn token(rest: &str) -> (Kind, usize) {
    let line_length = || rest.find('\n').map_or(rest.len(), |end| rest[..end].trim_end().len());
    if rest.starts_with('#') || rest.starts_with("//") {
        return (Kind::Comment, line_length());
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if rest.starts_with('"') {
        return (Kind::Quoted, quoted_length(rest));
    }
    if rest.starts_with("<<")
        && let Some(length) = heredoc_length(rest)
    {
        return (Kind::Heredoc, length);
    }
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return (Kind::Word, number_length(rest));
    }
    if rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return (Kind::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
    }
    if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
        return (Kind::Operator, operator.len());
    }
    match rest.chars().next() {
        Some('{' | '[' | '(') => (Kind::Open, 1),
        Some('}' | ']' | ')') => (Kind::Close, 1),
        Some(other) => (Kind::Operator, other.len_utf8()),
        None => (Kind::Operator, 0),
    }
}

fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let is_exponent_sign = matches!(byte, b'+' | b'-') && length > 0 && matches!(bytes[length - 1], b'e' | b'E');
        let is_fraction = *byte == b'.' && bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
        if !byte.is_ascii_alphanumeric() && !is_exponent_sign && !is_fraction {
            break;
        }
        length += 1;
    }
    length
}

/// Up to the closing quote, over `${...}` with texts of its own.
fn quoted_length(rest: &str) -> usize {
    // What has to close before anything else: a quote, or the brace of a sequence.
    let mut open = vec!['"'];
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        let in_text = open.last() == Some(&'"');
        match c {
            '\\' if in_text => {
                chars.next();
            }
            '"' if in_text => {
                open.pop();
                if open.is_empty() {
                    return at + 1;
                }
            }
            '"' => open.push('"'),
            '$' | '%' if in_text && chars.peek().is_some_and(|(_, next)| *next == c) => {
                // `$${` is text; `$$` alone is two characters.
                let third = rest[at + 2..].starts_with('{');
                chars.next();
                if third {
                    chars.next();
                }
            }
            '$' | '%' if in_text && chars.peek().is_some_and(|(_, next)| *next == '{') => {
                chars.next();
                open.push('}');
            }
            '{' if !in_text => open.push('}'),
            '}' if !in_text => {
                open.pop();
            }
            _ => {}
        }
    }
    rest.len()
}

/// Up to and with the end marker; none when it is no heredoc.
fn heredoc_length(rest: &str) -> Option<usize> {
    let (head, body) = rest.split_once('\n')?;
    let marker = head[2..].trim_start_matches('-').trim();
    if marker.is_empty() || !marker.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        return None;
    }
    let mut at = head.len() + 1;
    for line in body.split_inclusive('\n') {
        if line.trim() == marker {
            return Some(at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}
