//! `format` and `formatlist`: Go's verbs.

use super::{ANY_NUMBER, Args, Function, Problem, function};
use crate::jobspec::hcl::number::Number;
use crate::jobspec::hcl::value::{MAX_WEIGHT, TooBig, Value};

pub const FUNCTIONS: &[Function] = &[
    function("format", 1, ANY_NUMBER, |args| Ok(format(&args.text(0)?, &args.0[1..])?.into())),
    function("formatlist", 1, ANY_NUMBER, format_list),
];

/// Widths beyond this are a mistake.
const MAX_WIDTH: usize = 1024;

/// One result per element of the lists among the arguments; other arguments are the same for all.
fn format_list(args: &Args<'_>) -> Result<Value, Problem> {
    let pattern = args.text(0)?;
    let mut count = None;
    for (index, value) in args.from(1) {
        if let Value::List(items) = value {
            if count.is_some_and(|count| count != items.len()) {
                return Err(Problem::at(index, "the lists are not equally long"));
            }
            count = Some(items.len());
        }
    }
    let mut results = Vec::new();
    for row in 0..count.unwrap_or(1) {
        let arguments: Vec<Value> = args
            .from(1)
            .map(|(_, value)| match value {
                Value::List(items) => items[row].clone(),
                other => other.clone(),
            })
            .collect();
        results.push(format(&pattern, &arguments)?);
    }
    Ok(Value::strings(results)?)
}

/// `%[flags][width][.precision][index]verb`.
#[derive(Default)]
struct Directive {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    index: Option<usize>,
}

fn format(pattern: &str, arguments: &[Value]) -> Result<String, Problem> {
    let mut text = String::new();
    let mut next = 0;
    let mut used = 0;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let directive = Directive::parse(&mut chars)?;
        let verb = chars.next().ok_or_else(|| Problem::at(0, "a verb is missing after `%`"))?;
        if verb == '%' {
            text.push('%');
            continue;
        }
        let index = directive.index.unwrap_or(next);
        let argument = arguments.get(index).ok_or_else(|| Problem::at(0, format!("there is no argument for `%{verb}`")))?;
        next = index + 1;
        used = used.max(next);
        let written = directive.write(verb, argument).map_err(|problem| Problem::at(index + 1, problem))?;
        text.push_str(&directive.padded(&written, argument));
        if text.len() > MAX_WEIGHT {
            return Err(TooBig::Heavy.into());
        }
    }
    if used < arguments.len() {
        return Err(Problem::at(used + 1, "the format has no verb for this argument"));
    }
    Ok(text)
}

impl Directive {
    fn parse(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Self, Problem> {
        let mut directive = Self::default();
        while let Some(flag) = chars.peek() {
            match flag {
                '-' => directive.minus = true,
                '+' => directive.plus = true,
                ' ' => directive.space = true,
                '0' => directive.zero = true,
                '#' => directive.sharp = true,
                _ => break,
            }
            chars.next();
        }
        directive.width = number(chars)?.unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            directive.precision = Some(number(chars)?.unwrap_or(0));
        }
        if chars.next_if_eq(&'[').is_some() {
            let position = number(chars)?.filter(|position| *position > 0);
            if position.is_none() || chars.next_if_eq(&']').is_none() {
                return Err(Problem::at(0, "an argument's number is written `%[1]s`"));
            }
            directive.index = position.map(|position| position - 1);
        }
        Ok(directive)
    }

    fn write(&self, verb: char, argument: &Value) -> Result<String, String> {
        let number =
            || argument.to_number().ok_or_else(|| format!("`%{verb}` takes a number, not {}", super::super::eval::article(argument)));
        let whole = || number()?.as_i64().ok_or_else(|| format!("`%{verb}` takes a whole number"));
        Ok(match verb {
            'v' if self.sharp => argument.to_json().to_string(),
            'v' => argument.to_text().map_or_else(|| argument.to_json().to_string(), |text| (*text).to_owned()),
            's' => self.cut(&argument.to_text().ok_or("`%s` takes a string")?),
            'q' => serde_json::Value::from(&*argument.to_text().ok_or("`%q` takes a string")?).to_string(),
            't' => argument.to_bool().ok_or("`%t` takes a bool")?.to_string(),
            'd' => match number()? {
                Number::Int(n) => self.signed(n >= 0, n.to_string()),
                Number::Float(n) => self.signed(n >= 0.0, format!("{:.0}", n.trunc())),
            },
            'x' => radix(whole()?, |n| format!("{n:x}")),
            'X' => radix(whole()?, |n| format!("{n:X}")),
            'o' => radix(whole()?, |n| format!("{n:o}")),
            'b' => radix(whole()?, |n| format!("{n:b}")),
            'f' | 'F' => {
                let n = number()?.as_f64();
                self.signed(n >= 0.0, format!("{n:.*}", self.precision.unwrap_or(6)))
            }
            'e' | 'E' => {
                let n = number()?.as_f64();
                self.signed(n >= 0.0, exponent(&format!("{n:.*e}", self.precision.unwrap_or(6)), verb))
            }
            'g' | 'G' => {
                let n = number()?.as_f64();
                let large = n != 0.0 && (n.abs() < 1e-4 || n.abs() >= 1e21);
                self.signed(n >= 0.0, if large { exponent(&format!("{n:e}"), if verb == 'g' { 'e' } else { 'E' }) } else { n.to_string() })
            }
            other => return Err(format!("`%{other}` is not a verb")),
        })
    }

    fn signed(&self, positive: bool, text: String) -> String {
        match positive {
            true if self.plus => format!("+{text}"),
            true if self.space => format!(" {text}"),
            _ => text,
        }
    }

    fn cut(&self, text: &str) -> String {
        self.precision.map_or_else(|| text.to_owned(), |most| text.chars().take(most).collect())
    }

    fn padded(&self, text: &str, argument: &Value) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if missing == 0 {
            return text.to_owned();
        }
        if self.minus {
            return format!("{text}{}", " ".repeat(missing));
        }
        if self.zero && argument.to_number().is_some() {
            let (sign, digits) = if text.starts_with(['-', '+']) { text.split_at(1) } else { ("", text) };
            return format!("{sign}{}{digits}", "0".repeat(missing));
        }
        format!("{}{text}", " ".repeat(missing))
    }
}

fn radix(n: i64, digits: fn(u64) -> String) -> String {
    format!("{}{}", if n < 0 { "-" } else { "" }, digits(n.unsigned_abs()))
}

/// Go writes at least two digits of exponent, with its sign.
fn exponent(text: &str, verb: char) -> String {
    let (mantissa, power) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
    format!("{mantissa}{verb}{sign}{digits:0>2}")
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, Problem> {
    let mut value: Option<usize> = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let next = value.unwrap_or(0).saturating_mul(10).saturating_add(digit as usize);
        if next > MAX_WIDTH {
            return Err(Problem::at(0, format!("widths end at {MAX_WIDTH}")));
        }
        value = Some(next);
    }
    Ok(value)
}
