//! Base64, JSON, YAML, CSV and URLs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Args, Function, Problem, function, yaml};
use crate::jobspec::hcl::value::Value;

pub const FUNCTIONS: &[Function] = &[
    function("base64decode", 1, 1, base64_decode),
    function("base64encode", 1, 1, |args| Ok(STANDARD.encode(args.text(0)?.as_bytes()).into())),
    function("csvdecode", 1, 1, csv_decode),
    function("jsondecode", 1, 1, json_decode),
    function("jsonencode", 1, 1, json_encode),
    function("urlencode", 1, 1, |args| Ok(url_encode(&args.text(0)?).into())),
    function("yamldecode", 1, 1, |args| yaml::decode(&args.text(0)?).map_err(|problem| Problem::at(0, problem))),
    function("yamlencode", 1, 1, |args| Ok(yaml::encode(args.value(0)).into())),
];

fn base64_decode(args: &Args<'_>) -> Result<Value, Problem> {
    let bytes = STANDARD.decode(args.text(0)?.as_bytes()).map_err(|error| Problem::at(0, format!("not base64: {error}")))?;
    String::from_utf8(bytes).map(Value::from).map_err(|_| Problem::at(0, "the decoded bytes are not text"))
}

fn json_decode(args: &Args<'_>) -> Result<Value, Problem> {
    let json: serde_json::Value = serde_json::from_str(&args.text(0)?).map_err(|error| Problem::at(0, format!("not JSON: {error}")))?;
    Ok(Value::from_json(&json)?)
}

/// Go's encoder makes JSON safe to embed in HTML, and results are compared with its.
fn json_encode(args: &Args<'_>) -> Result<Value, Problem> {
    let text = args.value(0).to_json().to_string();
    let escapes = [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    Ok(escapes.iter().fold(text, |text, (from, to)| text.replace(*from, to)).into())
}

fn url_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            other => {
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

/// A list of maps, one per row, with the first row's cells as keys.
fn csv_decode(args: &Args<'_>) -> Result<Value, Problem> {
    let text = args.text(0)?;
    let mut rows = csv_rows(&text).map_err(|problem| Problem::at(0, problem))?.into_iter();
    let header = rows.next().ok_or_else(|| Problem::at(0, "the header row is missing"))?;
    let mut list = Vec::new();
    for (index, row) in rows.enumerate() {
        if row.len() != header.len() {
            return Err(Problem::at(0, format!("row {} has {} cells, the header has {}", index + 2, row.len(), header.len())));
        }
        let cells: BTreeMap<String, Value> = header.iter().cloned().zip(row.into_iter().map(Value::from)).collect();
        list.push(Value::map(cells)?);
    }
    Ok(Value::list(list)?)
}

fn csv_rows(text: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                if !row.is_empty() || !cell.is_empty() {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
            }
            other => cell.push(other),
        }
    }
    if quoted {
        return Err("a quote is not closed");
    }
    if !row.is_empty() || !cell.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    Ok(rows)
}
