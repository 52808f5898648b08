//! HCL2: an evaluator of our own on hcl-edit's syntax tree, which keeps the place of everything.
//!
//! A jobspec's expressions see `var`, `local` and the names that `for` and `dynamic` introduce. Any other name belongs to
//! the node that will run the task (`${NOMAD_PORT_http}`, `${attr.kernel.name}`), and stays in the result as the
//! text it was written as.

pub mod dynamic;
pub mod eval;
mod functions;
pub mod locals;
pub mod number;
mod operators;
pub mod scope;
mod template;
#[cfg(test)]
mod tests;
mod traversal;
mod types;
pub mod value;
pub mod variables;

pub use functions::function_names;
pub use scope::{EvalError, EvalResult, Meter, Scope};
pub use value::Value;
