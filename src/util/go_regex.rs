//! Regular expressions as Go reads them (RE2's syntax), in the notation of the `regex` crate.
//!
//! The two agree but for a few spellings that jobspecs do use: a `{` that begins no repetition stands for itself, `\Q...\E` quotes,
//! and a class holds no operators and no other classes. Source: <https://pkg.go.dev/regexp/syntax>.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

/// A compiled expression may take this much room, in bytes: a few characters can ask for gigabytes.
pub const SIZE_LIMIT: usize = 1 << 20;

/// Compiles an expression in Go's notation.
///
/// # Errors
/// What is wrong with it, on one line.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(&translate(pattern)).size_limit(SIZE_LIMIT).build();
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        last.strip_prefix("error: ").unwrap_or(last).to_owned()
    })
}

fn translate(pattern: &str) -> Cow<'_, str> {
    if !pattern.contains(['{', '[', '\\']) {
        return pattern.into();
    }
    let mut translated = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' => escape(rest, &mut translated),
            '[' => class(rest, &mut translated),
            '{' if !is_repetition(rest) => {
                translated.push_str("\\{");
                1
            }
            c => {
                translated.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    translated.into()
}

/// Takes what begins with a backslash; answers with its length.
fn escape(rest: &str, translated: &mut String) -> usize {
    let next = rest[1..].chars().next();
    match next {
        Some('Q') => {
            let quoted = &rest[2..];
            let (literal, length) = quoted.find("\\E").map_or((quoted, rest.len()), |end| (&quoted[..end], end + 4));
            translated.push_str(&regex::escape(literal));
            length
        }
        // `\pL`, `\p{Greek}`, `\x{10FFFF}`: the braces belong to them.
        Some('p' | 'P' | 'x') if rest[2..].starts_with('{') => {
            let length = rest.find('}').map_or(rest.len(), |end| end + 1);
            translated.push_str(&rest[..length]);
            length
        }
        // Borders of words to the crate, the characters to Go.
        Some(c @ ('<' | '>')) => {
            translated.push(c);
            2
        }
        Some(c) => {
            translated.push('\\');
            translated.push(c);
            1 + c.len_utf8()
        }
        None => {
            translated.push('\\');
            1
        }
    }
}

/// Takes a class from its `[` on; answers with its length.
fn class(rest: &str, translated: &mut String) -> usize {
    let mut at = 1;
    translated.push('[');
    if rest[at..].starts_with('^') {
        translated.push('^');
        at += 1;
    }
    if rest[at..].starts_with(']') {
        translated.push_str("\\]");
        at += 1;
    }
    while let Some(c) = rest[at..].chars().next() {
        let named = if rest[at..].starts_with("[:") { rest[at..].find(":]") } else { None };
        match (c, named) {
            (']', _) => {
                translated.push(']');
                return at + 1;
            }
            ('[', Some(end)) => {
                translated.push_str(&rest[at..at + end + 2]);
                at += end + 2;
            }
            ('\\', _) => at += escape(&rest[at..], translated),
            // Beginnings of operators, when they are there twice.
            ('[' | '&' | '~', _) => {
                translated.push('\\');
                translated.push(c);
                at += 1;
            }
            _ => {
                translated.push(c);
                at += c.len_utf8();
            }
        }
    }
    at
}

/// Whether `rest` begins with `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest[1..].split_once('}') else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match inside.split_once(',') {
        Some((least, most)) => is_number(least) && (most.is_empty() || is_number(most)),
        None => is_number(inside),
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap().is_match(text)
    }

    #[test]
    fn braces_that_repeat_nothing_are_characters() {
        assert!(matches(r"^server\s{\s$", "server { "));
        assert!(matches(r"^{\s+}$", "{  }") && matches("^a{,2}$", "a{,2}") && matches("^a{b}$", "a{b}"));
        assert!(matches("^a{2}$", "aa") && !matches("^a{2}$", "a{2}") && matches("^a{1,}b{1,2}$", "aabb"));
        assert!(matches(r"^\x{61}\p{Greek}\pL$", "aβc"));
    }

    #[test]
    fn classes_hold_no_operators() {
        assert!(matches("^[[]$", "[") && matches("^[]a]+$", "]a") && matches("^[^]a]$", "b"));
        assert!(matches("^[a&&b]+$", "a&b") && matches("^[[:alpha:]_-]+$", "a_-") && matches(r"^[\]\d]+$", "]1"));
        assert!(matches(r"^[{}]+$", "{}"));
    }

    #[test]
    fn quoted_text_is_itself() {
        assert!(matches(r"^\Qa.b{\E+c$", "a.b{{c") && !matches(r"^\Qa.b\E$", "axb") && matches(r"^\Qa.", "a."));
        assert!(matches(r"^\<a\>$", "<a>"));
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        assert_eq!(compile("a(b").unwrap_err(), "unclosed group");
        assert_eq!(compile("[a").unwrap_err(), "unclosed character class");
        for odd in ["\\", "[", "[^", "[\\", "\\Q", "{", "\\p{", "[[:alpha", "ö{ö[ö"] {
            let _ = compile(odd);
        }
        assert!(compile("(((a{1000}){1000}){1000})").unwrap_err().contains("limit"));
    }
}
