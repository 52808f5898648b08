//! The functions a jobspec may call, one file per family. All are plain: values in, value out.
//!
//! `try`, `can` and `convert` are not here: they need their arguments unevaluated (see `eval`).

mod collection;
mod encoding;
mod files;
mod format;
mod hash;
mod network;
mod numeric;
mod rsa;
pub mod set;
mod string;
mod time;
mod yaml;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::expr::Expression;

use super::number::Number;
use super::scope::EvalError;
use super::value::{TooBig, Value};
use crate::jobspec::files::FileAccess;
use crate::jobspec::suggest::did_you_mean;

/// A function with the number of arguments it takes.
pub struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    body: fn(&Args<'_>) -> Result<Value, Problem>,
}

const ANY_NUMBER: usize = usize::MAX;

const fn function(name: &'static str, least: usize, most: usize, body: fn(&Args<'_>) -> Result<Value, Problem>) -> Function {
    Function { name, least, most, body }
}

const FAMILIES: [&[Function]; 10] = [
    numeric::FUNCTIONS,
    string::FUNCTIONS,
    collection::FUNCTIONS,
    set::FUNCTIONS,
    encoding::FUNCTIONS,
    hash::FUNCTIONS,
    rsa::FUNCTIONS,
    network::FUNCTIONS,
    time::FUNCTIONS,
    format::FUNCTIONS,
];

/// Functions that get their arguments unevaluated, see `eval`.
const SPECIAL: [&str; 3] = ["try", "can", "convert"];

/// Names of other tools' functions, and what does the same here.
const ELSEWHERE: [(&str, &str); 12] = [
    ("toset", "convert(value, set(string))"),
    ("tolist", "convert(value, list(string))"),
    ("tomap", "convert(value, map(string))"),
    ("tostring", "convert(value, string)"),
    ("tonumber", "convert(value, number)"),
    ("tobool", "convert(value, bool)"),
    ("templatefile", "file(), or a `template` block with `source`"),
    ("regex", "regex_replace()"),
    ("sum", "a `for` expression, or a local value"),
    ("timestamp", "`-var now=$(date -Is)` and a variable"),
    ("uuid", "uuidv4()"),
    ("base64gzip", "base64encode()"),
];

/// Why a call failed, and which argument is to blame.
#[derive(Debug)]
pub struct Problem {
    argument: Option<usize>,
    message: String,
    help: Option<String>,
}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into(), help: None }
    }

    fn at(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), message: message.into(), help: None }
    }

    pub fn located(self, name: &str, arguments: &[&Expression], call: Option<Range<usize>>) -> Box<EvalError> {
        let span = self.argument.and_then(|index| arguments.get(index)).and_then(|argument| argument.span()).or(call);
        EvalError::new("bad-call", span, format!("{name}(): {}", self.message)).with_help(self.help)
    }
}

impl From<TooBig> for Problem {
    fn from(error: TooBig) -> Self {
        Self::new(error.to_string())
    }
}

/// The arguments of a call, with the conversions that HCL does.
pub struct Args<'a>(&'a [Value]);

impl<'a> Args<'a> {
    fn len(&self) -> usize {
        self.0.len()
    }

    /// The argument at `index`, null when it was left out.
    fn value(&self, index: usize) -> &'a Value {
        self.0.get(index).unwrap_or(&Value::Null)
    }

    fn from(&self, index: usize) -> impl Iterator<Item = (usize, &'a Value)> {
        self.0.iter().enumerate().skip(index)
    }

    fn wanted(&self, index: usize, wanted: &str) -> Problem {
        let value = self.value(index);
        let mut problem = Problem::at(index, format!("expected {wanted}, found {}", super::eval::article(value)));
        if value.is_runtime_text() {
            problem.help = Some("`${...}` of the node is only known when the task runs".to_owned());
        }
        problem
    }

    fn text(&self, index: usize) -> Result<Arc<str>, Problem> {
        self.value(index).to_text().ok_or_else(|| self.wanted(index, "a string"))
    }

    fn number(&self, index: usize) -> Result<Number, Problem> {
        self.value(index).to_number().ok_or_else(|| self.wanted(index, "a number"))
    }

    fn int(&self, index: usize) -> Result<i64, Problem> {
        self.number(index)?.as_i64().ok_or_else(|| self.wanted(index, "a whole number"))
    }

    fn list(&self, index: usize) -> Result<&'a [Value], Problem> {
        match self.value(index) {
            Value::List(items) => Ok(items),
            _ => Err(self.wanted(index, "a list")),
        }
    }

    fn map(&self, index: usize) -> Result<&'a BTreeMap<String, Value>, Problem> {
        match self.value(index) {
            Value::Map(items) => Ok(items),
            _ => Err(self.wanted(index, "a map")),
        }
    }

    fn texts(&self, index: usize) -> Result<Vec<Arc<str>>, Problem> {
        let items = self.list(index)?;
        items.iter().map(|item| item.to_text().ok_or_else(|| self.wanted(index, "a list of strings"))).collect()
    }
}

/// Work of a call beyond that of looking at its arguments, see `Meter`.
pub fn extra_work(name: &str, arguments: &[Value]) -> usize {
    match name {
        "bcrypt" => hash::bcrypt_work(&Args(arguments)),
        "rsadecrypt" => rsa::work(&Args(arguments)),
        _ => 0,
    }
}

/// Calls the function `name`.
pub fn call(name: &str, arguments: &[Value], lent: Option<&dyn FileAccess>) -> Result<Value, Problem> {
    if let Some((_, wanted)) = files::NAMES.iter().find(|(known, _)| *known == name) {
        return match lent {
            _ if arguments.len() != *wanted => Err(wrong_count(*wanted, *wanted, arguments.len())),
            Some(lent) => files::call(name, &Args(arguments), lent),
            None => Err(Problem {
                argument: None,
                message: "a server does not look at files".to_owned(),
                help: Some("functions with files work where `pannier job run` evaluates the jobspec".to_owned()),
            }),
        };
    }
    let Some(found) = FAMILIES.iter().flat_map(|family| family.iter()).find(|function| function.name == name) else {
        return Err(unknown(name));
    };
    let given = arguments.len();
    if given < found.least || given > found.most {
        return Err(wrong_count(found.least, found.most, given));
    }
    (found.body)(&Args(arguments))
}

/// Every function there is, in no order.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    let plain = FAMILIES.iter().flat_map(|family| family.iter()).map(|function| function.name);
    plain.chain(SPECIAL).chain(files::NAMES.iter().map(|(name, _)| *name))
}

fn wrong_count(least: usize, most: usize, given: usize) -> Problem {
    let wanted = match (least, most) {
        (least, ANY_NUMBER) => format!("at least {least}"),
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    };
    let noun = if most == 1 || (most == ANY_NUMBER && least == 1) { "argument" } else { "arguments" };
    Problem::new(format!("takes {wanted} {noun}, not {given}"))
}

fn unknown(name: &str) -> Problem {
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
        let help = Some(format!("use {instead}"));
        return Problem { argument: None, message: "there is no such function in a jobspec".to_owned(), help };
    }
    let message = if SPECIAL.contains(&name) { "takes other arguments" } else { "there is no such function" };
    Problem { argument: None, message: message.to_owned(), help: did_you_mean(name, function_names().filter(|known| *known != name)) }
}
