//! `eval ...`: evaluations, the scheduler's reasons to act.

use clap::{Args, Subcommand};

use super::connection::{Connection, Session};
use super::exit::{Exit, Outcome};
use super::job::status::evaluation_table;
use super::output::{print, print_json};
use super::progress::short;
use super::style::Style;
use super::table::{Cell, Pairs, section};
use super::{failures, follow, resolve, time};
use crate::api::types::evaluation::Evaluation;
use crate::util::clock::Timestamp;

#[derive(Subcommand)]
pub enum EvalCommand {
    Status(StatusArgs),
    List(ListArgs),
}

impl EvalCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Status(args) => args.run().await,
            Self::List(args) => args.run().await,
        }
    }
}

/// Show an evaluation and why it placed nothing, if so
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier eval status 0a1b2c3d
  pannier eval status -monitor 0a1b2c3d
  pannier eval status -json 0a1b2c3d")]
pub struct StatusArgs {
    /// Id of the evaluation, or the beginning of it
    #[arg(value_name = "EVALUATION")]
    pub evaluation: String,
    /// Follow the evaluation until it ends
    #[arg(long)]
    pub monitor: bool,
    /// Show ids in full
    #[arg(long)]
    pub verbose: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub connection: Connection,
}

impl StatusArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        self.show(&session).await
    }

    pub async fn show(&self, session: &Session) -> Outcome {
        let id = resolve::evaluation(session, &self.evaluation).await?;
        if self.monitor {
            return follow::evaluation(session, &id, self.verbose).await;
        }
        let evaluation = resolve::or_missing("evaluation", &id, session.client.evaluation(&id).await)?;
        if self.json {
            print_json(&evaluation)?;
        } else {
            print(&self.render(&evaluation, session.style, Timestamp::now()))?;
        }
        Ok(Exit::Ok)
    }

    fn id<'a>(&self, id: &'a str) -> &'a str {
        if self.verbose { id } else { short(id) }
    }

    fn render(&self, evaluation: &Evaluation, style: Style, now: Timestamp) -> String {
        let mut facts = Pairs::default();
        facts.add("ID", self.id(&evaluation.id));
        facts.add("Create Time", time::ago(evaluation.create_time, now));
        facts.add("Modify Time", time::ago(evaluation.modify_time, now));
        facts.add("Status", Cell::status(&evaluation.status));
        facts.add("Status Description", &evaluation.status_description);
        facts.add("Type", &evaluation.r#type);
        facts.add("Triggered By", &evaluation.triggered_by);
        facts.add_some("Job ID", &evaluation.job_id);
        facts.add_some("Node ID", self.id(&evaluation.node_id));
        facts.add("Namespace", &evaluation.namespace);
        facts.add("Priority", evaluation.priority);
        facts.add("Placement Failures", !evaluation.failed_tg_allocs.is_empty());
        facts.add_some("Deployment ID", self.id(&evaluation.deployment_id));
        facts.add_some("Previous Eval", self.id(&evaluation.previous_eval));
        facts.add_some("Next Eval", self.id(&evaluation.next_eval));
        facts.add_some("Blocked Eval", self.id(&evaluation.blocked_eval));
        let mut text = format!("{}\n", facts.render(style));
        if !evaluation.failed_tg_allocs.is_empty() {
            text.push_str(&section(style, "Failed Placements", &failures::render(&evaluation.failed_tg_allocs)));
        }
        text
    }
}

/// List evaluations
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier eval list
  pannier eval list -job web -status blocked
  pannier eval list -json")]
pub struct ListArgs {
    /// Show only evaluations of this job
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Show only evaluations with this status
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl ListArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let mut evaluations = session.client.list_evaluations("").await?;
        evaluations.retain(|evaluation| self.job.as_ref().is_none_or(|job| *job == evaluation.job_id));
        evaluations.retain(|evaluation| self.status.as_ref().is_none_or(|status| *status == evaluation.status));
        if self.json {
            print_json(&evaluations)?;
        } else if evaluations.is_empty() {
            print("No evaluations found")?;
        } else {
            print(&evaluation_table(&evaluations, self.verbose).render(session.style))?;
        }
        Ok(Exit::Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_placements_are_explained() {
        let evaluation: Evaluation = serde_json::from_value(serde_json::json!({
            "ID": "0a1b2c3d-1", "Status": "blocked", "PreviousEval": "ffffffff-1", "NodeID": "", "CreateTime": 1_000_000_000_i64,
            "FailedTGAllocs": {"web": {"NodesEvaluated": 2, "ConstraintFiltered": {"missing drivers": 2}}},
        }))
        .unwrap();
        let args = StatusArgs { evaluation: String::new(), monitor: false, verbose: false, json: false, connection: Connection::default() };
        let text = args.render(&evaluation, Style::PLAIN, Timestamp(2_000_000_000));
        for part in [
            "ID                 = 0a1b2c3d\n",
            "Create Time        = 1s ago",
            "Previous Eval      = ffffffff",
            "Constraint \"missing drivers\": 2 nodes",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(!text.contains("Node ID"));
    }
}
