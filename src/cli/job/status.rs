//! `job status`: all jobs, or one with its groups and allocations.

use clap::Args;
use serde_json::{Value, json};

use super::allocs::allocation_table;
use super::children;
use crate::api::types::allocation::AllocationListStub;
use crate::api::types::deployment::Deployment;
use crate::api::types::evaluation::Evaluation;
use crate::api::types::job::{JobListStub, JobSummary};
use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::progress::short;
use crate::cli::style::Style;
use crate::cli::table::{Cell, Pairs, Table, section};
use crate::cli::{failures, resolve, time};
use crate::util::clock::Timestamp;

/// List jobs, or show one with its groups and allocations
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job status
  pannier job status web
  pannier job status -evals -verbose web
  pannier job status -json web")]
pub struct StatusArgs {
    /// Id of the job, or the beginning of it; all jobs without it
    #[arg(value_name = "JOB")]
    pub job: Option<String>,
    /// Show only the job itself
    #[arg(long)]
    pub short: bool,
    /// Show the job's evaluations
    #[arg(long)]
    pub evals: bool,
    /// Show allocations of an earlier job with the same id too
    #[arg(long)]
    pub all_allocs: bool,
    /// Show ids in full
    #[arg(long)]
    pub verbose: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub connection: Connection,
}

/// Everything shown about one job.
struct JobReport {
    job: Value,
    summary: JobSummary,
    evaluations: Vec<Evaluation>,
    allocations: Vec<AllocationListStub>,
    deployment: Option<Deployment>,
    /// What a periodic or parameterized job launched.
    children: Vec<JobListStub>,
}

impl StatusArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        match &self.job {
            None => self.list(&session).await,
            Some(prefix) => self.show(&session, prefix).await,
        }
    }

    async fn list(&self, session: &Session) -> Outcome {
        let jobs = session.client.list_jobs("").await?;
        if self.json {
            print_json(&jobs)?;
        } else if jobs.is_empty() {
            print("No running jobs")?;
        } else {
            print(&job_table(&jobs, session.client.namespace() == Some("*")).render(session.style))?;
        }
        Ok(Exit::Ok)
    }

    pub async fn show(&self, session: &Session, prefix: &str) -> Outcome {
        let resolve::JobTarget { client, id } = resolve::job(session, prefix).await?;
        let job = client.job(&id).await?;
        let report = JobReport {
            children: if children::is_template(&job) { children::list(&client, &id).await? } else { Vec::new() },
            job,
            summary: client.job_summary(&id).await?,
            evaluations: client.job_evaluations(&id).await?,
            allocations: client.job_allocations(&id, self.all_allocs).await?,
            deployment: client.latest_deployment(&id).await?,
        };
        if self.json {
            print_json(&json!({
                "Job": report.job, "Summary": report.summary, "Evaluations": report.evaluations,
                "Allocations": report.allocations, "LatestDeployment": report.deployment,
            }))?;
        } else {
            print(&self.render(&report, session.style, Timestamp::now()))?;
        }
        Ok(Exit::Ok)
    }

    fn render(&self, report: &JobReport, style: Style, now: Timestamp) -> String {
        let mut text = format!("{}\n", job_facts(&report.job, now).render(style));
        if self.short {
            return text;
        }
        if children::is_template(&report.job) {
            text.push_str(&section(style, "Children Job Summary", &children::summary_table(&report.summary).render(style)));
            let table = children::table(&report.children);
            let listed = if table.is_empty() { "No instances of this job were launched".to_owned() } else { table.render(style) };
            text.push_str(&section(style, children::heading(&report.job), &listed));
            return text;
        }
        text.push_str(&section(style, "Summary", &summary_table(&report.summary).render(style)));
        let latest = report.evaluations.iter().max_by_key(|evaluation| evaluation.create_index);
        if self.evals {
            text.push_str(&section(style, "Evaluations", &evaluation_table(&report.evaluations, self.verbose).render(style)));
        }
        if let Some(failing) = latest.filter(|evaluation| !evaluation.failed_tg_allocs.is_empty()) {
            text.push_str(&section(style, "Placement Failure", &failures::render(&failing.failed_tg_allocs)));
        }
        if let Some(deployment) = &report.deployment {
            text.push_str(&section(style, "Latest Deployment", &render_deployment(deployment, self.verbose, style)));
        }
        let table = allocation_table(&report.allocations, self.verbose, now);
        let allocations = if table.is_empty() { "No allocations placed".to_owned() } else { table.render(style) };
        text.push_str(&section(style, "Allocations", &allocations));
        text
    }
}

fn job_table(jobs: &[JobListStub], with_namespace: bool) -> Table {
    if with_namespace {
        let mut table = Table::new(["ID", "Namespace", "Type", "Priority", "Status", "Submit Date"]);
        for job in jobs {
            let submitted = time::at(job.submit_time);
            table.row([(&job.id).into(), (&job.namespace).into(), kind(job).into(), job.priority.into(), status(job), submitted.into()]);
        }
        return table;
    }
    let mut table = Table::new(["ID", "Type", "Priority", "Status", "Submit Date"]);
    for job in jobs {
        table.row([(&job.id).into(), kind(job).into(), job.priority.into(), status(job), time::at(job.submit_time).into()]);
    }
    table
}

fn kind(job: &JobListStub) -> String {
    let mut kind = job.r#type.clone();
    if job.periodic {
        kind.push_str("/periodic");
    }
    if job.parameterized_job {
        kind.push_str("/parameterized");
    }
    kind
}

fn status(job: &JobListStub) -> Cell {
    if job.stop { format!("{} (stopped)", job.status).into() } else { Cell::status(&job.status) }
}

fn job_facts(job: &Value, now: Timestamp) -> Pairs {
    let text = |name: &str| job.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| job.get(name).and_then(Value::as_i64).unwrap_or_default();
    let is_set = |name: &str| job.get(name).is_some_and(|value| !value.is_null());
    let stopped = job.get("Stop").and_then(Value::as_bool).unwrap_or(false);
    let datacenters: Vec<&str> = job.get("Datacenters").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut facts = Pairs::default();
    facts.add("ID", text("ID"));
    facts.add("Name", text("Name"));
    facts.add("Submit Date", time::at(number("SubmitTime")));
    facts.add("Type", text("Type"));
    facts.add("Priority", number("Priority"));
    facts.add("Datacenters", datacenters.join(","));
    facts.add("Namespace", text("Namespace"));
    facts.add("Node Pool", text("NodePool"));
    facts.add("Status", if stopped { format!("{} (stopped)", text("Status")).into() } else { Cell::status(text("Status")) });
    facts.add_some("Status Description", text("StatusDescription"));
    facts.add("Periodic", is_set("Periodic"));
    if let Some(next) = children::next_launch(job, now) {
        facts.add("Next Periodic Launch", next);
    }
    facts.add("Parameterized", is_set("ParameterizedJob"));
    facts.add_some("Parent Job", text("ParentID"));
    facts.add("Version", number("Version"));
    facts
}

fn summary_table(summary: &JobSummary) -> Table {
    let mut table = Table::new(["Task Group", "Queued", "Starting", "Running", "Failed", "Complete", "Lost", "Unknown"]);
    for (name, group) in &summary.summary {
        let counts = [group.queued, group.starting, group.running, group.failed, group.complete, group.lost, group.unknown];
        let [queued, starting, running, failed, complete, lost, unknown] = counts.map(Cell::from);
        table.row([name.into(), queued, starting, running, failed, complete, lost, unknown]);
    }
    table
}

pub fn evaluation_table(evaluations: &[Evaluation], verbose: bool) -> Table {
    let mut table = Table::new(["ID", "Priority", "Triggered By", "Job", "Status", "Placement Failures"]);
    for evaluation in evaluations {
        let id = if verbose { &evaluation.id } else { short(&evaluation.id) };
        let failures =
            if evaluation.status == "blocked" { "N/A - In Progress".into() } else { Cell::from(!evaluation.failed_tg_allocs.is_empty()) };
        table.row([
            id.into(),
            evaluation.priority.into(),
            (&evaluation.triggered_by).into(),
            (&evaluation.job_id).into(),
            Cell::status(&evaluation.status),
            failures,
        ]);
    }
    table
}

pub fn render_deployment(deployment: &Deployment, verbose: bool, style: Style) -> String {
    let deployed = section(style, "Deployed", &deployed_table(deployment).render(style));
    format!("{}\n{}", deployment_facts(deployment, verbose).render(style), deployed.trim_end())
}

fn deployment_facts(deployment: &Deployment, verbose: bool) -> Pairs {
    let mut facts = Pairs::default();
    facts.add("ID", if verbose { deployment.id.as_str() } else { short(&deployment.id) });
    facts.add("Status", Cell::status(&deployment.status));
    facts.add("Description", &deployment.status_description);
    facts
}

fn deployed_table(deployment: &Deployment) -> Table {
    let mut table = Table::new(["Task Group", "Promoted", "Desired", "Canaries", "Placed", "Healthy", "Unhealthy", "Progress Deadline"]);
    for (name, state) in &deployment.task_groups {
        let promoted = if state.desired_canaries == 0 { "N/A".into() } else { Cell::from(state.promoted) };
        table.row([
            name.into(),
            promoted,
            state.desired_total.into(),
            state.desired_canaries.into(),
            state.placed_allocs.into(),
            state.healthy_allocs.into(),
            state.unhealthy_allocs.into(),
            time::at_text(state.require_progress_by.as_deref()).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> JobReport {
        JobReport {
            job: json!({"ID": "web", "Name": "web", "Type": "service", "Priority": 50, "Datacenters": ["dc1", "dc2"], "Status": "running",
                        "Namespace": "default", "NodePool": "default", "SubmitTime": 1_700_000_000_000_000_000_i64, "Periodic": null}),
            summary: serde_json::from_value(json!({"JobID": "web", "Summary": {"front": {"Running": 2, "Queued": 1}}})).unwrap(),
            evaluations: serde_json::from_value(json!([
                {"ID": "e1", "CreateIndex": 5, "Status": "complete"},
                {"ID": "e2", "CreateIndex": 9, "Status": "blocked", "FailedTGAllocs": {"front": {"NodesEvaluated": 1, "DimensionExhausted": {"memory": 1}}}},
            ]))
            .unwrap(),
            allocations: Vec::new(),
            children: Vec::new(),
            deployment: Some(serde_json::from_value(json!({"ID": "d1d1d1d1-5", "Status": "running", "TaskGroups": {"front": {"DesiredTotal": 3}}})).unwrap()),
        }
    }

    fn args() -> StatusArgs {
        StatusArgs {
            job: None,
            short: false,
            evals: false,
            all_allocs: false,
            verbose: false,
            json: false,
            connection: Connection::default(),
        }
    }

    #[test]
    fn a_job_is_shown_with_its_latest_failure() {
        let text = args().render(&report(), Style::PLAIN, Timestamp(0));
        for part in [
            "Submit Date   = 2023-11-14T22:13:20Z",
            "Datacenters   = dc1,dc2",
            "Periodic      = false",
            "Task Group  Queued  Starting  Running  Failed  Complete  Lost  Unknown\nfront       1       0         2        0",
            "Placement Failure\nTask Group \"front\" (failed to place 1 allocation):\n  * Dimension \"memory\" exhausted on 1 node",
            "Latest Deployment\nID          = d1d1d1d1\n",
            "No allocations placed",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        let brief = StatusArgs { short: true, ..args() }.render(&report(), Style::PLAIN, Timestamp(0));
        assert!(!brief.contains("Summary"));
    }

    #[test]
    fn a_periodic_job_is_shown_with_what_it_launched() {
        let mut periodic = report();
        periodic.job = json!({"ID": "backup", "Type": "batch", "Status": "running",
            "Periodic": {"Enabled": true, "Specs": ["0 3 * * *"], "SpecType": "cron", "TimeZone": "UTC"}});
        periodic.summary = serde_json::from_value(json!({"JobID": "backup", "Children": {"Pending": 0, "Running": 1, "Dead": 7}})).unwrap();
        periodic.children = serde_json::from_value(json!([{"ID": "backup/periodic-10800", "Status": "running"}])).unwrap();
        let text = args().render(&periodic, Style::PLAIN, Timestamp(0));
        for part in [
            "Next Periodic Launch = 1970-01-01T03:00:00Z (3h from now)",
            "Children Job Summary\nPending  Running  Dead\n0        1        7",
            "Previously Launched Jobs\nID                     Status\nbackup/periodic-10800  running",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(!text.contains("Allocations"));
        periodic.job["Periodic"]["Enabled"] = json!(false);
        assert!(!args().render(&periodic, Style::PLAIN, Timestamp(0)).contains("Next Periodic Launch"));
    }

    #[test]
    fn the_list_names_kinds_and_stops() {
        let jobs: Vec<JobListStub> = serde_json::from_value(json!([
            {"ID": "cron", "Type": "batch", "Periodic": true, "Priority": 50, "Status": "dead", "Stop": true, "Namespace": "ops"},
        ]))
        .unwrap();
        let text = job_table(&jobs, true).render(Style::PLAIN);
        assert_eq!(text.lines().nth(1).unwrap(), "cron  ops        batch/periodic  50        dead (stopped)  N/A");
    }
}
