//! `job dispatch`: run a parameterized job once.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::api::types::job::JobDispatchRequest;
use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::table::Pairs;
use crate::cli::{follow, resolve, stdin};

/// Run a parameterized job once, with a payload and metadata
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job dispatch encode video.json
  pannier job dispatch -meta input=s3://films/1 -detach encode
  echo hello | pannier job dispatch encode -
  pannier job dispatch -idempotency-token order-17 encode order.json")]
pub struct DispatchArgs {
    /// Id of the parameterized job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// File with the payload, at most 16 KiB; `-` is standard input
    #[arg(value_name = "FILE")]
    payload: Option<String>,
    /// Metadata of the run; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    meta: Vec<String>,
    /// Text in front of the time in the run's id
    #[arg(long, value_name = "TEXT")]
    id_prefix_template: Option<String>,
    /// Do nothing if there was a dispatch with this token already
    #[arg(long, value_name = "TOKEN")]
    idempotency_token: Option<String>,
    /// Priority of the run; the job's own by default
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<i64>,
    /// Return as soon as the request is accepted, printing the ids
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl DispatchArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let meta = meta_of(&self.meta)?;
        let payload = match self.payload.as_deref() {
            None => Vec::new(),
            Some("-") => stdin::read_to_end().await.context("cannot read the payload from standard input")?,
            Some(path) => std::fs::read(path).with_context(|| format!("cannot read the payload from {path:?}"))?,
        };
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let request = JobDispatchRequest {
            job_id: id.clone(),
            payload,
            meta,
            id_prefix_template: self.id_prefix_template.unwrap_or_default(),
            priority: self.priority.unwrap_or(0),
            idempotency_token: self.idempotency_token.unwrap_or_default(),
        };
        let answer = client.dispatch_job(&id, &request).await?;
        let mut facts = Pairs::default();
        facts.add("Dispatched Job ID", &answer.dispatched_job_id);
        facts.add_some("Evaluation ID", &answer.eval_id);
        print(&facts.render(session.style))?;
        // There is no evaluation when the token was known already.
        if self.detach || answer.eval_id.is_empty() {
            return Ok(Exit::Ok);
        }
        print("")?;
        follow::evaluation(&Session { client, style: session.style }, &answer.eval_id, self.verbose).await
    }
}

fn meta_of(flags: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let pairs = flags.iter().map(|flag| match flag.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => bail!("invalid metadata {flag:?}: expected key=value"),
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_from_flags() {
        let flags = ["a=1=2".to_owned(), "b=".to_owned()];
        assert_eq!(meta_of(&flags).unwrap(), BTreeMap::from([("a".to_owned(), "1=2".to_owned()), ("b".to_owned(), String::new())]));
        for bad in ["a", "=1"] {
            assert!(meta_of(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
