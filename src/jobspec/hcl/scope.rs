//! What an expression can see: names, the files it was lent, and how much work is left.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use super::value::{TooBig, Value};
use crate::jobspec::files::FileAccess;

/// Total work of one jobspec, in units of about one value touched or 16 bytes made.
const BUDGET: usize = 8_000_000;
/// How deep expressions and blocks may nest while they are evaluated. The parser has a bound of its own on the text, which
/// allows several of our frames for each of its levels.
const MAX_EVAL_DEPTH: usize = 160;

/// Why an expression has no value. Boxed: it is rare, and results stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalError {
    pub span: Option<Range<usize>>,
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
}

pub type EvalResult<T = Value> = Result<T, Box<EvalError>>;

impl EvalError {
    pub fn new(code: &'static str, span: Option<Range<usize>>, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { span, code, message: message.into(), help: None })
    }

    #[must_use]
    pub fn with_help(mut self: Box<Self>, help: Option<impl Into<String>>) -> Box<Self> {
        self.help = help.map(Into::into);
        self
    }

    /// Whether trying something else (`try`, `can`) may go on after it.
    pub fn is_final(&self) -> bool {
        self.code == "too-much-work"
    }
}

/// The meter shared by everything that evaluates one jobspec.
#[derive(Debug, Default)]
pub struct Meter {
    spent: Cell<usize>,
    depth: Cell<usize>,
}

impl Meter {
    /// Accounts for `units` of work; false when the budget is gone.
    pub fn spend(&self, units: usize) -> bool {
        let spent = self.spent.get().saturating_add(units);
        self.spent.set(spent);
        spent <= BUDGET
    }
}

/// Names in reach, innermost first.
#[derive(Debug)]
pub struct Scope<'a> {
    /// None where expressions have no business with files.
    pub files: Option<&'a dyn FileAccess>,
    pub meter: &'a Meter,
    parent: Option<&'a Scope<'a>>,
    names: BTreeMap<String, Value>,
}

impl<'a> Scope<'a> {
    pub fn root(files: Option<&'a dyn FileAccess>, meter: &'a Meter) -> Self {
        Self { files, meter, parent: None, names: BTreeMap::new() }
    }

    pub fn child(parent: &'a Scope<'a>) -> Self {
        Self { files: parent.files, meter: parent.meter, parent: Some(parent), names: BTreeMap::new() }
    }

    pub fn set(&mut self, name: &str, value: Value) {
        self.names.insert(name.to_owned(), value);
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        // A loop: for expressions may nest as deep as the parser allows.
        let mut scope = Some(self);
        while let Some(current) = scope {
            if let Some(value) = current.names.get(name) {
                return Some(value);
            }
            scope = current.parent;
        }
        None
    }

    /// Accounts for work done at `span`.
    pub fn spend(&self, units: usize, span: Option<Range<usize>>) -> EvalResult<()> {
        if self.meter.spend(units) {
            return Ok(());
        }
        Err(EvalError::new("too-much-work", span, "the jobspec takes too much work to evaluate"))
    }

    /// Runs `step` one level deeper.
    pub fn nested<T>(&self, span: Option<Range<usize>>, step: impl FnOnce() -> EvalResult<T>) -> EvalResult<T> {
        let depth = self.meter.depth.get();
        if depth >= MAX_EVAL_DEPTH {
            return Err(EvalError::new("too-deep", span, "the expression is nested too deeply"));
        }
        self.meter.depth.set(depth + 1);
        let result = step();
        self.meter.depth.set(depth);
        result
    }

    pub fn fits<T>(value: Result<T, TooBig>, span: Option<Range<usize>>) -> EvalResult<T> {
        value.map_err(|error| EvalError::new("too-big", span, error.to_string()))
    }
}
