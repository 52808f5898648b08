//! What narrows or colours the choice of a node.

use serde::{Deserialize, Serialize};

use super::Text;

/// How a constraint or affinity compares its two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operand {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Regexp,
    Version,
    Semver,
    SetContains,
    SetContainsAny,
    IsSet,
    IsNotSet,
    DistinctHosts,
    DistinctProperty,
}

impl Operand {
    /// Every operator's name as the jobspec writes it; the first name of a variant is the canonical one.
    pub const NAMES: [(&'static str, Self); 18] = [
        ("=", Self::Equal),
        ("==", Self::Equal),
        ("is", Self::Equal),
        ("!=", Self::NotEqual),
        ("not", Self::NotEqual),
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
        ("regexp", Self::Regexp),
        ("version", Self::Version),
        ("semver", Self::Semver),
        ("set_contains", Self::SetContains),
        ("set_contains_any", Self::SetContainsAny),
        ("is_set", Self::IsSet),
        ("is_not_set", Self::IsNotSet),
        ("distinct_hosts", Self::DistinctHosts),
        ("distinct_property", Self::DistinctProperty),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        if name == "set_contains_all" {
            return Some(Self::SetContains);
        }
        Self::NAMES.iter().find(|(text, _)| *text == name).map(|(_, operand)| *operand)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, operand)| *operand == self).map_or("=", |(text, _)| text)
    }
}

/// A condition that a node must meet. The sides may hold `${...}` references to node facts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Constraint {
    pub left: Text,
    pub operand: Operand,
    pub right: Text,
}

impl std::fmt::Display for Constraint {
    /// As Nomad prints it in placement failures: `${attr.kernel.name} = linux`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.operand {
            Operand::DistinctHosts => f.write_str("distinct_hosts"),
            Operand::DistinctProperty => write!(f, "distinct_property {}", self.left),
            Operand::IsSet | Operand::IsNotSet => write!(f, "{} {}", self.left, self.operand.name()),
            _ => write!(f, "{} {} {}", self.left, self.operand.name(), self.right),
        }
    }
}

/// A preference with a weight in -100..=100, never 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Affinity {
    pub left: Text,
    pub operand: Operand,
    pub right: Text,
    pub weight: i8,
}

/// Spreads instances over the values of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spread {
    pub attribute: Text,
    /// 1..=100.
    pub weight: u8,
    pub targets: Vec<SpreadTarget>,
}

/// The share of instances that one value of the attribute should get.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpreadTarget {
    pub value: Text,
    pub percent: u8,
}
