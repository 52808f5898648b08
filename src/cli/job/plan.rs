//! `job plan`: what registering a job would do, without doing it.

use clap::{ArgAction, Args};

use crate::api::types::job::{JobPlanRequest, JobPlanResponse};
use crate::cli::connection::{Connection, Session};
use crate::cli::diff::{self, JobDiff};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::failures;
use crate::cli::jobspec_input::{self, JobspecArgs};
use crate::cli::output::{is_closed_pipe, print, print_json, report};
use crate::cli::style::{Paint, Style};

/// Show what submitting a job would change, without changing anything
#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0    no allocation would be made or destroyed
  1    allocations would be made or destroyed
  255  an error

Examples:
  pannier job plan web.nomad.hcl
  pannier job plan -diff=false -var image=web:2 web.nomad.hcl
  pannier job plan -json-output web.nomad.hcl")]
pub struct PlanArgs {
    #[command(flatten)]
    jobspec: JobspecArgs,
    /// Show how the job differs from the running one
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    diff: bool,
    /// Print the agent's answer as JSON
    #[arg(long)]
    json_output: bool,
    /// Show unchanged parts of the job too
    #[arg(long)]
    verbose: bool,
    /// Override soft policies
    #[arg(long)]
    policy_override: bool,
    #[command(flatten)]
    connection: Connection,
}

impl PlanArgs {
    pub async fn run(self) -> Outcome {
        match self.plan().await {
            Err(error) if !is_closed_pipe(&error) => {
                report(&error);
                Ok(Exit::PlanError)
            }
            outcome => outcome,
        }
    }

    async fn plan(self) -> Outcome {
        let Session { client, style } = self.connection.open()?;
        let input = jobspec_input::read(&self.jobspec)?;
        let id = input.id()?.to_owned();
        let request =
            JobPlanRequest { job: input.job.clone(), diff: self.diff, policy_override: self.policy_override, ..Default::default() };
        let mut answer = client.plan_job(&id, &request).await?;
        if self.json_output {
            print_json(&answer)?;
        } else {
            answer.warnings = input.unsaid(&answer.warnings);
            print(&render(&answer, &self.jobspec.path, style, self.verbose)?)?;
        }
        Ok(if changes(&answer) { Exit::Changes } else { Exit::Ok })
    }
}

/// True when an allocation would be made or destroyed.
fn changes(answer: &JobPlanResponse) -> bool {
    let updates = answer.annotations.iter().flat_map(|annotations| annotations.desired_tg_updates.values());
    updates.into_iter().any(|group| group.stop + group.place + group.migrate + group.destructive_update + group.canary > 0)
}

fn render(answer: &JobPlanResponse, path: &str, style: Style, verbose: bool) -> anyhow::Result<String> {
    let mut parts = Vec::new();
    if let Some(value) = &answer.diff {
        let difference: JobDiff = serde_json::from_value(value.clone())?;
        parts.push(diff::render(&difference, style, verbose));
    }
    let verdict = if answer.failed_tg_allocs.is_empty() {
        style.paint(Paint::Good, "- All tasks would be placed.")
    } else {
        let head = style.paint(Paint::Waiting, "- WARNING: not all allocations would be placed.");
        format!("{head}\n{}", indent(&failures::render(&answer.failed_tg_allocs)))
    };
    parts.push(format!("{}\n{verdict}", style.bold("Scheduler dry-run:")));
    if let Some(annotations) = answer.annotations.as_ref().filter(|annotations| !annotations.preempted_allocs.is_empty()) {
        let evicted: Vec<String> = annotations
            .preempted_allocs
            .iter()
            .map(|row| format!("  {} (job {:?}, group {:?})", row.id, row.job_id, row.task_group))
            .collect();
        parts.push(format!("{}\n{}", style.bold("Allocations that would be preempted:"), evicted.join("\n")));
    }
    if let Some(next) = &answer.next_periodic_launch
        && !next.starts_with("0001-")
    {
        parts.push(format!("- The job would be launched next at {next}."));
    }
    if !answer.warnings.is_empty() {
        parts.push(format!("{}\n{}", style.paint(Paint::Waiting, "Job warnings:"), answer.warnings.trim_end()));
    }
    let index = answer.job_modify_index;
    parts.push(format!(
        "{}\nTo submit the job only if it has not changed since, run:\n\n  pannier job run -check-index {index} {path}",
        style.bold(&format!("Job Modify Index: {index}"))
    ));
    Ok(parts.join("\n\n"))
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_made_or_destroyed_allocations_are_changes() {
        let answer = |updates: serde_json::Value| -> JobPlanResponse {
            serde_json::from_value(json!({"Annotations": {"DesiredTGUpdates": {"web": updates}}})).unwrap()
        };
        assert!(!changes(&JobPlanResponse::default()));
        assert!(!changes(&answer(json!({"Ignore": 2, "InPlaceUpdate": 1}))));
        for kind in ["Place", "Stop", "Migrate", "DestructiveUpdate", "Canary"] {
            assert!(changes(&answer(json!({ kind: 1 }))), "{kind}");
        }
    }

    #[test]
    fn the_answer_is_told_in_full() {
        let answer: JobPlanResponse = serde_json::from_value(json!({
            "JobModifyIndex": 42, "Diff": {"Type": "Added", "ID": "web"}, "Warnings": "old field",
            "FailedTGAllocs": {"web": {"NodesEvaluated": 1, "NodesExhausted": 1, "DimensionExhausted": {"cpu": 1}}},
        }))
        .unwrap();
        let text = render(&answer, "web.hcl", Style::PLAIN, false).unwrap();
        for part in
            ["+   Job: \"web\"", "WARNING", "    * Dimension \"cpu\" exhausted on 1 node", "old field", "run -check-index 42 web.hcl"]
        {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }
}
