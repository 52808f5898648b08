//! `locals`: named expressions, in any order, each able to use the others.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::Body;
use hcl_edit::visit::{Visit, visit_traversal};
use hcl_edit::{Decorated, Span};

use super::eval::evaluate;
use super::scope::{EvalError, Scope};
use super::value::Value;

/// Evaluates all `locals` blocks. The value is what `local` stands for; locals with errors are missing from it.
pub fn evaluate_all(blocks: &[&Body], var: &Value, scope: &Scope<'_>, errors: &mut Vec<EvalError>) -> Value {
    let expressions = gather(blocks, errors);
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    // How many locals each one still waits for, and who waits for it: each is looked at once, without recursion, so
    // that a chain of thousands costs neither time nor stack.
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut waiters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, expr) in &expressions {
        let mut finder = Finder::default();
        finder.visit_expr(expr);
        if finder.uses_all {
            let message = format!("`local.{name}` uses `local` as a whole, and so itself");
            errors.push(*EvalError::new("local-cycle", expr.span(), message).with_help(Some("name the value: `local.name`")));
        }
        let used: BTreeSet<&str> =
            finder.names.iter().filter_map(|used| expressions.get_key_value(used.as_str()).map(|(key, _)| *key)).collect();
        for other in &used {
            waiters.entry(other).or_default().push(name);
        }
        uses.insert(name, used);
    }
    let mut missing: BTreeMap<&str, usize> = uses.iter().map(|(name, used)| (*name, used.len())).collect();
    let mut ready: Vec<&str> = missing.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(name) = ready.pop() {
        missing.remove(name);
        for waiter in waiters.get(name).into_iter().flatten() {
            if let Some(count) = missing.get_mut(waiter) {
                *count -= 1;
                if *count == 0 {
                    ready.push(waiter);
                }
            }
        }
        // When one that it uses has an error, that is enough to say.
        let known: Option<BTreeMap<String, Value>> =
            uses[name].iter().map(|used| values.get(used).map(|value| ((*used).to_owned(), value.clone()))).collect();
        let Some(known) = known else { continue };
        let mut inner = Scope::child(scope);
        inner.set("var", var.clone());
        let result = Scope::fits(Value::map(known), None).and_then(|local| {
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
    report_cycle(&missing, &uses, &expressions, errors);
    let known = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Scope::fits(Value::map(known), None).unwrap_or_else(|error| {
        errors.push(*error);
        Value::Null
    })
}

fn gather<'a>(blocks: &[&'a Body], errors: &mut Vec<EvalError>) -> BTreeMap<&'a str, &'a Expression> {
    let mut expressions = BTreeMap::new();
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
    expressions
}

/// Names one circle among the locals that could not be evaluated; each of them waits for another.
fn report_cycle(
    missing: &BTreeMap<&str, usize>,
    uses: &BTreeMap<&str, BTreeSet<&str>>,
    expressions: &BTreeMap<&str, &Expression>,
    errors: &mut Vec<EvalError>,
) {
    let Some((first, _)) = missing.first_key_value() else { return };
    let mut path = vec![*first];
    let mut seen = BTreeMap::from([(*first, 0)]);
    let start = loop {
        let next = path.last().and_then(|last| uses.get(last)).and_then(|used| used.iter().find(|name| missing.contains_key(*name)));
        let Some(next) = next else { return };
        path.push(next);
        if let Some(at) = seen.insert(next, path.len() - 1) {
            break at;
        }
    };
    let circle: Vec<String> = path[start..].iter().map(|name| format!("local.{name}")).collect();
    let span = expressions.get(path[start]).and_then(|expr| expr.span());
    errors.push(*EvalError::new("local-cycle", span, format!("local values refer to each other in a circle: {}", circle.join(" -> "))));
}

/// The locals that an expression names.
#[derive(Default)]
struct Finder {
    names: BTreeSet<String>,
    /// `local` by itself, or with a key that is only known when it is evaluated.
    uses_all: bool,
}

impl Visit for Finder {
    fn visit_traversal(&mut self, node: &Traversal) {
        if matches!(&node.expr, Expression::Variable(root) if root.as_str() == "local") {
            match node.operators.first().map(Decorated::value) {
                Some(TraversalOperator::GetAttr(name)) => {
                    self.names.insert(name.as_str().to_owned());
                }
                Some(TraversalOperator::Index(Expression::String(name))) => {
                    self.names.insert(name.value().clone());
                }
                _ => self.uses_all = true,
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
            self.uses_all = true;
        }
        hcl_edit::visit::visit_expr(self, node);
    }
}
