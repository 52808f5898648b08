//! A text of the JSON form as a quoted template. JSON's own escapes are gone already, and outside of `${...}` nothing else is one.

use std::fmt::Write as _;

/// `text` in quotes: sequences of a template stay as they are, everything else means itself.
pub fn quoted(text: &str) -> String {
    let mut made = String::from("\"");
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("$${") || rest.starts_with("%%{") {
            made.push_str(&rest[..3]);
            rest = &rest[3..];
        } else if rest.starts_with("${") || rest.starts_with("%{") {
            let length = sequence_length(rest);
            made.push_str(&rest[..length]);
            rest = &rest[length..];
        } else {
            match c {
                '"' => made.push_str("\\\""),
                '\\' => made.push_str("\\\\"),
                '\n' => made.push_str("\\n"),
                '\r' => made.push_str("\\r"),
                '\t' => made.push_str("\\t"),
                c if c.is_control() => {
                    let _ = write!(made, "\\u{:04x}", u32::from(c));
                }
                c => made.push(c),
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    made.push('"');
    made
}

/// How long the `${...}` at the beginning is: up to the brace that closes it, with texts and other braces inside of it.
fn sequence_length(text: &str) -> usize {
    let mut depth = 0usize;
    let mut in_text = false;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' => in_text = !in_text,
            '{' if !in_text => depth += 1,
            '}' if !in_text => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}
