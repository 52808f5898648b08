//! JSON with the place of everything. The library that reads JSON elsewhere does not tell places.

use std::ops::Range;

use super::{Member, Node, Value, Wrong};

/// How deep values may nest.
const MAX_DEPTH: usize = 60;

pub fn parse(text: &str) -> Result<Node, Wrong> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let node = reader.value()?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.wrong("nothing may follow the JSON value")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn wrong(&self, message: impl Into<String>) -> Wrong {
        let at = self.at.min(self.text.len());
        (at..at + 1, message.into())
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), Wrong> {
        self.skip_space();
        if self.peek() != Some(byte) {
            return Err(self.wrong(format!("expected {what}")));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Result<Node, Wrong> {
        self.skip_space();
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' => self.word()?,
            _ => return Err(self.wrong("expected a JSON value")),
        };
        Ok(Node { span: start..self.at, value })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Wrong>) -> Result<Value, Wrong> {
        if self.depth == MAX_DEPTH {
            return Err(self.wrong(format!("nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Result<Value, Wrong> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        let is_known = matches!(word, "null" | "true" | "false") || serde_json::from_str::<serde_json::Number>(word).is_ok();
        if is_known { Ok(Value::Word) } else { Err((start..self.at, format!("`{word}` is no JSON value; text stands in double quotes"))) }
    }

    fn string(&mut self) -> Result<String, Wrong> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(b'\n') | None => return Err((start..start + 1, "the text is not closed".to_owned())),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(quoted).map_err(|error| {
            let message = error.to_string();
            (start..self.at, message.split(" at line ").next().unwrap_or_default().to_owned())
        })
    }

    fn list(&mut self) -> Result<Value, Wrong> {
        let mut items = Vec::new();
        self.items(b']', "`,` or `]`", |reader| {
            items.push(reader.value()?);
            Ok(())
        })?;
        Ok(Value::List(items))
    }

    fn object(&mut self) -> Result<Value, Wrong> {
        let mut members: Vec<Member> = Vec::new();
        self.items(b'}', "`,` or `}`", |reader| {
            if reader.peek() != Some(b'"') {
                return Err(reader.wrong("expected a name in double quotes"));
            }
            let start = reader.at;
            let key = reader.string()?;
            let key_span: Range<usize> = start..reader.at;
            reader.expect(b':', "`:` after the name")?;
            members.push(Member { key, key_span, value: reader.value()? });
            Ok(())
        })?;
        Ok(Value::Object(members))
    }

    /// What stands between an opening bracket, which is next, and its closing one.
    fn items(&mut self, close: u8, expected: &str, mut read: impl FnMut(&mut Self) -> Result<(), Wrong>) -> Result<(), Wrong> {
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            read(self)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => {
                    let comma = self.at;
                    self.at += 1;
                    self.skip_space();
                    if self.peek() == Some(close) {
                        return Err((comma..comma + 1, "nothing follows this comma; JSON has none at the end".to_owned()));
                    }
                }
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.wrong(format!("expected {expected}"))),
            }
        }
    }
}
