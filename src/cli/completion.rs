//! `completion`: what a shell needs to complete the command line.

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use super::exit::{Exit, Outcome};
use super::output::print_bytes;

/// Print the completion script of a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier completion bash > /etc/bash_completion.d/pannier
  pannier completion zsh > \"${fpath[1]}/_pannier\"
  pannier completion fish > ~/.config/fish/completions/pannier.fish")]
pub struct CompletionArgs {
    #[arg(value_name = "SHELL")]
    shell: SupportedShell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SupportedShell {
    Bash,
    Zsh,
    Fish,
}

impl CompletionArgs {
    pub fn run(self, mut command: Command) -> Outcome {
        let shell = match self.shell {
            SupportedShell::Bash => Shell::Bash,
            SupportedShell::Zsh => Shell::Zsh,
            SupportedShell::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "pannier", &mut script);
        print_bytes(&script)?;
        Ok(Exit::Ok)
    }
}
