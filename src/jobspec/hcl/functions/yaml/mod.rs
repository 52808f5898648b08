//! YAML: written in block style by hand, read through a parser of the whole language.

mod decode;

use std::fmt::Write as _;

pub use self::decode::decode;
use crate::jobspec::hcl::value::Value;

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
