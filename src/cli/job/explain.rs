//! `job explain`: why instances are where they are, and what keeps the others waiting.

use clap::Args;

use crate::api::types::explain::{GroupExplanation, JobExplanation, PlacedAllocation};
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::failures::plural;
use crate::cli::output::{print, print_json};
use crate::cli::resolve;
use crate::cli::style::{Paint, Style};
use crate::cli::table::{Cell, Pairs, Table};

/// Say why each instance of a job is where it is, and what would let the others run
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job explain web
  pannier job explain -json web")]
pub struct ExplainArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Print the agent's answer as JSON
    #[arg(long)]
    json: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Characters of an id that are enough to name it.
const SHORT: usize = 8;

impl ExplainArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let explanation = client.explain_job(&id).await?;
        if self.json {
            print_json(&explanation)?;
        } else {
            print(&render(&explanation, self.verbose, session.style))?;
        }
        Ok(Exit::Ok)
    }
}

fn render(job: &JobExplanation, verbose: bool, style: Style) -> String {
    let mut facts = Pairs::default();
    facts.add("Job", format!("{} ({}, priority {}, version {})", job.id, job.r#type, job.priority, job.version));
    facts.add("Verdict", verdict(job));
    facts.add_some("Next Attempt", &job.next_attempt);
    let mut parts = vec![facts.render(style)];
    parts.extend(job.groups.iter().map(|group| render_group(group, verbose, style)));
    parts.join("\n\n")
}

fn verdict(job: &JobExplanation) -> String {
    let placed: usize = job.groups.iter().map(|group| group.placed.len()).sum();
    let queued: u32 = job.groups.iter().map(|group| group.queued).sum();
    match (placed, queued) {
        _ if job.idle => "stopped, or a template for other jobs: nothing is to be placed".to_owned(),
        (0, 0) => "nothing is placed, and nothing waits".to_owned(),
        (placed, 0) => format!("all {placed} instance{} placed", if placed == 1 { " is" } else { "s are" }),
        (placed, queued) => format!("{placed} placed, {queued} without a place"),
    }
}

fn render_group(group: &GroupExplanation, verbose: bool, style: Style) -> String {
    let mut lines = vec![style.bold(&format!("Group {:?}", group.name))];
    if !group.placed.is_empty() {
        let mut table = Table::new(["ID", "Name", "Node", "Status", "Score", "Why there"]);
        for row in &group.placed {
            table.row([
                short(&row.id, verbose).into(),
                instance(&row.name).into(),
                (&row.node_name).into(),
                Cell::status(&row.client_status),
                if row.rank == 0 { "-".into() } else { format!("{:.3}", row.norm_score).into() },
                why(row, verbose).into(),
            ]);
        }
        lines.push(table.render(style));
    }
    if group.queued == 0 {
        return lines.join("\n");
    }
    let waiting = format!("{} instance{} without a place", group.queued, plural(group.queued.into()));
    lines.push(String::new());
    lines.push(style.paint(Paint::Waiting, &waiting));
    if !group.missing.is_empty() {
        let mut table = Table::new(["Node Class", "Nodes", "What is missing"]);
        for row in &group.missing {
            let class = if row.node_class.is_empty() { "<none>" } else { &row.node_class };
            table.row([class.into(), u64::from(row.nodes).into(), (&row.what).into()]);
        }
        lines.push(table.render(style));
    }
    if !group.changes.is_empty() {
        lines.push(String::new());
        lines.push(style.bold(if group.changes.len() == 1 { "What would help" } else { "Any one of these would help" }));
        lines.extend(group.changes.iter().map(|change| format!("  * {change}")));
    }
    lines.join("\n")
}

/// The terms that counted, and among how many nodes.
fn why(row: &PlacedAllocation, verbose: bool) -> String {
    let mut reasons: Vec<String> =
        row.scores.iter().filter(|(_, score)| **score != 0.0).map(|(name, score)| format!("{name} {score:.2}")).collect();
    let feasible = row.nodes_evaluated.saturating_sub(row.nodes_filtered);
    let among = format!("of {feasible} node{}", plural(feasible.into()));
    reasons.push(match row.rank {
        0 => format!("filled after better ones, {among}"),
        1 => format!("the best {among}"),
        rank => format!("number {rank} {among}"),
    });
    if !row.preempted_allocations.is_empty() {
        let ids: Vec<&str> = row.preempted_allocations.iter().map(|id| short(id, verbose)).collect();
        reasons.push(format!("in place of {}", ids.join(", ")));
    }
    reasons.join(", ")
}

/// `group[0]` of `job.group[0]`.
fn instance(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, instance)| instance)
}

fn short(id: &str, verbose: bool) -> &str {
    if verbose { id } else { id.get(..SHORT).unwrap_or(id) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_sides_are_told() {
        let explanation: JobExplanation = serde_json::from_value(json!({
            "ID": "web", "Type": "service", "Version": 3, "Priority": 50,
            "Groups": [{
                "Name": "api", "Count": 3, "Queued": 2,
                "Placed": [
                    {"ID": "aaaaaaaa-1", "Name": "web.api[0]", "NodeName": "n1", "ClientStatus": "running", "NormScore": 0.871, "Rank": 1,
                     "Scores": {"binpack": 0.93, "node-affinity": 0.0}, "NodesEvaluated": 10, "NodesFiltered": 2,
                     "PreemptedAllocations": ["bbbbbbbb-2"]},
                ],
                "Missing": [{"NodeClass": "big", "Nodes": 3, "What": "memory: largest free 3,120 MiB, asked 4,096 MiB"},
                            {"NodeClass": "", "Nodes": 4, "What": "driver.raw_exec"}],
                "Changes": ["2 more nodes with driver.raw_exec (4 lack nothing else)"],
            }],
        }))
        .unwrap();
        let text = render(&explanation, false, Style::PLAIN);
        for part in [
            "Job     = web (service, priority 50, version 3)",
            "Verdict = 1 placed, 2 without a place",
            "aaaaaaaa  api[0]  n1    running  0.871  binpack 0.93, the best of 8 nodes, in place of bbbbbbbb",
            "big         3      memory: largest free 3,120 MiB, asked 4,096 MiB",
            "<none>      4      driver.raw_exec",
            "What would help\n  * 2 more nodes with driver.raw_exec",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
    }
}
