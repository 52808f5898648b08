//! `job init`: an example to start from.

use std::io::Write as _;

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;

const EXAMPLE: &str = include_str!("example.nomad.hcl");
const SHORT_EXAMPLE: &str = include_str!("example-short.nomad.hcl");

/// Write an example job file
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job init
  pannier job init -short web.nomad.hcl")]
pub struct InitArgs {
    /// File to write
    #[arg(value_name = "FILE", default_value = "example.nomad.hcl")]
    file: String,
    /// Leave out the comments
    #[arg(long)]
    short: bool,
}

impl InitArgs {
    pub fn run(self) -> Outcome {
        let text = if self.short { SHORT_EXAMPLE } else { EXAMPLE };
        let mut file = std::fs::File::create_new(&self.file).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => anyhow!("{:?} exists already, and is left alone: name another file", self.file),
            _ => anyhow!("cannot create {:?}: {error}", self.file),
        })?;
        file.write_all(text.as_bytes()).with_context(|| format!("cannot write {:?}", self.file))?;
        print(&format!("Example job file written to {}", self.file))?;
        Ok(Exit::Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.hcl").to_str().unwrap().to_owned();
        InitArgs { file: file.clone(), short: true }.run().unwrap();
        assert!(InitArgs { file: file.clone(), short: false }.run().is_err());
        assert_eq!(std::fs::read_to_string(file).unwrap(), SHORT_EXAMPLE);
    }

    #[test]
    fn both_examples_describe_the_same_job() {
        let bare = |text: &str| -> Vec<String> {
            let lines = text.lines().map(|line| line.trim().to_owned());
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
        };
        assert_eq!(bare(EXAMPLE), bare(SHORT_EXAMPLE));
    }
}
