//! Tokens to text.

use super::lexer::{Kind, Token};

/// One line in three columns, without the spaces in between.
#[derive(Default)]
struct Cells {
    /// Indentation, and everything that is not in the other two.
    lead: String,
    /// From `=` on, when the value ends on the same line.
    assign: String,
    comment: String,
}

pub fn lay_out(lines: &[Vec<Token<'_>>]) -> String {
    let mut depth = Depth::default();
    let mut rows: Vec<Cells> = lines.iter().map(|line| cells(line, &mut depth)).collect();
    align(&mut rows, |row| (!row.assign.is_empty()).then(|| width(&row.lead)), |row, pad| row.lead.push_str(pad));
    for row in &mut rows {
        if !row.assign.is_empty() {
            row.lead.push(' ');
            row.lead.push_str(&std::mem::take(&mut row.assign));
        }
    }
    align(&mut rows, |row| (!row.comment.is_empty()).then(|| width(&row.lead)), |row, pad| row.lead.push_str(pad));
    let mut text = String::new();
    for row in &rows {
        text.push_str(&row.lead);
        if !row.comment.is_empty() {
            text.push(' ');
            text.push_str(&row.comment);
        }
        text.push('\n');
    }
    // An empty file stays one.
    if text.trim().is_empty() { String::new() } else { text }
}

/// Pads each run of lines that have a width to the widest of it.
fn align(rows: &mut [Cells], measure: impl Fn(&Cells) -> Option<usize>, pad: impl Fn(&mut Cells, &str)) {
    let mut start = 0;
    while start < rows.len() {
        let run = rows[start..].iter().map_while(&measure).count();
        let widest = rows[start..start + run].iter().filter_map(&measure).max().unwrap_or(0);
        for row in &mut rows[start..start + run] {
            let missing = widest - measure(row).unwrap_or(widest);
            pad(row, &" ".repeat(missing));
        }
        start += run.max(1);
    }
}

fn width(text: &str) -> usize {
    // Behind a text of several lines, columns are those of its last one.
    text.rsplit('\n').next().unwrap_or(text).chars().count()
}

fn cells(line: &[Token<'_>], depth: &mut Depth) -> Cells {
    let Some(first) = line.first() else { return Cells::default() };
    let indent = "  ".repeat(depth.of_line(line));
    let has_comment = line.len() > 1 && line[line.len() - 1].kind == Kind::Comment;
    let (code, comment) = line.split_at(line.len() - usize::from(has_comment));
    let equals = code.iter().skip(1).position(|token| token.text == "=").map(|at| at + 1);
    let assign = equals.filter(|at| is_whole(&code[*at..])).unwrap_or(code.len());
    let (lead, assign) = code.split_at(assign);
    debug_assert!(!first.text.is_empty());
    Cells { lead: format!("{indent}{}", joined(lead)), assign: joined(assign), comment: comment.iter().map(|token| token.text).collect() }
}

/// Whether a value ends on the line that it starts on.
fn is_whole(code: &[Token<'_>]) -> bool {
    net(code) == 0 && code.iter().all(|token| !token.text.contains('\n'))
}

/// Brackets that are opened, less those that are closed.
fn net(code: &[Token<'_>]) -> isize {
    code.iter()
        .map(|token| match token.kind {
            Kind::Open => 1,
            Kind::Close => -1,
            _ => 0,
        })
        .sum()
}

/// Open brackets, by the lines that opened them: those of one line indent together.
#[derive(Default)]
struct Depth(Vec<isize>);

impl Depth {
    /// The level of this line, which is then left behind.
    fn of_line(&mut self, line: &[Token<'_>]) -> usize {
        let net = net(line);
        if net >= 0 {
            let level = self.0.len();
            if net > 0 {
                self.0.push(net);
            }
            return level;
        }
        let mut closed = -net;
        while closed > 0 {
            let Some(top) = self.0.last_mut() else { break };
            if *top > closed {
                *top -= closed;
                break;
            }
            closed -= *top;
            self.0.pop();
        }
        self.0.len()
    }
}

fn joined(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    for (at, token) in tokens.iter().enumerate() {
        if let Some(before) = at.checked_sub(1).map(|before| &tokens[before])
            && is_spaced(at.checked_sub(2).map(|at| &tokens[at]), before, token)
        {
            text.push(' ');
        }
        text.push_str(token.text);
    }
    text
}

/// Whether a space belongs between two tokens; `earlier` is what stands in front of them.
fn is_spaced(earlier: Option<&Token<'_>>, left: &Token<'_>, right: &Token<'_>) -> bool {
    if left.kind == Kind::Comment || right.kind == Kind::Comment {
        return true;
    }
    match (left.text, right.text) {
        (_, "," | ")" | "]" | "." | "..." | "::") | ("(" | "[" | "." | "::" | "!", _) | ("{", "}") => return false,
        _ => {}
    }
    let ends_value = |token: &Token<'_>| matches!(token.kind, Kind::Word | Kind::Quoted | Kind::Close | Kind::Heredoc);
    if left.text == "-" && !earlier.is_some_and(ends_value) {
        return false;
    }
    // A call or an index when it was written together; behind a keyword such as `in` it is not.
    if matches!(right.text, "(" | "[") && ends_value(left) {
        return right.spaced;
    }
    // The star of `list.*.name`.
    if left.text == "*" && earlier.is_some_and(|token| token.text == ".") && right.text == "[" {
        return false;
    }
    true
}
