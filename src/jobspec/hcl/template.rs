//! Quoted and heredoc templates: interpolation, `%{ if }`, `%{ for }` and strip markers.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::template::{Directive, Element, ForDirective, HeredocTemplate, IfDirective, StringTemplate, Strip};

use super::eval::{COST_PER_ROUND, article, bool_of, elements, evaluate};
use super::scope::{EvalError, EvalResult, Scope};
use super::value::{MAX_WEIGHT, Value};

/// What a strip marker takes away. In a quoted template that is all white space beside it; in a heredoc it ends with the
/// line, so that `%{ for x in xs ~}` does not eat the next line's indentation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Quoted,
    Heredoc,
}

pub fn evaluate_quoted(template: &StringTemplate, scope: &Scope<'_>, span: Option<&Range<usize>>) -> EvalResult {
    let elements: Vec<&Element> = template.iter().collect();
    // `"${x}"` is x itself, whatever its type.
    if let [Element::Interpolation(single)] = elements.as_slice() {
        return evaluate(&single.expr, scope);
    }
    Renderer { scope, lines: Lines::Quoted, text: String::new() }.render(&elements, span)
}

pub fn evaluate_heredoc(heredoc: &HeredocTemplate, scope: &Scope<'_>, span: Option<&Range<usize>>) -> EvalResult {
    let elements: Vec<&Element> = heredoc.template.iter().collect();
    Renderer { scope, lines: Lines::Heredoc, text: String::new() }.render(&elements, span)
}

struct Renderer<'a> {
    scope: &'a Scope<'a>,
    lines: Lines,
    text: String,
}

impl<'a> Renderer<'a> {
    fn render(mut self, elements: &[&Element], span: Option<&Range<usize>>) -> EvalResult {
        self.sequence(elements, false, false, self.scope, span)?;
        Ok(self.text.into())
    }

    /// `strip_first`, `strip_last`: whether the marker around this sequence strips into its first and last literal.
    fn sequence(
        &mut self,
        elements: &[&Element],
        strip_first: bool,
        strip_last: bool,
        scope: &Scope<'_>,
        span: Option<&Range<usize>>,
    ) -> EvalResult<()> {
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(literal) => {
                    let before = if at == 0 { strip_first } else { outer_strip(elements[at - 1]).strip_end() };
                    let after = elements.get(at + 1).map_or(strip_last, |next| outer_strip(next).strip_start());
                    let text = self.stripped(literal.value(), before, after);
                    self.push(&text, scope, literal.span().or_else(|| span.cloned()))?;
                }
                Element::Interpolation(interpolation) => {
                    let value = evaluate(&interpolation.expr, scope)?;
                    let here = interpolation.expr.span().or_else(|| span.cloned());
                    let Some(text) = value.to_text() else {
                        return Err(EvalError::new("wrong-type", here, format!("{} cannot be part of a string", article(&value)))
                            .with_help((!matches!(value, Value::Null)).then_some("use join() or jsonencode() to make a string of it")));
                    };
                    self.push(&text, scope, here)?;
                }
                Element::Directive(directive) => {
                    scope.nested(span.cloned(), || match &**directive {
                        Directive::If(choice) => self.if_directive(choice, scope, span),
                        Directive::For(walk) => self.for_directive(walk, scope, span),
                    })?;
                }
            }
        }
        Ok(())
    }

    fn if_directive(&mut self, choice: &IfDirective, scope: &Scope<'_>, span: Option<&Range<usize>>) -> EvalResult<()> {
        let head = &choice.if_expr;
        let holds = bool_of(&evaluate(&head.cond_expr, scope)?, "the condition of `if`", head.cond_expr.span())?;
        let end_strip = choice.endif_expr.strip;
        if holds {
            let closing = choice.else_expr.as_ref().map_or(end_strip, |other| other.strip);
            let inner: Vec<&Element> = head.template.iter().collect();
            return self.sequence(&inner, head.strip.strip_end(), closing.strip_start(), scope, span);
        }
        let Some(other) = &choice.else_expr else { return Ok(()) };
        let inner: Vec<&Element> = other.template.iter().collect();
        self.sequence(&inner, other.strip.strip_end(), end_strip.strip_start(), scope, span)
    }

    fn for_directive(&mut self, walk: &ForDirective, scope: &Scope<'_>, span: Option<&Range<usize>>) -> EvalResult<()> {
        let head = &walk.for_expr;
        let collection = evaluate(&head.collection_expr, scope)?;
        let body: Vec<&Element> = head.template.iter().collect();
        for (key, item) in elements(&collection, head.collection_expr.span())? {
            let mut inner = Scope::child(scope);
            if let Some(name) = &head.key_var {
                inner.set(name.as_str(), key);
            }
            inner.set(head.value_var.as_str(), item);
            scope.spend(COST_PER_ROUND, span.cloned())?;
            self.sequence(&body, head.strip.strip_end(), walk.endfor_expr.strip.strip_start(), &inner, span)?;
        }
        Ok(())
    }

    fn push(&mut self, text: &str, scope: &Scope<'_>, span: Option<Range<usize>>) -> EvalResult<()> {
        scope.spend(1 + text.len() / 16, span.clone())?;
        if self.text.len() + text.len() > MAX_WEIGHT {
            return Err(EvalError::new("too-big", span, "the text is too large"));
        }
        self.text.push_str(text);
        Ok(())
    }

    fn stripped(&self, text: &str, before: bool, after: bool) -> String {
        let mut text = text;
        if before {
            let line_end = text.find('\n').map_or(text.len(), |at| at + 1);
            let (line, rest) = if self.lines == Lines::Heredoc { text.split_at(line_end) } else { (text, "") };
            let kept = line.trim_start();
            text = if kept.is_empty() { rest } else { &text[line.len() - kept.len()..] };
        }
        if after {
            // The piece beside the marker: what its line has before it, or the whole line above when it has nothing.
            let piece_start = match self.lines {
                Lines::Quoted => 0,
                Lines::Heredoc => text.strip_suffix('\n').unwrap_or(text).rfind('\n').map_or(0, |at| at + 1),
            };
            text = &text[..piece_start + text[piece_start..].trim_end().len()];
        }
        text.to_owned()
    }
}

/// The markers that an element turns to its neighbours.
fn outer_strip(element: &Element) -> Strip {
    let (start, end) = match element {
        Element::Literal(_) => (false, false),
        Element::Interpolation(interpolation) => (interpolation.strip.strip_start(), interpolation.strip.strip_end()),
        Element::Directive(directive) => match &**directive {
            Directive::If(choice) => (choice.if_expr.strip.strip_start(), choice.endif_expr.strip.strip_end()),
            Directive::For(walk) => (walk.for_expr.strip.strip_start(), walk.endfor_expr.strip.strip_end()),
        },
    };
    Strip::from((start, end))
}
