//! One constraint or affinity, compiled once and asked of many nodes.

use std::cmp::Ordering;

use regex::Regex;

use super::version::{Dialect, VersionRequirements};
use crate::model::attributes::resolve;
use crate::model::{Affinity, Constraint, Node, Operand, Text};
use crate::util::go_regex;

/// A comparison of two sides that may refer to facts of a node.
#[derive(Debug)]
pub struct Check {
    left: Text,
    operand: Operand,
    right: Text,
    /// `None`: the right side differs from node to node, so it is compiled on each question.
    compiled: Option<Pattern>,
    /// As people see it in placement failures.
    text: Text,
}

/// The right side, prepared as far as its operator allows.
#[derive(Debug)]
enum Pattern {
    Literal,
    Regexp(Regex),
    Version(VersionRequirements),
    /// It cannot be read: no node meets it.
    Invalid,
}

impl Pattern {
    fn compile(operand: Operand, text: &str) -> Self {
        match operand {
            Operand::Regexp => go_regex::compile(text).map_or(Self::Invalid, Self::Regexp),
            Operand::Version => VersionRequirements::parse(text, Dialect::Lenient).map_or(Self::Invalid, Self::Version),
            Operand::Semver => VersionRequirements::parse(text, Dialect::Semver).map_or(Self::Invalid, Self::Version),
            _ => Self::Literal,
        }
    }
}

impl From<&Constraint> for Check {
    fn from(constraint: &Constraint) -> Self {
        let compiled = (!constraint.right.starts_with("${")).then(|| Pattern::compile(constraint.operand, &constraint.right));
        let text = constraint.to_string().into();
        Self { left: constraint.left.clone(), operand: constraint.operand, right: constraint.right.clone(), compiled, text }
    }
}

impl From<&Affinity> for Check {
    fn from(affinity: &Affinity) -> Self {
        Self::from(&Constraint { left: affinity.left.clone(), operand: affinity.operand, right: affinity.right.clone() })
    }
}

impl Check {
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// Whether the answer may differ between nodes of one class.
    pub fn is_node_unique(&self) -> bool {
        is_unique(&self.left) || is_unique(&self.right)
    }

    pub fn holds_on(&self, node: &Node) -> bool {
        let left = resolve(node, &self.left);
        let right = resolve(node, &self.right);
        self.judge(left.as_deref(), right.as_deref())
    }

    /// Both sides as the jobspec wrote them.
    pub fn sides(&self) -> (&str, &str) {
        (&self.left, &self.right)
    }

    /// Compares what the sides stand for; `None`: there is no such fact.
    pub fn judge(&self, left: Option<&str>, right: Option<&str>) -> bool {
        match self.operand {
            Operand::IsSet => return left.is_some(),
            Operand::IsNotSet => return left.is_none(),
            // Conditions on the set of placements, not on a node: the packing core keeps them.
            Operand::DistinctHosts | Operand::DistinctProperty => return true,
            _ => {}
        }
        if self.operand == Operand::NotEqual {
            return left != right;
        }
        let (Some(left), Some(right)) = (left, right) else {
            return false;
        };
        match &self.compiled {
            Some(pattern) => compare(self.operand, left, right, pattern),
            None => compare(self.operand, left, right, &Pattern::compile(self.operand, right)),
        }
    }
}

/// Whether a reference names a fact that differs on every node. Attributes and metadata say so in their name.
pub fn is_unique(target: &str) -> bool {
    target.starts_with("${") && target.contains("unique.")
}

fn compare(operand: Operand, left: &str, right: &str, pattern: &Pattern) -> bool {
    match (operand, pattern) {
        (_, Pattern::Invalid) => false,
        (_, Pattern::Regexp(regex)) => regex.is_match(left),
        (_, Pattern::Version(requirements)) => requirements.are_met_by(left),
        (Operand::Equal, _) => left == right,
        (Operand::Less, _) => order(left, right).is_some_and(Ordering::is_lt),
        (Operand::LessOrEqual, _) => order(left, right).is_some_and(Ordering::is_le),
        (Operand::Greater, _) => order(left, right).is_some_and(Ordering::is_gt),
        (Operand::GreaterOrEqual, _) => order(left, right).is_some_and(Ordering::is_ge),
        (Operand::SetContains, _) => members(right).all(|wanted| members(left).any(|member| member == wanted)),
        (Operand::SetContainsAny, _) => members(right).any(|wanted| members(left).any(|member| member == wanted)),
        _ => false,
    }
}

/// As integers when both are, else as floating-point numbers when both are, else as text.
fn order(left: &str, right: &str) -> Option<Ordering> {
    if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
        return Some(left.cmp(&right));
    }
    if let (Ok(left), Ok(right)) = (left.parse::<f64>(), right.parse::<f64>()) {
        return left.partial_cmp(&right);
    }
    Some(left.cmp(right))
}

fn members(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing::node;

    fn holds(left: &str, operand: &str, right: &str) -> bool {
        let mut subject = node(1);
        for (name, value) in [("n", "10"), ("f", "2.5"), ("word", "banana"), ("tags", "a, b,c"), ("v", "1.4.2"), ("same", "10")] {
            subject.attributes.insert(name.into(), value.into());
        }
        let constraint = Constraint { left: left.into(), operand: Operand::parse(operand).unwrap(), right: right.into() };
        Check::from(&constraint).holds_on(&subject)
    }

    #[test]
    fn every_operator_on_a_node() {
        for (left, operand, right, expected) in [
            // Equality is of text.
            ("${attr.n}", "=", "10", true),
            ("${attr.n}", "==", "10", true),
            ("${attr.n}", "is", "10", true),
            ("${attr.n}", "=", "10.0", false),
            ("${attr.n}", "=", " 10", false),
            ("${attr.n}", "=", "${attr.same}", true),
            ("10", "=", "${attr.n}", true),
            ("literal", "=", "literal", true),
            ("${attr.missing}", "=", "", false),
            ("${attr.n}", "=", "${attr.missing}", false),
            ("${attr.missing}", "=", "${attr.missing}", false),
            ("${attr.n}", "!=", "9", true),
            ("${attr.n}", "not", "10", false),
            ("${attr.missing}", "!=", "9", true),
            // Order is of integers, else of numbers, else of text.
            ("${attr.n}", ">", "9", true),
            ("${attr.n}", ">", "10", false),
            ("${attr.n}", ">=", "10", true),
            ("${attr.n}", "<", "9", false),
            ("${attr.n}", "<=", "10", true),
            ("${attr.n}", ">", "9.99", true),
            ("${attr.n}", ">", "-10", true),
            ("${attr.n}", "<", "9a", true),
            ("${attr.f}", ">=", "2.25", true),
            ("${attr.f}", "<", "10", true),
            ("${attr.f}", "<=", "2.5", true),
            ("${attr.f}", ">", "NaN", false),
            ("${attr.f}", "<=", "NaN", false),
            ("${attr.word}", "<", "cherry", true),
            ("${attr.word}", ">", "apple", true),
            ("${attr.word}", "<", "Banana", false),
            ("${attr.missing}", "<", "9", false),
            ("${attr.missing}", ">", "9", false),
            // Patterns, versions.
            ("${attr.word}", "regexp", "^ba(na)+$", true),
            ("${attr.word}", "regexp", "nan", true),
            ("${attr.word}", "regexp", "^nan", false),
            ("${attr.word}", "regexp", "(unclosed", false),
            ("${attr.missing}", "regexp", ".*", false),
            ("${attr.v}", "version", ">= 1.4, < 1.5", true),
            ("${attr.v}", "version", "> 2", false),
            ("${attr.v}", "version", "not a version", false),
            ("${attr.word}", "version", ">= 1", false),
            ("${attr.missing}", "version", ">= 0", false),
            ("${attr.v}", "semver", "~> 1.4.0", true),
            ("${attr.v}", "semver", "~> 1.4.3", false),
            // Sets.
            ("${attr.tags}", "set_contains", "c,a", true),
            ("${attr.tags}", "set_contains_all", " a , b ", true),
            ("${attr.tags}", "set_contains", "a,z", false),
            ("${attr.tags}", "set_contains", "ab", false),
            ("${attr.missing}", "set_contains", "a", false),
            ("${attr.tags}", "set_contains_any", "z, b", true),
            ("${attr.tags}", "set_contains_any", "x,y", false),
            ("${attr.word}", "set_contains", "banana", true),
            // Presence.
            ("${attr.n}", "is_set", "", true),
            ("${attr.missing}", "is_set", "", false),
            ("${attr.missing}", "is_not_set", "", true),
            ("${attr.n}", "is_not_set", "", false),
            // Facts that are no attributes.
            ("${node.datacenter}", "=", "dc1", true),
            ("${node.unique.name}", "=", "node-1", true),
            ("${node.class}", "is_set", "", true),
            ("${node.pool}", "=", "default", true),
            ("${meta.rack}", "is_not_set", "", true),
            ("${nonsense.x}", "is_set", "", false),
        ] {
            assert_eq!(holds(left, operand, right), expected, "{left} {operand} {right}");
        }
    }
}
