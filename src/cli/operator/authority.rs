//! `operator ca ...`: the authority that issues the members' certificates.

use clap::{Args, Subcommand};

use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;

#[derive(Subcommand)]
pub enum AuthorityCommand {
    Rotate(RotateArgs),
}

impl AuthorityCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Rotate(args) => args.run().await,
        }
    }
}

/// Replace the authority, one step at a time
///
/// The first call makes a new authority that everybody comes to trust, the second lets it issue, and everybody renews, the third ends the
/// trust in the old one. Between two calls go some minutes. Members that are off all the while need a new join token to come back, and
/// tokens made before the last step are void.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator ca rotate
  pannier operator ca rotate -force")]
pub struct RotateArgs {
    /// Do not wait for members that have not heard of the last step
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    connection: Connection,
}

impl RotateArgs {
    async fn run(self) -> Outcome {
        let step = self.connection.open()?.client.rotate_authority(self.force).await?.step;
        let text = match step.as_str() {
            "trusted" => "A new authority is trusted; call again in 2 minutes to let it issue",
            "issuing" => "The new authority issues; call again in 4 minutes to end the trust in the old one",
            "finished" => "The old authority is trusted no longer; join tokens made before are void",
            other => other,
        };
        print(text)?;
        Ok(Exit::Ok)
    }
}
