//! Arguments, dispatch, exit code. What runs is in `cli` and `agent`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A task's shim must stay tiny and single-threaded: it is dispatched before anything else is set up.
    let mut arguments = std::env::args_os();
    if arguments.nth(1).is_some_and(|first| first == pannier::runtime::shim::ARGUMENT) {
        return pannier::runtime::shim::main(arguments);
    }
    pannier::cli::main(pannier::agent::run)
}
