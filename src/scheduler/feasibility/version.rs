//! Versions and lists of version requirements (`>= 1.2, < 2.0`, `~> 1.2.3`), for the operators `version` and `semver`.
//!
//! `version` is lenient (any number of segments, an optional `v`) and keeps pre-releases away from requirements that do not
//! name one; `semver` takes exactly three segments and orders pre-releases as semver.org says (§11).

use std::cmp::Ordering;

/// How strictly versions are read and pre-releases are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Lenient,
    Semver,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// At least three; missing ones are zero.
    segments: Vec<u64>,
    /// How many segments the text had: `~> 1.2` lets the last one given grow.
    given: usize,
    prerelease: Vec<Identifier>,
}

/// A dot-separated part of a pre-release; numbers sort below words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Version {
    /// `None`: not a version of this dialect.
    pub fn parse(text: &str, dialect: Dialect) -> Option<Self> {
        let text = text.trim();
        let text = if dialect == Dialect::Lenient { text.strip_prefix('v').unwrap_or(text) } else { text };
        let text = text.split_once('+').map_or(text, |(version, _metadata)| version);
        let numbers_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (numbers, rest) = text.split_at(numbers_end);
        let has_leading_zero = |segment: &str| segment.len() > 1 && segment.starts_with('0');
        if dialect == Dialect::Semver && numbers.split('.').any(has_leading_zero) {
            return None;
        }
        let mut segments = numbers.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let given = segments.len();
        if dialect == Dialect::Semver && (given != 3 || !(rest.is_empty() || rest.starts_with('-'))) {
            return None;
        }
        segments.resize(given.max(3), 0);
        let prerelease = match rest.strip_prefix('-').unwrap_or(rest) {
            "" if rest.is_empty() => Vec::new(),
            words => words.split('.').map(identifier).collect::<Option<_>>()?,
        };
        Some(Self { segments, given, prerelease })
    }

    fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }
}

fn identifier(text: &str) -> Option<Identifier> {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '~') {
        return None;
    }
    Some(text.parse().map_or_else(|_| Identifier::Word(text.to_owned()), Identifier::Number))
}

fn compare_segments(a: &[u64], b: &[u64]) -> Ordering {
    let longest = a.len().max(b.len());
    let at = |segments: &[u64], i: usize| segments.get(i).copied().unwrap_or(0);
    (0..longest).map(|i| at(a, i).cmp(&at(b, i))).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl Version {
    /// Which one is newer; `1.0` and `1.0.0` are equally new.
    fn precedence(&self, other: &Self) -> Ordering {
        compare_segments(&self.segments, &other.segments).then_with(|| match (self.is_prerelease(), other.is_prerelease()) {
            (false, false) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => self.prerelease.cmp(&other.prerelease),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// `~>`: at least this, with all but the last given segment fixed.
    Pessimistic,
}

/// Longer signs first, so that `>=` is not read as `>`.
const RELATIONS: [(&str, Relation); 7] = [
    (">=", Relation::GreaterOrEqual),
    ("<=", Relation::LessOrEqual),
    ("!=", Relation::NotEqual),
    ("~>", Relation::Pessimistic),
    (">", Relation::Greater),
    ("<", Relation::Less),
    ("=", Relation::Equal),
];

/// A comma-separated list; all must hold.
#[derive(Clone, Debug)]
pub struct VersionRequirements {
    dialect: Dialect,
    parts: Vec<(Relation, Version)>,
}

impl VersionRequirements {
    /// `None`: a part is not a requirement of this dialect.
    pub fn parse(text: &str, dialect: Dialect) -> Option<Self> {
        let part = |part: &str| {
            let part = part.trim();
            let (relation, version) = RELATIONS
                .iter()
                .find_map(|(sign, relation)| part.strip_prefix(sign).map(|version| (*relation, version)))
                .unwrap_or((Relation::Equal, part));
            Some((relation, Version::parse(version, dialect)?))
        };
        Some(Self { dialect, parts: text.split(',').map(part).collect::<Option<_>>()? })
    }

    /// Whether the version that `text` spells meets every part.
    pub fn are_met_by(&self, text: &str) -> bool {
        let Some(version) = Version::parse(text, self.dialect) else {
            return false;
        };
        self.parts.iter().all(|(relation, wanted)| self.holds(*relation, &version, wanted))
    }

    fn holds(&self, relation: Relation, version: &Version, wanted: &Version) -> bool {
        let order = version.precedence(wanted);
        match relation {
            Relation::Equal => order.is_eq(),
            Relation::NotEqual => order.is_ne(),
            Relation::Greater => order.is_gt() && self.admits_prerelease(version, wanted),
            Relation::GreaterOrEqual => order.is_ge() && self.admits_prerelease(version, wanted),
            Relation::Less => order.is_lt() && self.admits_prerelease(version, wanted),
            Relation::LessOrEqual => order.is_le() && self.admits_prerelease(version, wanted),
            Relation::Pessimistic => {
                let fixed = wanted.given.saturating_sub(1);
                order.is_ge() && self.admits_prerelease(version, wanted) && version.segments[..fixed] == wanted.segments[..fixed]
            }
        }
    }

    /// A lenient range admits a pre-release only when it names one of the same version itself.
    fn admits_prerelease(&self, version: &Version, wanted: &Version) -> bool {
        if self.dialect == Dialect::Semver || !version.is_prerelease() {
            return true;
        }
        wanted.is_prerelease() && compare_segments(&version.segments, &wanted.segments).is_eq()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(requirements: &str, version: &str, dialect: Dialect) -> bool {
        VersionRequirements::parse(requirements, dialect).is_some_and(|parsed| parsed.are_met_by(version))
    }

    #[test]
    fn requirements_are_met_or_not() {
        use Dialect::{Lenient, Semver};
        for (requirements, version, dialect, expected) in [
            (">= 1.2, < 2.0", "1.9.9", Lenient, true),
            (">= 1.2, < 2.0", "2.0", Lenient, false),
            (">= 1.2, < 2.0", "1.2", Lenient, true),
            ("1.0", "v1.0.0", Lenient, true),
            ("= 1.0", "1.0.1", Lenient, false),
            ("!= 1.0", "1.0.1", Lenient, true),
            ("!= 1.0", "1.0.0", Lenient, false),
            ("~> 1.2", "1.9", Lenient, true),
            ("~> 1.2", "2.0", Lenient, false),
            ("~> 1.2", "1.1", Lenient, false),
            ("~> 1.2.3", "1.2.10", Lenient, true),
            ("~> 1.2.3", "1.3.0", Lenient, false),
            ("~> 1", "1.99", Lenient, true),
            ("> 1.0-beta", "1.0", Lenient, true),
            (">= 1.0-beta1", "1.0-beta2", Lenient, true),
            (">= 1.0", "1.1-beta", Lenient, false),
            (">= 5.4", "5.15.0-91-generic", Lenient, false),
            ("< 1.0.0.2", "1.0.0.1", Lenient, true),
            ("> 1.9", "1.10", Lenient, true),
            (">= 1.0", "banana", Lenient, false),
            ("banana", "1.0", Lenient, false),
            ("", "1.0", Lenient, false),
            (">= 1.0,", "1.0", Lenient, false),
            (">= 1.0.0", "1.1.0-beta", Semver, true),
            ("< 1.0.0", "1.0.0-rc.1", Semver, true),
            ("> 1.0.0-rc.2", "1.0.0-rc.10", Semver, true),
            ("> 1.0.0-alpha", "1.0.0-beta", Semver, true),
            ("= 1.0.0", "1.0.0+build.7", Semver, true),
            (">= 1.0.0", "1.1", Semver, false),
            (">= 1.0.0", "v1.1.0", Semver, false),
            (">= 1.0.0", "01.1.0", Semver, false),
        ] {
            assert_eq!(met(requirements, version, dialect), expected, "{requirements:?} {version} {dialect:?}");
        }
    }
}
