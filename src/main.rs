//! Arguments, dispatch, exit code. What runs is in `cli` and `agent`.

use std::process::ExitCode;

use pannier::runtime::shim::{self, ShimArgs};

fn main() -> ExitCode {
    // A task's shim must stay tiny and single-threaded: it is dispatched before anything else is set up.
    if let Some(args) = ShimArgs::parse(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned())) {
        return shim::main(&args);
    }
    pannier::cli::main(pannier::agent::run)
}
