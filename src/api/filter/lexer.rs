//! Text to tokens.

use super::FilterError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare word or number, dots excluded.
    Word(String),
    /// A quoted text, escapes resolved.
    Quoted(String),
    Symbol(Symbol),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    Dot,
    Equal,
    NotEqual,
}

/// A token with its column, counted in characters from 1.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub token: Token,
    pub column: usize,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, FilterError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let column = at + 1;
        let next = characters.get(at + 1).copied();
        let (token, length) = match (character, next) {
            (c, _) if c.is_whitespace() => {
                at += 1;
                continue;
            }
            ('(', _) => (Token::Symbol(Symbol::Open), 1),
            (')', _) => (Token::Symbol(Symbol::Close), 1),
            ('[', _) => (Token::Symbol(Symbol::OpenBracket), 1),
            (']', _) => (Token::Symbol(Symbol::CloseBracket), 1),
            ('.', _) => (Token::Symbol(Symbol::Dot), 1),
            ('=', Some('=')) => (Token::Symbol(Symbol::Equal), 2),
            ('!', Some('=')) => (Token::Symbol(Symbol::NotEqual), 2),
            ('"' | '`', _) => quoted(&characters[at..], column)?,
            (c, _) if is_word(c) => {
                let word: String = characters[at..].iter().take_while(|c| is_word(**c)).collect();
                let length = word.chars().count();
                (Token::Word(word), length)
            }
            (other, _) => {
                return Err(FilterError::Syntax { column, problem: format!("unexpected character {other:?}") });
            }
        };
        tokens.push(Placed { token, column });
        at += length;
    }
    Ok(tokens)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '/' | ':' | '+')
}

/// A text in `"..."` with backslash escapes, or in backquotes without.
fn quoted(characters: &[char], column: usize) -> Result<(Token, usize), FilterError> {
    let quote = characters[0];
    let mut text = String::new();
    let mut at = 1;
    while let Some(&character) = characters.get(at) {
        if character == quote {
            return Ok((Token::Quoted(text), at + 1));
        }
        if character == '\\' && quote == '"' {
            at += 1;
            match characters.get(at) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(c @ ('"' | '\\' | '/')) => text.push(*c),
                // A regular expression's own escape (`\.`) stays as written.
                Some(other) => text.extend(['\\', *other]),
                None => break,
            }
        } else {
            text.push(character);
        }
        at += 1;
    }
    Err(FilterError::Syntax { column, problem: "text without a closing quote".to_owned() })
}
