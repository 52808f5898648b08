//! Arithmetic and comparison of numbers.

use hcl_edit::expr::BinaryOperator;

use super::number::Number;
use super::value::Value;

/// `a operator b` for every operator that takes two numbers.
pub fn arithmetic(a: Number, operator: BinaryOperator, b: Number) -> Result<Value, &'static str> {
    let number = match operator {
        BinaryOperator::Plus => a.combine(b, i64::checked_add, |a, b| a + b),
        BinaryOperator::Minus => a.combine(b, i64::checked_sub, |a, b| a - b),
        BinaryOperator::Mul => a.combine(b, i64::checked_mul, |a, b| a * b),
        BinaryOperator::Div | BinaryOperator::Mod if b.is_zero() => return Err("division by zero"),
        BinaryOperator::Div => a.combine(b, |a, b| if a % b == 0 { a.checked_div(b) } else { None }, |a, b| a / b),
        BinaryOperator::Mod => a.combine(b, i64::checked_rem, |a, b| a % b),
        BinaryOperator::Less => return Ok(a.compare(b).is_lt().into()),
        BinaryOperator::LessEq => return Ok(a.compare(b).is_le().into()),
        BinaryOperator::Greater => return Ok(a.compare(b).is_gt().into()),
        BinaryOperator::GreaterEq => return Ok(a.compare(b).is_ge().into()),
        BinaryOperator::Eq | BinaryOperator::NotEq | BinaryOperator::And | BinaryOperator::Or => None,
    };
    number.map(Value::Number).ok_or("the result is not a number")
}
