//! How commands end.

use std::process::ExitCode;

/// The exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    /// `job plan` found changes. The number is that of `Exit::Error`: scripts tell them apart by the command.
    Changes = 1,
    /// The change was accepted, but not all allocations found a place, or the deployment failed; a server is not well.
    NotAchieved = 2,
    /// Ended by Ctrl-C.
    Interrupted = 130,
    /// `job plan` failed.
    PlanError = 255,
}

impl Exit {
    /// Any failure of a command other than `job plan`.
    pub const ERROR: u8 = 1;
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command's `run` returns: an exit, or an error to print before exiting with [`Exit::ERROR`].
pub type Outcome = anyhow::Result<Exit>;
