//! The shim: one small process per task, its parent and the keeper of its logs and of its end.
//!
//! It is the agent's own binary, entered through [`main`] before anything else is initialised: one thread, no async runtime, no
//! database, only what a `poll` loop needs. The agent talks to it over a unix socket ([`protocol`]) and may come and go: an agent
//! that dies leaves shims and tasks running, and its successor finds them by their run directories ([`record`]). A shim that dies
//! leaves the task running too: its output waits in FIFOs until another shim adopts it.
//!
//! A run directory, private to one start of a task, holds
//!
//! | file | what |
//! |---|---|
//! | `plan.json` | what to start, see [`plan::ShimPlan`] |
//! | `lock` | held by the living shim |
//! | `stdout.fifo`, `stderr.fifo` | the task's output on its way to the log files |
//! | `state.json` | who the task is, written before its first instruction |
//! | `shim.sock` | where the agent connects |
//! | `exit.json` | how it ended |
//! | `shim.log` | complaints of the shim itself |

mod child;
mod fifo;
pub mod identity;
mod inherited;
pub mod log_files;
mod pages;
pub mod pidfd;
pub mod plan;
pub mod protocol;
pub mod record;
pub mod sealed;
mod server;
mod spawn;
mod start;
mod supervisor;
mod task;

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// The name of the mode: `argv[0]`, or the first argument.
pub const MODE: &str = "task-shim";

/// The argument that makes a shim take over a task whose shim died.
pub const ADOPT: &str = "--adopt";

/// What the command line asks of a shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShimArgs {
    pub run_dir: PathBuf,
    pub adopt: bool,
}

impl ShimArgs {
    /// `Some` when a command line (with its `argv[0]`) is a shim's: `task-shim [--adopt] <run_dir>`.
    pub fn parse<I: IntoIterator<Item = String>>(args: I) -> Option<Self> {
        let mut args = args.into_iter();
        if args.next()?.as_str() != MODE && args.next()?.as_str() != MODE {
            return None;
        }
        let rest: Vec<String> = args.collect();
        match rest.as_slice() {
            [run_dir] => Some(Self { run_dir: PathBuf::from(run_dir), adopt: false }),
            [flag, run_dir] if flag == ADOPT => Some(Self { run_dir: PathBuf::from(run_dir), adopt: true }),
            _ => None,
        }
    }
}

/// Runs a shim until it is released. Call it before any thread is started. Its standard output is the readiness channel: one line of
/// JSON ([`protocol::Readiness`]), then it is closed. Returns the exit code: 0, or 1 when no task came of it.
pub fn main(args: &ShimArgs) -> u8 {
    match start::run(args) {
        Ok(()) => 0,
        Err(error) => {
            complain(format_args!("{error}"));
            1
        }
    }
}

/// Writes to `shim.log`. Not `eprintln!`: that panics when the disk is full, and the task's keeper must not end for want of a log line.
fn complain(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<ShimArgs> {
        ShimArgs::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn the_mode_is_known_by_name_or_first_argument() {
        let plain = Some(ShimArgs { run_dir: "/r".into(), adopt: false });
        assert_eq!(parse("task-shim /r"), plain);
        assert_eq!(parse("/usr/bin/pannier task-shim /r"), plain);
        assert_eq!(parse("pannier task-shim --adopt /r").map(|args| args.adopt), Some(true));
        assert_eq!(parse("pannier agent -dev"), None);
        assert_eq!(parse("pannier"), None);
        assert_eq!(parse("task-shim"), None);
    }
}
