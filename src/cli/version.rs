//! `version`: which pannier this is.

use clap::Args;

use super::exit::{Exit, Outcome};
use super::output::print;

/// Print the version
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier version")]
pub struct VersionArgs {}

impl VersionArgs {
    pub fn run(self) -> Outcome {
        print(concat!("pannier v", env!("CARGO_PKG_VERSION")))?;
        Ok(Exit::Ok)
    }
}
