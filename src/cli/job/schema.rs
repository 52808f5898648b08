//! `job schema`: what a job may hold, for editors and other programs.

use clap::Args;

use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print_json;
use crate::jobspec::schema::{completion, json_schema};

/// Print a JSON Schema of the job, or a description of job files for editors
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job schema > job.schema.json
  pannier job schema -completion > jobspec.json")]
pub struct SchemaArgs {
    /// Describe the blocks, attributes and functions of job files in HCL instead of the JSON of the API
    #[arg(long)]
    completion: bool,
}

impl SchemaArgs {
    pub fn run(self) -> Outcome {
        print_json(&if self.completion { completion() } else { json_schema() })?;
        Ok(Exit::Ok)
    }
}
