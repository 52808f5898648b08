use std::process::ExitCode;

use pannier::cli::{self, AgentArgs};

fn main() -> ExitCode {
    cli::main(run_agent)
}

fn run_agent(_: AgentArgs) -> ExitCode {
    eprintln!("Error: this build has no agent");
    ExitCode::FAILURE
}
