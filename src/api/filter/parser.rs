//! Tokens to an expression, by recursive descent: `or` binds weakest, then `and`, then `not`.

use regex::RegexBuilder;

use super::lexer::{Placed, Symbol, Token};
use super::{Expression, FilterError, MAX_DEPTH, MAX_REGEX_SIZE, Operator, Selector};

pub(super) fn parse(tokens: Vec<Placed>, text: &str) -> Result<Expression, FilterError> {
    let end_column = text.chars().count() + 1;
    let mut parser = Parser { tokens, at: 0, end_column };
    let expression = parser.any(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.expected("\"and\", \"or\" or the end")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    end_column: usize,
}

impl Parser {
    fn any(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(single_or(parts, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.term(depth)?];
        while self.take_word("and") {
            parts.push(self.term(depth)?);
        }
        Ok(single_or(parts, Expression::All))
    }

    fn term(&mut self, depth: usize) -> Result<Expression, FilterError> {
        if depth > MAX_DEPTH {
            return Err(FilterError::TooDeep { column: self.column() });
        }
        if self.take_word("not") {
            return Ok(Expression::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.take_symbol(Symbol::Open) {
            let inner = self.any(depth + 1)?;
            self.require(Symbol::Close, "\")\"")?;
            return Ok(inner);
        }
        self.comparison()
    }

    /// `selector operator value`, `value in selector` or `selector is empty`.
    fn comparison(&mut self) -> Result<Expression, FilterError> {
        let first = self.operand()?;
        if self.take_symbol(Symbol::Equal) {
            return self.with_value(first, false, Operator::Equal);
        }
        if self.take_symbol(Symbol::NotEqual) {
            return self.with_value(first, true, Operator::Equal);
        }
        if self.take_word("is") {
            let negated = self.take_word("not");
            if !self.take_word("empty") {
                return Err(self.expected("\"empty\""));
            }
            return Ok(Expression::Match { selector: self.selector_of(first)?, operator: Operator::Empty, negated });
        }
        let negated = self.take_word("not");
        if self.take_word("contains") {
            return self.with_value(first, negated, Operator::Contains);
        }
        if self.take_word("in") {
            let selected = self.operand()?;
            return Ok(Expression::Match {
                selector: self.selector_of(selected)?,
                operator: Operator::Contains(first.into_value()),
                negated,
            });
        }
        if self.take_word("matches") {
            let pattern = self.operand()?.into_value();
            let regex = RegexBuilder::new(&pattern)
                .size_limit(MAX_REGEX_SIZE)
                .dfa_size_limit(MAX_REGEX_SIZE)
                .build()
                .map_err(|error| FilterError::Regex(error.to_string()))?;
            return Ok(Expression::Match { selector: self.selector_of(first)?, operator: Operator::Matches(regex), negated });
        }
        Err(self.expected("an operator (==, !=, in, contains, matches, is empty)"))
    }

    fn with_value(&mut self, selected: Operand, negated: bool, operator: fn(String) -> Operator) -> Result<Expression, FilterError> {
        let value = self.operand()?.into_value();
        Ok(Expression::Match { selector: self.selector_of(selected)?, operator: operator(value), negated })
    }

    /// A quoted text, or a path of words such as `Meta["a.b"].c` (which, standing for a value, is a bare word or a number).
    fn operand(&mut self) -> Result<Operand, FilterError> {
        let mut path = match self.peek() {
            Some(Token::Quoted(text)) => {
                let text = text.clone();
                self.at += 1;
                return Ok(Operand::Quoted(text));
            }
            Some(Token::Word(word)) => vec![word.clone()],
            _ => return Err(self.expected("a selector or a value")),
        };
        self.at += 1;
        loop {
            if self.take_symbol(Symbol::Dot) {
                match self.peek() {
                    Some(Token::Word(word)) => path.push(word.clone()),
                    _ => return Err(self.expected("a field's name")),
                }
                self.at += 1;
            } else if self.take_symbol(Symbol::OpenBracket) {
                match self.peek() {
                    Some(Token::Quoted(key) | Token::Word(key)) => path.push(key.clone()),
                    _ => return Err(self.expected("a quoted key")),
                }
                self.at += 1;
                self.require(Symbol::CloseBracket, "\"]\"")?;
            } else {
                return Ok(Operand::Path(path));
            }
        }
    }

    fn selector_of(&self, operand: Operand) -> Result<Selector, FilterError> {
        match operand {
            Operand::Path(path) => Ok(Selector { path }),
            // A JSON pointer (RFC 6901).
            Operand::Quoted(pointer) if pointer.len() > 1 && pointer.starts_with('/') => {
                Ok(Selector { path: pointer[1..].split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect() })
            }
            Operand::Quoted(text) => {
                Err(FilterError::Syntax { column: self.column(), problem: format!("{text:?} is a value where a selector must stand") })
            }
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    fn column(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end_column, |placed| placed.column)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: Symbol) -> bool {
        let found = self.peek() == Some(&Token::Symbol(symbol));
        self.at += usize::from(found);
        found
    }

    fn require(&mut self, symbol: Symbol, name: &str) -> Result<(), FilterError> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.expected(name)) }
    }

    fn expected(&self, what: &str) -> FilterError {
        FilterError::Syntax { column: self.column(), problem: format!("expected {what}") }
    }
}

enum Operand {
    Quoted(String),
    Path(Vec<String>),
}

impl Operand {
    fn into_value(self) -> String {
        match self {
            Self::Quoted(text) => text,
            Self::Path(path) => path.join("."),
        }
    }
}

fn single_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}
