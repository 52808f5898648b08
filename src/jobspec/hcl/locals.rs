//! `locals`: named expressions, in any order, each able to use the others.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::Span;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::Body;
use hcl_edit::visit::{Visit, visit_traversal};

use super::eval::evaluate;
use super::scope::{EvalError, Scope};
use super::value::Value;

/// Evaluates all `locals` blocks. The value is what `local` stands for; locals with errors are missing from it.
pub fn evaluate_all(blocks: &[&Body], var: &Value, scope: &Scope<'_>, errors: &mut Vec<EvalError>) -> Value {
    let mut expressions: BTreeMap<&str, &Expression> = BTreeMap::new();
    for body in blocks {
        for attribute in body.attributes() {
            if expressions.insert(attribute.key.as_str(), &attribute.value).is_some() {
                let message = format!("the local value `{}` is defined twice", attribute.key.as_str());
                errors.push(*EvalError::new("duplicate-local", attribute.key.span(), message));
            }
        }
        for block in body.blocks() {
            errors.push(*EvalError::new("unknown-block", block.ident.span(), "`locals` has no blocks, only `name = value`"));
        }
    }
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> = expressions.iter().map(|(name, expr)| (*name, uses(expr, &expressions))).collect();
    let mut values = BTreeMap::new();
    // Each round evaluates what only uses locals that are known, so that a long chain needs no deep stack.
    loop {
        let ready: Vec<&str> =
            waiting.iter().filter(|(_, uses)| uses.iter().all(|name| !waiting.contains_key(name))).map(|(name, _)| *name).collect();
        if ready.is_empty() {
            break;
        }
        // Only what is named counts, so that a round costs what it evaluates.
        for name in ready {
            let needed = waiting.remove(name).unwrap_or_default();
            let visible =
                needed.iter().filter_map(|used| values.get(*used).map(|value: &Value| ((*used).to_owned(), value.clone()))).collect();
            if needed.iter().any(|used| !values.contains_key(*used)) {
                // One of them has an error of its own, which is enough to say.
                continue;
            }
            let mut inner = Scope::child(scope);
            inner.set("var", var.clone());
            let result = Scope::fits(Value::map(visible), None).and_then(|local| {
                inner.set("local", local);
                evaluate(expressions[name], &inner)
            });
            match result {
                Ok(value) => {
                    values.insert(name, value);
                }
                Err(error) => errors.push(*error),
            }
        }
    }
    if let Some(first) = waiting.keys().next() {
        let cycle = cycle_from(first, &waiting);
        let span = expressions.get(cycle[0]).and_then(|expr| expr.span());
        let path: Vec<String> = cycle.iter().map(|name| format!("local.{name}")).collect();
        errors.push(*EvalError::new("local-cycle", span, format!("local values refer to each other in a circle: {}", path.join(" -> "))));
    }
    let known = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Scope::fits(Value::map(known), None).unwrap_or_else(|error| {
        errors.push(*error);
        Value::Null
    })
}

/// The locals that an expression names. `local` as a whole, or with a computed key, uses them all.
fn uses<'a>(expr: &Expression, known: &BTreeMap<&'a str, &Expression>) -> BTreeSet<&'a str> {
    let mut finder = Finder { names: BTreeSet::new(), all: false };
    finder.visit_expr(expr);
    known.keys().filter(|name| finder.all || finder.names.contains(**name)).copied().collect()
}

struct Finder {
    names: BTreeSet<String>,
    all: bool,
}

impl Visit for Finder {
    fn visit_traversal(&mut self, node: &Traversal) {
        if matches!(&node.expr, Expression::Variable(root) if root.as_str() == "local") {
            match node.operators.first().map(|operator| operator.value()) {
                Some(TraversalOperator::GetAttr(name)) => {
                    self.names.insert(name.as_str().to_owned());
                }
                Some(TraversalOperator::Index(Expression::String(name))) => {
                    self.names.insert(name.value().clone());
                }
                _ => self.all = true,
            }
            for operator in &node.operators {
                self.visit_traversal_operator(operator.value());
            }
            return;
        }
        visit_traversal(self, node);
    }

    fn visit_expr(&mut self, node: &Expression) {
        if matches!(node, Expression::Variable(name) if name.as_str() == "local") {
            self.all = true;
        }
        hcl_edit::visit::visit_expr(self, node);
    }
}

/// A circle that can be reached from `start`; every waiting local uses a waiting one.
fn cycle_from<'a>(start: &'a str, waiting: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<&'a str> {
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let Some(next) = waiting.get(last).and_then(|uses| uses.iter().find(|name| waiting.contains_key(*name))) else { return path };
        if let Some(at) = path.iter().position(|name| name == next) {
            path.drain(..at);
            path.push(next);
            return path;
        }
        path.push(next);
    }
}
