//! `job ...`: submit, look at and change jobs.

pub mod allocs;
pub mod children;
pub mod deployments;
pub mod dispatch;
pub mod eval;
pub mod history;
pub mod init;
pub mod inspect;
pub mod periodic;
pub mod plan;
pub mod promote;
pub mod revert;
pub mod run;
pub mod scale;
pub mod schema;
pub mod start;
pub mod status;
pub mod stop;
pub mod validate;

use clap::Subcommand;

use super::exit::Outcome;

#[derive(Subcommand)]
pub enum JobCommand {
    Run(run::RunArgs),
    Plan(plan::PlanArgs),
    Status(status::StatusArgs),
    Stop(stop::StopArgs),
    Start(start::StartArgs),
    Inspect(inspect::InspectArgs),
    History(history::HistoryArgs),
    Validate(validate::ValidateArgs),
    Init(init::InitArgs),
    Scale(scale::ScaleArgs),
    Eval(eval::EvalArgs),
    Dispatch(dispatch::DispatchArgs),
    /// Act on periodic jobs
    #[command(subcommand, after_help = "Examples:\n  pannier job periodic force backup")]
    Periodic(periodic::PeriodicCommand),
    Allocs(allocs::AllocsArgs),
    Deployments(deployments::DeploymentsArgs),
    Promote(promote::PromoteArgs),
    Revert(revert::RevertArgs),
    Schema(schema::SchemaArgs),
}

impl JobCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Run(args) => args.run().await,
            Self::Plan(args) => args.run().await,
            Self::Status(args) => args.run().await,
            Self::Stop(args) => args.run().await,
            Self::Start(args) => args.run().await,
            Self::Inspect(args) => args.run().await,
            Self::History(args) => args.run().await,
            Self::Validate(args) => args.run().await,
            Self::Init(args) => args.run(),
            Self::Scale(args) => args.run().await,
            Self::Eval(args) => args.run().await,
            Self::Dispatch(args) => args.run().await,
            Self::Periodic(command) => command.run().await,
            Self::Allocs(args) => args.run().await,
            Self::Deployments(args) => args.run().await,
            Self::Promote(args) => args.run().await,
            Self::Revert(args) => args.run().await,
            Self::Schema(args) => args.run(),
        }
    }
}
