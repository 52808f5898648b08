//! What is wrong with a jobspec, as plain data, and how a terminal shows it.

use std::fmt::Write as _;
use std::ops::Range;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place in a source text, for people: lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
    /// The whole line, without its end.
    pub source_line: String,
    /// How many characters of the line are meant; at least 1.
    pub length: usize,
}

/// One problem of a jobspec. Complete in itself: it can be printed, or sent as JSON, without the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// A stable short name of the kind of problem (`unknown-attribute`), for programs.
    pub code: &'static str,
    pub message: String,
    pub file: String,
    pub position: Option<Position>,
    pub help: Option<String>,
}

impl Diagnostic {
    /// A problem that has no place in a text.
    pub fn without_position(severity: Severity, code: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self { severity, code, message: message.into(), file: file.to_owned(), position: None, help: None }
    }

    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `file:line:column: error: message`, the source line, a caret below it, and the help.
    pub fn render(&self, colour: bool) -> String {
        let paint = |code: &str, text: &str| if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() };
        let place = match &self.position {
            Some(position) => format!("{}:{}:{}: ", self.file, position.line, position.column),
            None if self.file.is_empty() => String::new(),
            None => format!("{}: ", self.file),
        };
        let severity_colour = if self.severity == Severity::Error { "1;31" } else { "1;33" };
        let mut text = String::new();
        let _ = writeln!(text, "{}{}: {}", paint("1", &place), paint(severity_colour, self.severity.name()), paint("1", &self.message));
        if let Some(position) = &self.position {
            let gutter = position.line.to_string();
            let blank = " ".repeat(gutter.len());
            // Tabs stay tabs so that the caret lines up whatever a terminal makes of them.
            let indent: String =
                position.source_line.chars().take(position.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let _ = writeln!(text, " {} {} {}", paint("34", &gutter), paint("34", "|"), position.source_line);
            let _ = writeln!(text, " {blank} {} {indent}{}", paint("34", "|"), paint(severity_colour, &"^".repeat(position.length)));
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "  {}: {help}", paint("36", "help"));
        }
        text
    }
}

/// Diagnostics of one jobspec. Beyond the first hundred they help nobody, and are not even made.
#[derive(Debug, Default)]
pub struct Report {
    list: Vec<Diagnostic>,
}

impl Report {
    pub const MOST: usize = 100;

    pub fn add(&mut self, make: impl FnOnce() -> Diagnostic) {
        if !self.is_full() {
            self.list.push(make());
        }
    }

    pub fn is_full(&self) -> bool {
        self.list.len() >= Self::MOST
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn append(&mut self, other: Self) {
        let room = Self::MOST.saturating_sub(self.list.len());
        self.list.extend(other.list.into_iter().take(room));
    }

    /// In the order of the source.
    pub fn into_list(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.position.as_ref().map(|position| (position.line, position.column)));
        self.list
    }
}

/// A source text with its name, which turns byte ranges into positions.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
    /// Set when `text` was made from another one, which is the one to show.
    pub origin: Option<&'a Origin>,
}

/// Where the parts of a made text come from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub text: String,
    /// A range of the made text, and the range of `text` that it stands for; enclosing ones come before or after those inside of them.
    pub parts: Vec<(Range<usize>, Range<usize>)>,
}

impl Origin {
    /// The range that the smallest part around `span` stands for; the beginning of the text when there is none.
    fn of(&self, span: &Range<usize>) -> Range<usize> {
        let around = self.parts.iter().filter(|(made, _)| made.start <= span.start && span.start < made.end.max(made.start + 1));
        around.min_by_key(|(made, _)| made.len()).map_or(0..1, |(_, origin)| origin.clone())
    }
}

impl<'a> Source<'a> {
    pub fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text, origin: None }
    }

    pub fn diagnostic(&self, severity: Severity, code: &'static str, span: Option<Range<usize>>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity,
            code,
            message: message.into(),
            file: self.name.to_owned(),
            position: span.map(|span| self.position(&span)),
            help: None,
        }
    }

    /// The position of a byte range; of a range over several lines, its first line.
    pub fn position(&self, span: &Range<usize>) -> Position {
        if let Some(origin) = self.origin {
            return Source::new(self.name, &origin.text).position(&origin.of(span));
        }
        let start = floor_boundary(self.text, span.start);
        let end = floor_boundary(self.text, span.end.max(start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let source_line = self.text[line_start..line_end].trim_end_matches('\r');
        let marked = self.text[start..end.min(line_end).max(start)].trim_end().chars().count();
        Position {
            line: self.text[..line_start].bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            source_line: source_line.to_owned(),
            length: marked.max(1),
        }
    }
}

/// The last character boundary at or before `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_characters_not_bytes() {
        let source = Source::new("a.hcl", "first\n\tköy = 1\r\nlast");
        let span = source.text.find('1').map(|at| at..at + 1);
        let diagnostic = source.diagnostic(Severity::Error, "test", span, "wrong").with_help("do better");
        assert_eq!(diagnostic.render(false), "a.hcl:2:8: error: wrong\n 2 | \tköy = 1\n   | \t      ^\n  help: do better\n");
    }

    #[test]
    fn a_span_beyond_the_text_or_inside_a_character_is_still_a_position() {
        let source = Source::new("a", "ö");
        assert_eq!(source.position(&(1..99)).column, 1);
        assert_eq!(source.position(&(50..99)).line, 1);
    }
}
