//! HCL's JSON form (`{"job": {"web": {...}}}`): rewritten as native HCL, which is then read as any other.
//!
//! What is a block and what an attribute is not in the JSON; the stanzas' tables say it. Every made part knows the JSON
//! that it stands for, so that messages show the file as its author wrote it.

mod read;
mod template;
mod write;

#[cfg(test)]
mod tests;

use super::diagnostic::{Diagnostic, Origin, Severity, Source};

/// A JSON value with its place.
#[derive(Debug)]
struct Node {
    span: std::ops::Range<usize>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    /// `null`, `true`, `false` or a number, as it is written.
    Word,
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

#[derive(Debug)]
struct Member {
    key: String,
    key_span: std::ops::Range<usize>,
    value: Node,
}

/// Something wrong with the text, and where.
type Wrong = (std::ops::Range<usize>, String);

/// The same jobspec in native HCL, and where its parts come from.
///
/// # Errors
/// When the text is no JSON, or says in JSON what HCL cannot.
pub fn to_native(text: &str, file: &str) -> Result<(String, Origin), Box<Diagnostic>> {
    let wrong = |(span, message): Wrong| Box::new(Source::new(file, text).diagnostic(Severity::Error, "syntax", Some(span), message));
    let node = read::parse(text).map_err(wrong)?;
    let (made, parts) = write::jobspec(text, &node).map_err(wrong)?;
    Ok((made, Origin { text: text.to_owned(), parts }))
}
