//! `status`: anything by its id.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use clap::Args;

use super::connection::Connection;
use super::exit::{Exit, Outcome};
use super::output::{print, print_json};
use super::progress::short;
use super::{alloc, eval, job, node};

/// Show a job, allocation, node, evaluation or deployment by the beginning of its id; all jobs without one
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier status
  pannier status web
  pannier status 0a1b2c3d")]
pub struct StatusArgs {
    /// Id, or the beginning of it
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// The kinds of things an id can mean, in the words of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Job,
    Allocation,
    Node,
    Evaluation,
    Deployment,
}

const KINDS: [(&str, Kind); 5] = [
    ("jobs", Kind::Job),
    ("allocs", Kind::Allocation),
    ("nodes", Kind::Node),
    ("evals", Kind::Evaluation),
    ("deployment", Kind::Deployment),
];

impl StatusArgs {
    pub async fn run(self) -> Outcome {
        let (verbose, json) = (self.verbose, self.json);
        let Some(prefix) = self.id else {
            return self::all_jobs(self.connection, verbose, json).run().await;
        };
        let session = self.connection.open()?;
        let matches = session.client.search(&prefix, "all").await?.matches;
        let (kind, id) = choose(&prefix, &matches)?;
        let connection = self.connection;
        match kind {
            Kind::Job => all_jobs(connection, verbose, json).show(&session, &id).await,
            Kind::Allocation => {
                alloc::status::StatusArgs { allocation: id, short: false, verbose, stats: false, json, connection }.show(&session).await
            }
            Kind::Node => node::StatusArgs { node: None, own: false, short: false, verbose, json, connection }.show(&session, &id).await,
            Kind::Evaluation => eval::StatusArgs { evaluation: id, monitor: false, verbose, json, connection }.show(&session).await,
            Kind::Deployment => {
                let found = session.client.list_deployments(&id).await?;
                let deployment = found.into_iter().find(|deployment| deployment.id == id).ok_or_else(|| missing(&id))?;
                if json {
                    print_json(&deployment)?;
                } else {
                    print(&job::status::render_deployment(&deployment, verbose, session.style))?;
                }
                Ok(Exit::Ok)
            }
        }
    }
}

fn all_jobs(connection: Connection, verbose: bool, json: bool) -> job::status::StatusArgs {
    job::status::StatusArgs { job: None, short: false, evals: false, all_allocs: false, verbose, json, connection }
}

/// The one thing meant: a job of exactly this id wins over anything that only begins so.
fn choose(prefix: &str, matches: &BTreeMap<String, Vec<String>>) -> anyhow::Result<(Kind, String)> {
    let mut candidates = Vec::new();
    for (context, kind) in KINDS {
        candidates.extend(matches.get(context).into_iter().flatten().map(|id| (kind, id)));
    }
    if let Some((kind, id)) = candidates.iter().find(|(_, id)| id.as_str() == prefix) {
        return Ok((*kind, (*id).clone()));
    }
    match candidates.as_slice() {
        [] => Err(missing(prefix)),
        [(kind, id)] => Ok((*kind, (*id).clone())),
        several => {
            let listed: Vec<String> = several
                .iter()
                .map(|(kind, id)| format!("  {} {}", format!("{kind:?}").to_lowercase(), if *kind == Kind::Job { id } else { short(id) }))
                .collect();
            bail!("prefix {prefix:?} matched several things:\n{}", listed.join("\n"))
        }
    }
}

fn missing(id: &str) -> anyhow::Error {
    anyhow!("nothing with prefix or id {id:?} found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_id_wins_and_ambiguity_is_listed() {
        let matches: BTreeMap<String, Vec<String>> =
            serde_json::from_value(serde_json::json!({"jobs": ["ab", "abc"], "nodes": ["ab000000-1"], "plugins": ["ab"]})).unwrap();
        assert_eq!(choose("ab", &matches).unwrap(), (Kind::Job, "ab".to_owned()));
        assert_eq!(
            choose("a", &matches).unwrap_err().to_string(),
            "prefix \"a\" matched several things:\n  job ab\n  job abc\n  node ab000000"
        );
        assert!(choose("x", &BTreeMap::new()).is_err());
    }
}
