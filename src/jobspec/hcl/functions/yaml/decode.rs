//! YAML to a value: all of the language, with the core schema's types. Anchors are resolved; what an alias stands for is
//! shared, not copied, and every collection is measured, so that a small text cannot stand for a huge value.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use crate::jobspec::hcl::number::Number;
use crate::jobspec::hcl::value::{MAX_DEPTH, Value};

type Read<T> = Result<T, String>;

/// The value of the only document of `text`; null when it is empty.
pub fn decode(text: &str) -> Read<Value> {
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: BTreeMap::new(), depth: 0 };
    let mut document = None;
    loop {
        match reader.next()? {
            Event::StreamEnd => return Ok(document.unwrap_or(Value::Null)),
            Event::DocumentStart(_) if document.is_some() => return Err("there is more than one document".to_owned()),
            Event::DocumentStart(_) => {
                let first = reader.next()?;
                document = Some(reader.value(first)?);
            }
            _ => {}
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// What has a name, by the parser's number for it.
    anchors: BTreeMap<usize, Value>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Read<Event<'a>> {
        match self.events.next() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(format!("not YAML: line {}: {}", error.marker().line(), error.info())),
            None => Ok(Event::StreamEnd),
        }
    }

    fn value(&mut self, event: Event<'a>) -> Read<Value> {
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                return self.anchors.get(&anchor).cloned().ok_or_else(|| "an alias stands for what it is a part of".to_owned());
            }
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar(&text, style, tag.as_deref())?),
            Event::SequenceStart(anchor, _) => (anchor, self.nested(Self::sequence)?),
            Event::MappingStart(anchor, _) => (anchor, self.nested(Self::mapping)?),
            other => return Err(format!("not YAML: unexpected {other:?}")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Value>) -> Read<Value> {
        if self.depth >= MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn sequence(&mut self) -> Read<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Value::list(items).map_err(|error| error.to_string()),
                event => items.push(self.value(event)?),
            }
        }
    }

    /// `<<` takes over the pairs of other mappings that are not written out here.
    fn mapping(&mut self) -> Read<Value> {
        let mut items = BTreeMap::new();
        let mut merged = Vec::new();
        loop {
            let event = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, _) if text == "<<");
            let key = self.value(event)?;
            let event = self.next()?;
            let value = self.value(event)?;
            if is_merge {
                merged.push(value);
                continue;
            }
            let name = key.to_text().ok_or("a key is a collection; keys must be scalars")?;
            if items.insert((*name).to_owned(), value).is_some() {
                return Err(format!("the key {name:?} is there twice"));
            }
        }
        for source in merged {
            let sources = match &source {
                Value::List(list) => list.to_vec(),
                _ => vec![source],
            };
            for source in sources {
                let Value::Map(pairs) = source else { return Err("`<<` takes a mapping, or a list of them".to_owned()) };
                for (name, value) in pairs.iter() {
                    items.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        Value::map(items).map_err(|error| error.to_string())
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Read<Value> {
    let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    let wrong = |kind: &str| format!("{text:?} is not {kind}");
    match tag {
        Some("str") => return Ok(Value::string(text)),
        Some("int" | "float") => return number(text).ok_or_else(|| wrong("a number")),
        Some("bool") => return boolean(text).ok_or_else(|| wrong("a bool")),
        Some("null") => return Ok(Value::Null),
        _ => {}
    }
    if style != ScalarStyle::Plain {
        return Ok(Value::string(text));
    }
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        _ => boolean(text).or_else(|| number(text)).unwrap_or_else(|| Value::string(text)),
    })
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixed = digits.strip_prefix("0x").map(|hex| (hex, 16)).or_else(|| digits.strip_prefix("0o").map(|octal| (octal, 8)));
    if let Some((digits, radix)) = prefixed {
        let value = i64::from_str_radix(digits, radix).ok()?;
        return Some(Value::int(if negative { -value } else { value }));
    }
    // Rust's own reading takes more words for infinity and for what is no number than YAML does.
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.chars().any(|c| c.is_ascii_digit());
    if !plain {
        return None;
    }
    let whole = text.strip_prefix('+').unwrap_or(text);
    whole.parse().ok().map(Value::int).or_else(|| whole.parse().ok().and_then(Number::from_f64).map(Value::Number))
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn json(text: &str) -> String {
        decode(text).map_or_else(|error| format!("error: {error}"), |value| value.to_json().to_string())
    }

    #[test]
    fn the_whole_language_is_read() {
        let cases = [
            ("", "null"),
            ("a: &x {b: 1}\nc: *x", r#"{"a":{"b":1},"c":{"b":1}}"#),
            ("base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3", r#"{"base":{"x":1,"y":2},"more":{"x":1,"y":3}}"#),
            ("- 0x1F\n- 0o17\n- 1e3\n- -2.5\n- 1.2.3\n- .inf", r#"[31,15,1000,-2.5,"1.2.3",".inf"]"#),
            ("- yes\n- True\n- ~\n- !!str 12\n- 'null'", r#"["yes",true,null,"12","null"]"#),
            ("t: |\n  a\n   b\n\nf: >-\n  c\n  d\n", r#"{"f":"c d","t":"a\n b\n"}"#),
            ("--- # comment\n? a\n: [1, {k: v}]\n...", r#"{"a":[1,{"k":"v"}]}"#),
        ];
        for (text, expected) in cases {
            assert_eq!(json(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_yaml_or_has_no_value_is_refused() {
        for text in ["a: [1", "a: 1\na: 2", "--- 1\n--- 2", "[a]: 1", "&a [*a]", "<<: 3"] {
            assert!(json(text).starts_with("error"), "{text}: {}", json(text));
        }
        let laughs = (1..20).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
            let before = level - 1;
            format!("{text}a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 9].join(", "))
        });
        assert!(json(&laughs).contains("too large"), "{}", json(&laughs));
        assert!(json(&"[".repeat(5_000)).starts_with("error"));
    }
}
