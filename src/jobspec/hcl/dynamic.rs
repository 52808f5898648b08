//! `dynamic "name" { for_each, iterator, labels, content {} }`: one block per element.

use hcl_edit::Span;
use hcl_edit::structure::{Block, Body};

use super::eval::{elements, evaluate, text_of};
use super::scope::{EvalError, EvalResult, Scope};
use super::value::Value;

/// Work accounted for one generated block, see `Meter`.
const COST_PER_BLOCK: usize = 100;

/// One block that a `dynamic` stands for.
pub struct Generated {
    pub labels: Vec<String>,
    /// What the iterator's name stands for inside of it.
    pub iterator: Value,
}

/// A `dynamic` block, understood.
pub struct Expansion<'a> {
    /// The kind of block it makes.
    pub name: &'a str,
    pub iterator_name: String,
    pub content: &'a Body,
    pub blocks: Vec<Generated>,
}

/// Evaluates everything of `block` but its content.
pub fn expand<'a>(block: &'a Block, scope: &Scope<'_>) -> EvalResult<Expansion<'a>> {
    let bad = |message: &str| EvalError::new("bad-dynamic-block", block.ident.span(), message);
    let [name] = block.labels.as_slice() else {
        return Err(bad("a `dynamic` block has one label: the kind of block to make"));
    };
    let mut contents = block.body.get_blocks("content");
    let (Some(content), None) = (contents.next(), contents.next()) else {
        return Err(bad("a `dynamic` block has exactly one `content` block"));
    };
    let mut for_each = None;
    let mut iterator_name = name.as_str().to_owned();
    let mut labels = None;
    for attribute in block.body.attributes() {
        match attribute.key.as_str() {
            "for_each" => for_each = Some(&attribute.value),
            "iterator" => iterator_name = plain_name(&attribute.value).ok_or_else(|| bad("`iterator` is a plain name"))?,
            "labels" => labels = Some(&attribute.value),
            other => {
                let message = format!("`{other}` is not an attribute of a `dynamic` block; it has for_each, iterator and labels");
                return Err(EvalError::new("unknown-attribute", attribute.key.span(), message));
            }
        }
    }
    let for_each = for_each.ok_or_else(|| bad("a `dynamic` block needs `for_each`"))?;
    let collection = evaluate(for_each, scope)?;
    let mut blocks = Vec::new();
    for (key, value) in elements(&collection, for_each.span())? {
        scope.spend(COST_PER_BLOCK, block.ident.span())?;
        let pair = [("key".to_owned(), key), ("value".to_owned(), value)];
        let iterator = Scope::fits(Value::map(pair.into()), for_each.span())?;
        let mut inner = Scope::child(scope);
        inner.set(&iterator_name, iterator.clone());
        let labels = match labels {
            None => Vec::new(),
            Some(expr) => match evaluate(expr, &inner)? {
                Value::List(items) => {
                    items.iter().map(|item| Ok(text_of(item, "a label", expr.span())?.to_string())).collect::<EvalResult<_>>()?
                }
                _ => return Err(EvalError::new("wrong-type", expr.span(), "`labels` must be a list of strings")),
            },
        };
        blocks.push(Generated { labels, iterator });
    }
    Ok(Expansion { name: name.as_str(), iterator_name, content: &content.body, blocks })
}

fn plain_name(expr: &hcl_edit::expr::Expression) -> Option<String> {
    expr.as_variable().map(|name| name.as_str().to_owned()).or_else(|| expr.as_str().map(str::to_owned))
}
