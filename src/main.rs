//! Arguments, dispatch, exit code. What runs is in `cli` and `agent`.

use std::process::ExitCode;

use pannier::runtime::shim::{self, ShimArgs};

fn main() -> ExitCode {
    // Where `early` does not get to see the arguments.
    if let Some(args) = shim_args() {
        return ExitCode::from(shim::main(&args));
    }
    pannier::cli::main(pannier::agent::run)
}

fn shim_args() -> Option<ShimArgs> {
    ShimArgs::parse(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()))
}

/// A task's shim must stay tiny and single-threaded, and it is started with every task: it is dispatched before anything else is set up,
/// RocksDB's static tables included, which cost each process a megabyte and milliseconds.
///
/// Constructors run in the order of their numbers, those without one (RocksDB's) last. Rust's own at 99 keeps the arguments.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod early {
    #![allow(unsafe_code)] // A link section is a promise that the linker cannot check.

    // SAFETY: the C runtime calls what is in this section as a function of this type, once, on the main thread.
    #[used]
    #[unsafe(link_section = ".init_array.00100")]
    static ENTER_SHIM: extern "C" fn() = enter_shim;

    #[allow(clippy::disallowed_methods)] // There is no `main` to return to yet, and nothing here that a drop would finish.
    extern "C" fn enter_shim() {
        if let Some(args) = super::shim_args() {
            std::process::exit(super::shim::main(&args).into());
        }
    }
}
