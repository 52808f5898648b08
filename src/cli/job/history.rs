//! `job history`: the versions of a job that the cluster still knows.

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use crate::cli::connection::Connection;
use crate::cli::diff::{self, JobDiff};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::style::Style;
use crate::cli::table::Pairs;
use crate::cli::{resolve, time};

/// List the versions of a job
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job history web
  pannier job history -p -version 3 web")]
pub struct HistoryArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// Show how each version differs from the one before it
    #[arg(short = 'p')]
    patch: bool,
    /// Show only this version
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl HistoryArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let answer = client.job_versions(&id, self.patch).await?;
        let mut differences = answer.diffs.into_iter();
        // The n-th difference leads to the n-th version; the oldest version has none.
        let mut versions: Vec<(Value, Option<Value>)> = answer.versions.into_iter().map(|job| (job, differences.next())).collect();
        if let Some(wanted) = self.version {
            versions.retain(|(job, _)| job.get("Version").and_then(Value::as_u64) == Some(wanted));
            if versions.is_empty() {
                bail!("job {id:?} has no version {wanted}");
            }
        }
        if self.json {
            print_json(&versions.iter().map(|(job, _)| job).collect::<Vec<_>>())?;
            return Ok(Exit::Ok);
        }
        let mut parts = Vec::new();
        for (job, difference) in versions {
            parts.push(render(&job, difference, session.style)?);
        }
        print(&parts.join("\n\n"))?;
        Ok(Exit::Ok)
    }
}

fn render(job: &Value, difference: Option<Value>, style: Style) -> anyhow::Result<String> {
    let mut facts = Pairs::default();
    facts.add("Version", job.get("Version").and_then(Value::as_u64).unwrap_or(0));
    facts.add("Stable", job.get("Stable").and_then(Value::as_bool).unwrap_or(false));
    facts.add("Submit Date", time::at(job.get("SubmitTime").and_then(Value::as_i64).unwrap_or(0)));
    if let Some(tag) = job.get("VersionTag").and_then(|tag| tag.get("Name")).and_then(Value::as_str) {
        facts.add("Tag Name", tag);
    }
    let mut text = facts.render(style);
    if let Some(difference) = difference {
        let difference: JobDiff = serde_json::from_value(difference)?;
        text = format!("{text}\nDiff        =\n{}", diff::render(&difference, style, false));
    }
    Ok(text)
}
