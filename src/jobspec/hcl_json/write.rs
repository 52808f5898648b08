//! The JSON form as native HCL.

use std::ops::Range;

use super::template::quoted;
use super::{Member, Node, Value, Wrong};
use crate::jobspec::decode::JOB;
use crate::jobspec::decode::schema::{Shape, Stanza};
use crate::jobspec::syntax;

/// Ranges of the native text, and of the JSON that they stand for.
type Parts = Vec<(Range<usize>, Range<usize>)>;

/// The native text of a whole file, and the parts of it with the JSON that each stands for.
pub fn jobspec(json: &str, root: &Node) -> Result<(String, Parts), Wrong> {
    let mut writer = Writer { json, text: String::new(), parts: Vec::new() };
    for file in bodies(root, "the file")? {
        for member in members(file) {
            writer.top_level(member)?;
        }
    }
    Ok((writer.text, writer.parts))
}

struct Writer<'a> {
    json: &'a str,
    text: String,
    parts: Parts,
}

impl Writer<'_> {
    fn top_level(&mut self, member: &Member) -> Result<(), Wrong> {
        match member.key.as_str() {
            "job" => self.labelled(member, |writer, body| writer.body(body, Some(&JOB))),
            "variable" => self.labelled(member, Self::variable),
            "//" => Ok(()),
            "locals" | "variables" => self.blocks(member, |writer, body| writer.body(body, None)),
            _ => self.attribute(member),
        }
    }

    /// `name "label" { ... }` for each label of the object, and each body under it.
    fn labelled(&mut self, member: &Member, mut write: impl FnMut(&mut Self, &[Member]) -> Result<(), Wrong>) -> Result<(), Wrong> {
        for object in bodies(&member.value, &format!("`{}`", member.key))? {
            for labelled in members(object) {
                for body in bodies(&labelled.value, &format!("`{}`", member.key))? {
                    let start = self.text.len();
                    let label = serde_json::Value::from(labelled.key.as_str());
                    self.text.push_str(&format!("{} {label} {{\n", name_of(member)?));
                    write(self, members(body))?;
                    self.text.push_str("}\n");
                    self.parts.push((start..self.text.len(), labelled.key_span.clone()));
                }
            }
        }
        Ok(())
    }

    /// `name { ... }` for each body.
    fn blocks(&mut self, member: &Member, mut write: impl FnMut(&mut Self, &[Member]) -> Result<(), Wrong>) -> Result<(), Wrong> {
        for body in bodies(&member.value, &format!("`{}`", member.key))? {
            let start = self.text.len();
            self.text.push_str(&format!("{} {{\n", name_of(member)?));
            write(self, members(body))?;
            self.text.push_str("}\n");
            self.parts.push((start..self.text.len(), member.key_span.clone()));
        }
        Ok(())
    }

    /// A body whose stanza tells blocks from attributes; of another one, everything is an attribute.
    fn body(&mut self, body: &[Member], stanza: Option<&'static Stanza>) -> Result<(), Wrong> {
        for member in body {
            let child = stanza.and_then(|stanza| stanza.child(&member.key));
            match (child, member.key.as_str()) {
                // HCL's comment.
                (_, "//") => {}
                (Some(child), _) => match child.shape {
                    Shape::One | Shape::Many => self.blocks(member, |writer, body| writer.body(body, Some(child.stanza)))?,
                    Shape::Labelled(_) | Shape::Keyed => self.labelled(member, |writer, body| writer.body(body, Some(child.stanza)))?,
                },
                (None, "dynamic") if stanza.is_some() => self.dynamic(member, stanza)?,
                (None, name) => {
                    // A map may be written as a block, and a block as a list of one.
                    let is_map = stanza.and_then(|stanza| stanza.attribute(name)).is_some_and(|attribute| attribute.kind.is_map());
                    match &member.value.value {
                        Value::List(items) if is_map && items.len() == 1 => self.named(member, &items[0])?,
                        _ => self.attribute(member)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn dynamic(&mut self, member: &Member, stanza: Option<&'static Stanza>) -> Result<(), Wrong> {
        for object in bodies(&member.value, "`dynamic`")? {
            for kind in members(object) {
                let inner = stanza.and_then(|stanza| stanza.child(&kind.key)).map(|child| child.stanza);
                for body in bodies(&kind.value, "`dynamic`")? {
                    let start = self.text.len();
                    self.text.push_str(&format!("dynamic {} {{\n", serde_json::Value::from(kind.key.as_str())));
                    for part in members(body) {
                        match part.key.as_str() {
                            "content" => self.blocks(part, |writer, body| writer.body(body, inner))?,
                            "iterator" => self.raw(part)?,
                            _ => self.attribute(part)?,
                        }
                    }
                    self.text.push_str("}\n");
                    self.parts.push((start..self.text.len(), kind.key_span.clone()));
                }
            }
        }
        Ok(())
    }

    fn variable(&mut self, body: &[Member]) -> Result<(), Wrong> {
        for member in body {
            match member.key.as_str() {
                "//" => {}
                "type" => self.raw(member)?,
                "validation" => self.blocks(member, |writer, body| writer.body(body, None))?,
                _ => self.attribute(member)?,
            }
        }
        Ok(())
    }

    /// An attribute whose text is no template but a piece of the language: a type, a name.
    fn raw(&mut self, member: &Member) -> Result<(), Wrong> {
        let start = self.text.len();
        let Value::Text(text) = &member.value.value else { return self.attribute(member) };
        let text = text.trim();
        // Whatever closes a block or starts a line would change what is around it.
        if text.contains(['\n', '\r', '#']) || text.contains("//") || syntax::parse_expression(text).is_err() {
            return self.attribute(member);
        }
        self.text.push_str(&format!("{} = {text}\n", name_of(member)?));
        self.parts.push((start..self.text.len(), member.value.span.clone()));
        Ok(())
    }

    fn attribute(&mut self, member: &Member) -> Result<(), Wrong> {
        self.named(member, &member.value)
    }

    /// An attribute with the name of `member`.
    fn named(&mut self, member: &Member, value: &Node) -> Result<(), Wrong> {
        let start = self.text.len();
        self.text.push_str(name_of(member)?);
        self.parts.push((start..self.text.len(), member.key_span.clone()));
        self.text.push_str(" = ");
        self.expression(value)?;
        self.text.push('\n');
        Ok(())
    }

    fn expression(&mut self, node: &Node) -> Result<(), Wrong> {
        let start = self.text.len();
        match &node.value {
            Value::Word => self.text.push_str(&self.json[node.span.clone()]),
            Value::Text(text) => self.text.push_str(&template(text, &node.span)?),
            Value::List(items) => {
                self.text.push('[');
                for item in items {
                    self.expression(item)?;
                    self.text.push_str(", ");
                }
                self.text.push(']');
            }
            Value::Object(members) => {
                self.text.push('{');
                for member in members.iter() {
                    let key_start = self.text.len();
                    self.text.push_str(&template(&member.key, &member.key_span)?);
                    self.parts.push((key_start..self.text.len(), member.key_span.clone()));
                    self.text.push_str(" = ");
                    self.expression(&member.value)?;
                    self.text.push_str(", ");
                }
                self.text.push('}');
            }
        }
        self.parts.push((start..self.text.len(), node.span.clone()));
        Ok(())
    }
}

/// A text in quotes. One that is no template is told of here, where its own place is known.
fn template(text: &str, span: &Range<usize>) -> Result<String, Wrong> {
    let made = quoted(text);
    match syntax::parse_expression(&made) {
        Err(error) if text.contains("${") || text.contains("%{") => Err((span.clone(), format!("in this text: {error}"))),
        _ => Ok(made),
    }
}

/// A name as it may stand in native HCL.
fn name_of(member: &Member) -> Result<&str, Wrong> {
    let mut chars = member.key.chars();
    let is_name = chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if is_name {
        Ok(&member.key)
    } else {
        Err((member.key_span.clone(), format!("{:?} is no name of an attribute or a block", member.key)))
    }
}

/// One body or several: an object, or a list of them.
fn bodies<'a>(node: &'a Node, what: &str) -> Result<Vec<&'a Node>, Wrong> {
    let wrong = |node: &Node| (node.span.clone(), format!("{what} must be an object, or a list of objects"));
    match &node.value {
        Value::Object(_) => Ok(vec![node]),
        Value::List(items) => {
            items.iter().map(|item| if matches!(item.value, Value::Object(_)) { Ok(item) } else { Err(wrong(item)) }).collect()
        }
        _ => Err(wrong(node)),
    }
}

fn members(node: &Node) -> &[Member] {
    match &node.value {
        Value::Object(members) => members,
        _ => &[],
    }
}
