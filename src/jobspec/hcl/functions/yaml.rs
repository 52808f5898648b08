//! The YAML that configurations are written in: block and flow collections, plain and quoted scalars, literal and folded
//! text, comments. Not read: anchors, tags, several documents, keys that are collections.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::jobspec::hcl::number::Number;
use crate::jobspec::hcl::value::{MAX_DEPTH, Value};

type Read<T> = Result<T, String>;

/// `value` in block style; text is always quoted.
pub fn encode(value: &Value) -> String {
    let mut text = String::new();
    write_block(value, 0, &mut text);
    text
}

fn write_block(value: &Value, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Map(items) if !items.is_empty() => {
            for (key, item) in items.iter() {
                let _ = write!(text, "{pad}{}:", serde_json::Value::from(key.as_str()));
                write_item(item, indent, text);
            }
        }
        Value::List(items) if !items.is_empty() => {
            for item in items.iter() {
                let _ = write!(text, "{pad}-");
                write_item(item, indent, text);
            }
        }
        scalar => {
            let _ = writeln!(text, "{pad}{}", scalar.to_json());
        }
    }
}

/// What follows a key or a dash: on the same line when it is small.
fn write_item(item: &Value, indent: usize, text: &mut String) {
    let nested = matches!(item, Value::Map(items) if !items.is_empty()) || matches!(item, Value::List(items) if !items.is_empty());
    if nested {
        text.push('\n');
        write_block(item, indent + 2, text);
    } else {
        let _ = writeln!(text, " {}", item.to_json());
    }
}

pub fn decode(text: &str) -> Read<Value> {
    let lines = text.lines().enumerate().map(|(index, raw)| Line::new(index + 1, raw)).collect::<Read<Vec<_>>>()?;
    let mut reader = Reader { lines, at: 0, depth: 0 };
    if reader.peek().is_some_and(|line| line.text == "---") {
        reader.at += 1;
    }
    let value = match reader.peek() {
        None => Value::Null,
        Some(line) => reader.block(line.indent)?,
    };
    match reader.peek() {
        None => Ok(value),
        Some(line) => Err(format!("line {}: unexpected indentation or text", line.number)),
    }
}

#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    indent: usize,
    /// Without indentation and comment; empty for a blank line.
    text: &'a str,
    /// As it was written.
    raw: &'a str,
}

impl<'a> Line<'a> {
    fn new(number: usize, raw: &'a str) -> Read<Self> {
        let trimmed = raw.trim_start_matches(' ');
        if trimmed.starts_with('\t') && !trimmed.trim().is_empty() {
            return Err(format!("line {number}: tabs cannot indent"));
        }
        Ok(Self { number, indent: raw.len() - trimmed.len(), text: without_comment(trimmed).trim_end(), raw })
    }
}

/// The line up to a `#` that stands at its start or behind white space, outside of quotes.
fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return &text[..at],
            (None, '"' | '\'') if before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':') => quote = Some(c),
            (Some(open), c) if c == open && !(open == '"' && before == '\\') => quote = None,
            _ => {}
        }
        before = c;
    }
    text
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// The next line that says something.
    fn peek(&mut self) -> Option<Line<'a>> {
        while self.lines.get(self.at).is_some_and(|line| line.text.is_empty()) {
            self.at += 1;
        }
        self.lines.get(self.at).copied()
    }

    /// A collection or scalar whose lines have at least `indent`.
    fn block(&mut self, indent: usize) -> Read<Value> {
        let Some(first) = self.peek() else { return Ok(Value::Null) };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("line {}: nested too deeply", first.number));
        }
        let value = if is_dash(first.text) {
            self.sequence(indent)
        } else if split_key(first.text)?.is_some() {
            self.mapping(indent)
        } else {
            self.at += 1;
            scalar_or_flow(first.text).map_err(|problem| format!("line {}: {problem}", first.number))
        };
        self.depth -= 1;
        value
    }

    fn sequence(&mut self, indent: usize) -> Read<Value> {
        let mut items = Vec::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent && is_dash(line.text)) {
            let rest = line.text[1..].trim_start();
            if rest.is_empty() {
                self.at += 1;
                items.push(self.nested(indent + 1)?);
                continue;
            }
            // `- key: value` opens a collection whose lines stand where `key` stands.
            let inner = indent + line.text.len() - rest.len();
            if is_dash(rest) || split_key(rest)?.is_some() {
                self.lines[self.at] = Line { indent: inner, text: rest, ..line };
                items.push(self.block(inner)?);
            } else {
                self.at += 1;
                items.push(self.value(rest, indent, line.number)?);
            }
        }
        Value::list(items).map_err(|error| error.to_string())
    }

    fn mapping(&mut self, indent: usize) -> Read<Value> {
        let mut items = BTreeMap::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            let Some((key, rest)) = split_key(line.text)? else {
                return Err(format!("line {}: expected `key: value`", line.number));
            };
            self.at += 1;
            let value = if rest.is_empty() {
                // A list may stand as far left as its key.
                let dash = self.peek().is_some_and(|next| next.indent == indent && is_dash(next.text));
                self.nested(if dash { indent } else { indent + 1 })?
            } else {
                self.value(rest, indent, line.number)?
            };
            if items.insert(key.clone(), value).is_some() {
                return Err(format!("line {}: the key {key:?} is there twice", line.number));
            }
        }
        Value::map(items).map_err(|error| error.to_string())
    }

    /// What is indented by `least` or more, null when nothing is.
    fn nested(&mut self, least: usize) -> Read<Value> {
        match self.peek().filter(|line| line.indent >= least) {
            Some(line) => self.block(line.indent),
            None => Ok(Value::Null),
        }
    }

    /// A value that starts on the line of its key or dash.
    fn value(&mut self, rest: &str, indent: usize, number: usize) -> Read<Value> {
        if rest.starts_with(['|', '>']) {
            return self.text_block(rest, indent);
        }
        scalar_or_flow(rest).map_err(|problem| format!("line {number}: {problem}"))
    }

    /// `|` keeps lines, `>` folds them; `-` drops the last newline.
    fn text_block(&mut self, header: &str, indent: usize) -> Read<Value> {
        let folded = header.starts_with('>');
        let mut lines: Vec<&str> = Vec::new();
        let mut inner = None;
        while let Some(line) = self.lines.get(self.at) {
            let blank = line.raw.trim().is_empty();
            if !blank && line.indent <= indent {
                break;
            }
            let start = *inner.get_or_insert(if blank { indent + 1 } else { line.indent });
            lines.push(if blank { "" } else { line.raw.get(start..).unwrap_or_else(|| line.raw.trim_start()) });
            self.at += 1;
        }
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let mut text = lines.join(if folded { " " } else { "\n" });
        if !header.contains('-') && !text.is_empty() {
            text.push('\n');
        }
        Ok(text.into())
    }
}

fn is_dash(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// `key: rest`, when the line is one.
fn split_key(text: &str) -> Read<Option<(String, &str)>> {
    if text.starts_with(['"', '\'']) {
        let (key, rest) = quoted(text)?;
        let rest = rest.trim_start();
        return Ok(rest
            .strip_prefix(':')
            .filter(|after| after.is_empty() || after.starts_with(' '))
            .map(|after| (key, after.trim_start())));
    }
    if text.starts_with(['[', '{']) {
        return Ok(None);
    }
    let at = text.find(": ").or_else(|| text.ends_with(':').then(|| text.len() - 1));
    Ok(at.map(|at| (text[..at].trim_end().to_owned(), text[at + 1..].trim_start())))
}

fn scalar_or_flow(text: &str) -> Read<Value> {
    if text.starts_with(['&', '*', '!']) {
        return Err("anchors, aliases and tags are not supported".to_owned());
    }
    let (value, rest) = flow(text, 0, false)?;
    if rest.trim().is_empty() { Ok(value) } else { Err(format!("unexpected {:?}", rest.trim())) }
}

/// A value in flow style, and what follows it. `inside`: of a flow collection, where commas and brackets end it.
fn flow(text: &str, depth: usize, inside: bool) -> Read<(Value, &str)> {
    if depth > MAX_DEPTH {
        return Err("nested too deeply".to_owned());
    }
    let text = text.trim_start();
    let bounded = |error: crate::jobspec::hcl::value::TooBig| error.to_string();
    if let Some(mut rest) = text.strip_prefix('[') {
        let mut items = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix(']') {
                return Ok((Value::list(items).map_err(bounded)?, after));
            }
            let (item, after) = flow(rest, depth + 1, true)?;
            items.push(item);
            rest = separator(after, ']')?;
        }
    }
    if let Some(mut rest) = text.strip_prefix('{') {
        let mut items = BTreeMap::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return Ok((Value::map(items).map_err(bounded)?, after));
            }
            let (key, after) = if rest.starts_with(['"', '\'']) {
                quoted(rest)?
            } else {
                let end = rest.find([':', ',', '}']).ok_or("a `{` is not closed")?;
                (rest[..end].trim().to_owned(), &rest[end..])
            };
            let after = after.trim_start().strip_prefix(':').ok_or("expected `key: value`")?;
            let (item, after) = flow(after, depth + 1, true)?;
            items.insert(key, item);
            rest = separator(after, '}')?;
        }
    }
    if text.starts_with(['"', '\'']) {
        let (value, rest) = quoted(text)?;
        return Ok((value.into(), rest));
    }
    let end = if inside { text.find([',', ']', '}']).unwrap_or(text.len()) } else { text.len() };
    Ok((plain(text[..end].trim()), &text[end..]))
}

fn separator(rest: &str, close: char) -> Read<&str> {
    let rest = rest.trim_start();
    if rest.starts_with(close) {
        return Ok(rest);
    }
    rest.strip_prefix(',').ok_or_else(|| format!("expected `,` or `{close}`"))
}

fn quoted(text: &str) -> Read<(String, &str)> {
    if let Some(rest) = text.strip_prefix('\'') {
        let mut value = String::new();
        let mut rest = rest;
        loop {
            let end = rest.find('\'').ok_or("a quote is not closed")?;
            value.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('\'') {
                Some(after) => {
                    value.push('\'');
                    rest = after;
                }
                None => return Ok((value, rest)),
            }
        }
    }
    // Double quotes have JSON's escapes, and a few more that are hardly ever seen.
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match stream.next() {
        Some(Ok(value)) => Ok((value, &text[stream.byte_offset()..])),
        _ => Err("a quoted text is not closed, or has an unknown escape".to_owned()),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        other => Number::parse(other).map_or_else(|| Value::string(other), Value::Number),
    }
}
