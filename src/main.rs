use std::process::ExitCode;

use pannier::runtime::shim::{self, ShimArgs};

fn main() -> ExitCode {
    // A shim must stay tiny and single-threaded: nothing may come before this.
    if let Some(args) = ShimArgs::parse(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned())) {
        return shim::main(&args);
    }
    ExitCode::FAILURE
}
