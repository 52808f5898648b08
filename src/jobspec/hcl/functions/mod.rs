//! The functions a jobspec may call, one file per family. All are plain: values in, value out.
//!
//! `try`, `can` and `convert` are not here: they need their arguments unevaluated (see `eval`).

mod collection;
mod encoding;
mod format;
mod hash;
mod network;
mod numeric;
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

const FAMILIES: [&[Function]; 9] = [
    numeric::FUNCTIONS,
    string::FUNCTIONS,
    collection::FUNCTIONS,
    set::FUNCTIONS,
    encoding::FUNCTIONS,
    hash::FUNCTIONS,
    network::FUNCTIONS,
    time::FUNCTIONS,
    format::FUNCTIONS,
];

/// Functions that need the file system. A jobspec that a server parses has none to look at.
const FILE_FUNCTIONS: [&str; 8] = ["abspath", "basename", "dirname", "file", "filebase64", "fileexists", "fileset", "pathexpand"];
/// Not offered: a salted hash makes every plan a change, and RSA keys do not belong into a jobspec.
const LEFT_OUT: [&str; 2] = ["bcrypt", "rsadecrypt"];

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

/// Calls the function `name`.
pub fn call(name: &str, arguments: &[Value]) -> Result<Value, Problem> {
    let Some(found) = FAMILIES.iter().flat_map(|family| family.iter()).find(|function| function.name == name) else {
        return Err(unknown(name));
    };
    let given = arguments.len();
    if given < found.least || given > found.most {
        let wanted = match (found.least, found.most) {
            (least, ANY_NUMBER) => format!("at least {least}"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        return Err(Problem::new(format!("takes {wanted} argument(s), not {given}")));
    }
    (found.body)(&Args(arguments))
}

fn unknown(name: &str) -> Problem {
    if FILE_FUNCTIONS.contains(&name) {
        return Problem::new("functions that read files are not available here");
    }
    if LEFT_OUT.contains(&name) {
        return Problem::new("is not offered by pannier");
    }
    let special = ["try", "can", "convert"];
    let known = FAMILIES.iter().flat_map(|family| family.iter()).map(|function| function.name).chain(special);
    let message = if special.contains(&name) { "takes other arguments" } else { "there is no such function" };
    Problem { argument: None, message: message.to_owned(), help: did_you_mean(name, known.filter(|known| *known != name)) }
}
