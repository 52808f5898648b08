//! Filter expressions: `Status == "ready" and Attributes["cpu.arch"] != "arm64"`.
//!
//! The language is that of go-bexpr, which Nomad's clients write. An expression is parsed once, within fixed bounds, and evaluated over
//! the JSON of the *full* object, so its selectors are the names of the API.

mod evaluate;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use serde_json::Value;

/// The longest expression accepted, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 64;
/// Bytes that a compiled regular expression may take.
const MAX_REGEX_SIZE: usize = 1 << 20;

/// A parsed expression.
#[derive(Debug)]
pub struct Filter {
    root: Expression,
}

/// Why an expression could not be parsed or does not fit the objects it is applied to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("column {column}: {problem}")]
    Syntax { column: usize, problem: String },
    #[error("the expression is longer than {MAX_LENGTH} bytes")]
    TooLong,
    #[error("column {column}: nested deeper than {MAX_DEPTH} levels")]
    TooDeep { column: usize },
    #[error("invalid regular expression: {0}")]
    Regex(String),
    #[error("selector {selector:?} names no field")]
    UnknownField { selector: String },
    #[error("selector {selector:?} is a {kind}, which {operator:?} does not work on")]
    Mismatch { selector: String, kind: &'static str, operator: &'static str },
    #[error("{value:?} is not a {kind} as selector {selector:?} is")]
    Value { selector: String, kind: &'static str, value: String },
}

#[derive(Debug)]
enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    Match { selector: Selector, operator: Operator, negated: bool },
}

#[derive(Debug)]
enum Operator {
    Equal(String),
    /// The selected list, map or text contains the value.
    Contains(String),
    Matches(regex::Regex),
    Empty,
}

impl Operator {
    fn name(&self) -> &'static str {
        match self {
            Self::Equal(_) => "==",
            Self::Contains(_) => "contains",
            Self::Matches(_) => "matches",
            Self::Empty => "is empty",
        }
    }
}

/// A path into the object; never empty.
#[derive(Debug)]
struct Selector {
    path: Vec<String>,
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path.join("."))
    }
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_LENGTH {
            return Err(FilterError::TooLong);
        }
        parser::parse(lexer::tokens(text)?, text).map(|root| Self { root })
    }

    /// Whether the object passes.
    pub fn matches(&self, object: &Value) -> Result<bool, FilterError> {
        evaluate::evaluate(&self.root, object)
    }

    /// Whether any selector starts with `field`, so that a costly part of the object is only made when it is looked at.
    pub fn mentions(&self, field: &str) -> bool {
        fn walk(expression: &Expression, field: &str) -> bool {
            match expression {
                Expression::Any(parts) | Expression::All(parts) => parts.iter().any(|part| walk(part, field)),
                Expression::Not(inner) => walk(inner, field),
                Expression::Match { selector, .. } => selector.path.first().is_some_and(|first| first == field),
            }
        }
        walk(&self.root, field)
    }
}
