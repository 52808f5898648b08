//! Mistakes that show on the line where the parser gave up.

use std::borrow::Cow;
use std::ops::Range;

/// A mistake, with its place in the line.
pub struct OnLine {
    pub span: Range<usize>,
    pub message: Cow<'static, str>,
    pub help: Cow<'static, str>,
    /// The line as it was meant, of the same length, where that can be told.
    pub mended: Option<String>,
}

fn found(span: Range<usize>, message: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> OnLine {
    OnLine { span, message: message.into(), help: help.into(), mended: None }
}

impl OnLine {
    fn mended(mut self, line: String) -> Self {
        self.mended = Some(line);
        self
    }
}

/// `line` with one byte instead of another.
fn with_byte(line: &str, at: usize, byte: u8) -> String {
    let mut bytes = line.as_bytes().to_vec();
    bytes[at] = byte;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// What a line is made of, for the checks below.
struct Parts<'a> {
    line: &'a str,
    /// Where the parser gave up.
    at: usize,
    indent: usize,
    trimmed: &'a str,
    /// The name that the line begins with.
    word: &'a str,
    after_word: &'a str,
}

impl<'a> Parts<'a> {
    fn of(line: &'a str, at: usize) -> Self {
        let trimmed = line.trim();
        let length = trimmed.find(|c: char| !is_word(c)).unwrap_or(trimmed.len());
        let word = &trimmed[..length];
        Self {
            line,
            at: at.min(line.len()),
            indent: line.len() - line.trim_start().len(),
            trimmed,
            word,
            after_word: trimmed[length..].trim_start(),
        }
    }

    fn whole(&self) -> Range<usize> {
        self.indent..self.indent + self.trimmed.len()
    }

    /// The value behind `name =`.
    fn value(&self) -> Option<&'a str> {
        let value = self.after_word.strip_prefix('=').filter(|rest| !self.word.is_empty() && !rest.starts_with('='))?;
        Some(value.trim())
    }

    fn place_of(&self, part: &str) -> usize {
        part.as_ptr() as usize - self.line.as_ptr() as usize
    }
}

/// Mistakes that are known by their looks.
pub fn slip(line: &str, at: usize) -> Option<OnLine> {
    let parts = Parts::of(line, at);
    unseen(&parts)
        .or_else(|| of_a_template(&parts))
        .or_else(|| quotes(&parts))
        .or_else(|| percent_brace(&parts))
        .or_else(|| escape(&parts))
        .or_else(|| separators(&parts))
}

/// Characters that look like nothing, or like others.
fn unseen(parts: &Parts<'_>) -> Option<OnLine> {
    let (at, c) = parts.line.char_indices().find(|(index, c)| {
        let near = *index + c.len_utf8() >= parts.at;
        near && (matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' | '\0') || (c.is_whitespace() && !c.is_ascii()))
    })?;
    // Further on, it may stand in a text or a comment and mean no harm.
    if parts.line[parts.at.min(at)..at].contains(['"', '#']) {
        return None;
    }
    let blank = " ".repeat(c.len_utf8());
    let mended = format!("{}{blank}{}", &parts.line[..at], &parts.line[at + c.len_utf8()..]);
    let message = format!("there is an invisible character here: U+{:04X}", u32::from(c));
    Some(found(at..at + c.len_utf8(), message, "delete it, or type a plain space").mended(mended))
}

/// Marks of programs that make jobspecs from templates.
fn of_a_template(parts: &Parts<'_>) -> Option<OnLine> {
    const TERRAFORM: &str = "in a file for Terraform's templatefile(), render it first";
    if parts.trimmed.starts_with("%{") {
        let help =
            format!("a list of blocks is `dynamic \"name\" {{ for_each = ... }}`, a map `{{ for k, v in var.x : k => v }}`; {TERRAFORM}");
        let blank = blanked(parts.line);
        return Some(OnLine { mended: blank, ..found(parts.whole(), "`%{...}` stands only inside of a text", help) });
    }
    let text = parts.value().unwrap_or(parts.trimmed);
    let place = parts.place_of(text);
    let span = place..place + text.len();
    if let Some(reference) = text.strip_prefix("${") {
        let inner = reference.split('}').next().unwrap_or_default().trim();
        let help = format!("outside of a text, write the value itself, as in `var.{}`; {TERRAFORM}", inner.trim_start_matches("var."));
        return Some(OnLine { mended: blanked(parts.line), ..found(span, "`${...}` stands only inside of a text", help) });
    }
    let is_levant = text.starts_with("[[") && text.ends_with("]]") && text[2..].starts_with([' ', '-', '.', '/']);
    let is_mustache = text.starts_with("{{") || text.starts_with("{%");
    let is_octopus = text.starts_with("#{") && parts.value().is_some();
    if is_levant || is_mustache || is_octopus || text.starts_with("<%") {
        let whose = if is_levant { "Levant or Nomad Pack" } else { "another program" };
        let message = format!("this belongs to a template of {whose}, not to a jobspec");
        return Some(OnLine {
            mended: blanked(parts.line),
            ..found(span, message, "render the template first; a jobspec has `variable` blocks and `-var`")
        });
    }
    None
}

/// A line without anything, where nothing else hangs on it.
fn blanked(line: &str) -> Option<String> {
    let count = |c: char| line.matches(c).count();
    let balanced = count('{') == count('}') && count('[') == count(']') && !line.contains("<<");
    balanced.then(|| " ".repeat(line.len()))
}

fn quotes(parts: &Parts<'_>) -> Option<OnLine> {
    let Parts { line, at, .. } = *parts;
    if let Some(quote) = line.find('\'').filter(|quote| *quote >= at && !line[..*quote].contains('"')) {
        let single = found(quote..quote + 1, "text stands in double quotes, not in single ones", "write \"...\"");
        return Some(if line.contains('"') { single } else { single.mended(line.replace('\'', "\"")) });
    }
    let fancy = ['“', '”', '„', '«', '»', '‘', '’', '`'];
    if let Some((quote, c)) = line.char_indices().find(|(index, c)| *index >= at && fancy.contains(c))
        && !line[..quote].contains('"')
    {
        let message = format!("text stands in plain double quotes, and `{c}` is none");
        return Some(OnLine { mended: blanked(line), ..found(quote..quote + c.len_utf8(), message, "write \"...\"") });
    }
    let name =
        parts.trimmed.strip_prefix('"').and_then(|rest| rest.split_once('"')).filter(|(_, rest)| rest.trim_start().starts_with(['=', ':']));
    if let Some((name, _)) = name {
        let message = "the name of an attribute is not quoted";
        let help = "write the name without quotes; names that need them go into a map, as in `env = { \"MY-KEY\" = \"value\" }`";
        let plain: String =
            name.bytes().map(|byte| if is_word(char::from(byte)) && byte.is_ascii() { char::from(byte) } else { '_' }).collect();
        let rest = &line[parts.indent + name.len() + 2..];
        let mended =
            format!("{}_{plain}_{}", &line[..parts.indent], rest.replacen(':', "=", usize::from(rest.trim_start().starts_with(':'))));
        return Some(found(parts.whole(), message, help).mended(mended));
    }
    None
}

fn percent_brace(parts: &Parts<'_>) -> Option<OnLine> {
    let directive = parts.line.find("%{").filter(|at| !parts.line[..*at].ends_with('%'))?;
    let message = "`%{` in a text begins a directive (`%{if ...}`, `%{for ...}`)";
    let mended = with_byte(parts.line, directive + 1, b'(');
    Some(found(directive..directive + 2, message, "write `%%{` where the two characters are meant").mended(mended))
}

/// Backslashes that HCL has no meaning for.
fn escape(parts: &Parts<'_>) -> Option<OnLine> {
    let before = parts.line[..parts.at].rfind('\\')?;
    let escaped = parts.line[before + 1..].chars().next()?;
    let is_near = parts.at - before <= 3;
    let is_known = matches!(escaped, 'n' | 'r' | 't' | '\\' | '"');
    // `\\` ends in a backslash that begins nothing.
    let is_second = parts.line[..before].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    if !is_near || is_known || is_second || parts.line[..before].matches('"').count().is_multiple_of(2) {
        return None;
    }
    let message = format!("`\\{escaped}` means nothing in a text; there are \\n, \\r, \\t, \\\", \\\\, \\uXXXX and \\UXXXXXXXX");
    let mended = with_byte(parts.line, before, b'/');
    Some(found(before..before + 1 + escaped.len_utf8(), message, format!("write `\\\\{escaped}` for a backslash")).mended(mended))
}

/// What stands between names and values, and behind them.
fn separators(parts: &Parts<'_>) -> Option<OnLine> {
    let Parts { line, at, indent, trimmed, word, after_word } = *parts;
    if !word.is_empty() && after_word.starts_with(':') {
        let colon = parts.place_of(after_word);
        let message = "an attribute has `=` between its name and its value";
        return Some(found(colon..colon + 1, message, "write `name = value`").mended(with_byte(line, colon, b'=')));
    }
    if !word.is_empty() && after_word.starts_with(['"', '[']) && !line.contains('{') && !line.contains('=') {
        return Some(found(parts.whole(), "neither an attribute nor a block", "write `name = value`, or `name \"label\" { ... }`"));
    }
    let last = parts.whole().end.saturating_sub(1);
    if after_word.starts_with('=') && trimmed.ends_with([',', ';']) {
        let message = "attributes stand on lines of their own, with nothing between them";
        let help = format!("leave the {} out", if trimmed.ends_with(',') { "comma" } else { "semicolon" });
        return Some(found(last..last + 1, message, help).mended(with_byte(line, last, b' ')));
    }
    if trimmed.len() > 1 && trimmed.ends_with(['{', '}']) && at > last && after_word.is_empty() {
        return None;
    }
    let opens_here = line[..at].contains('{') && after_word.starts_with(['{', '"']);
    if opens_here && line[..at].contains('=') && line[at..].starts_with(|c: char| is_word(c)) {
        let help = "put each attribute and block on a line of its own";
        return Some(found(at..at + 1, "a block on one line holds one attribute, and no blocks", help));
    }
    // Behind the name: nothing, or something that is no value.
    let name_end = indent + word.len();
    if word.is_empty() || at < name_end || word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if after_word.is_empty() && at == name_end {
        let help = format!("write `{word} = value`, or `{word} {{ ... }}`");
        return Some(OnLine { mended: blanked(line), ..found(parts.whole(), "neither an attribute nor a block", help) });
    }
    if parts.value().is_some_and(|value| value.is_empty() || value.starts_with('#') || value.starts_with("//")) {
        let message = format!("`{word}` has no value");
        return Some(OnLine {
            mended: blanked(line),
            ..found(indent..name_end, message, format!("write `{word} = ...`, or delete the line"))
        });
    }
    if after_word.starts_with(|c: char| c.is_ascii_digit()) {
        let message = "an attribute has `=` between its name and its value";
        return Some(OnLine { mended: blanked(line), ..found(parts.whole(), message, format!("write `{word} = {after_word}`")) });
    }
    None
}

/// What is left: something behind a value that was complete.
pub fn oddity(line: &str, at: usize, expected: &str) -> Option<OnLine> {
    let parts = Parts::of(line, at);
    if !expected.starts_with("expected newline") {
        return None;
    }
    let rest = line[parts.at..].trim_end();
    let word = &rest[..rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())];
    let follows_number = line[..parts.at].ends_with(|c: char| c.is_ascii_digit());
    if follows_number && !word.is_empty() {
        let value = parts.value().unwrap_or_default();
        let number = &value[..value.len().saturating_sub(rest.len())];
        let is_duration = matches!(word, "s" | "m" | "h" | "ms");
        let help = if is_duration {
            format!("a duration is a text: \"{value}\"")
        } else {
            format!("write `{} = {number}`: cpu in MHz, memory and disk in MiB", parts.word)
        };
        return Some(OnLine { mended: blanked(line), ..found(parts.at..parts.at + word.len(), "a number stands without a unit", help) });
    }
    let what = if rest.is_empty() { return None } else { rest };
    let span = parts.at..parts.at + what.len();
    Some(OnLine {
        mended: blanked(line),
        ..found(span, "the value ends before this", "one attribute stands on a line; text needs quotes around all of it")
    })
}
