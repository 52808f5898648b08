//! Numbers as HCL has them: one kind, exact for integers.

use std::cmp::Ordering;
use std::fmt;

/// An integer while it is one, else a finite float. Kept normal: a float without a fraction that fits is an integer.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    Int(i64),
    Float(f64),
}

/// Integers beyond this are not told apart by an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Number {
    /// `None` for infinities and NaN, which HCL does not have.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        if value.fract() == 0.0 && value.abs() <= EXACT {
            return Some(Self::Int(value as i64));
        }
        Some(Self::Float(value))
    }

    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(n) => n as f64,
            Self::Float(n) => n,
        }
    }

    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            Self::Float(_) => None,
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(n) = text.parse() {
            return Some(Self::Int(n));
        }
        // Rust also reads `inf`, `nan` and `+1`; HCL does not.
        let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E')) && !text.starts_with('+');
        if plain { text.parse().ok().and_then(Self::from_f64) } else { None }
    }

    /// Exact on integers, in floats when that overflows.
    pub fn combine(self, other: Self, exact: fn(i64, i64) -> Option<i64>, float: fn(f64, f64) -> f64) -> Option<Self> {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(n) = exact(a, b)
        {
            return Some(Self::Int(n));
        }
        Self::from_f64(float(self.as_f64(), other.as_f64()))
    }

    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            _ => self.as_f64().total_cmp(&other.as_f64()),
        }
    }

    pub fn is_zero(self) -> bool {
        self.as_f64() == 0.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => n.fmt(f),
            Self::Float(n) => n.fmt(f),
        }
    }
}
