//! From a job file to the JSON of a job: where the text comes from, which variables go with it, and who parses it.
//!
//! HCL is parsed by the agent (`PUT /v1/jobs/parse`); this file is the only one that knows.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use crate::api::client::Client;
use crate::api::types::job::{JobParseRequest, JobSubmission};

/// A source longer than this is not kept beside the job.
const MAX_SOURCE_BYTES: usize = 1_000_000;
const ENV_PREFIXES: [&str; 2] = ["NOMAD_VAR_", "PANNIER_VAR_"];

/// The file of a job and its variables.
#[derive(Args, Clone)]
pub struct JobspecArgs {
    /// The job file, `-` for standard input
    #[arg(value_name = "FILE")]
    pub path: String,
    /// Read the file as a JSON job instead of HCL
    #[arg(long)]
    pub json: bool,
    /// Set an input variable of the job file; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub var: Vec<String>,
    /// Read input variables from a file; may be given several times
    #[arg(long, value_name = "FILE")]
    pub var_file: Vec<String>,
    /// Accepted for compatibility: HCL is always read strictly
    #[arg(long, hide = true)]
    pub hcl2_strict: bool,
}

/// A parsed job with the text it came from.
pub struct JobspecInput {
    pub job: Value,
    pub submission: Option<JobSubmission>,
}

impl JobspecInput {
    /// # Errors
    /// When a JSON job was given without one.
    pub fn id(&self) -> anyhow::Result<&str> {
        self.job.get("ID").and_then(Value::as_str).filter(|id| !id.is_empty()).context("the job has no ID")
    }
}

/// Reads and parses the file that `args` name.
///
/// # Errors
/// When a file cannot be read, a variable is malformed, or the text is not a job.
pub async fn read(client: &Client, args: &JobspecArgs) -> anyhow::Result<JobspecInput> {
    let source = read_source(&args.path).await?;
    let variable_flags = variable_flags(&args.var, std::env::vars())?;
    let mut variables = String::new();
    for path in &args.var_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read variable file {path:?}"))?;
        variables.push_str(&text);
        if !text.ends_with('\n') {
            variables.push('\n');
        }
    }
    let job = if args.json { parse_json(&source)? } else { parse_hcl(client, &source, &variables, &variable_flags).await? };
    let format = if args.json { "json" } else { "hcl2" }.to_owned();
    let submission = (source.len() <= MAX_SOURCE_BYTES).then_some(JobSubmission { source, format, variable_flags, variables });
    Ok(JobspecInput { job, submission })
}

async fn parse_hcl(client: &Client, source: &str, variables: &str, flags: &BTreeMap<String, String>) -> anyhow::Result<Value> {
    let mut variables = variables.to_owned();
    for (name, value) in flags {
        variables.push_str(&format!("{name} = {}\n", variable_literal(value)));
    }
    let request = JobParseRequest { job_hcl: source.to_owned(), variables, canonicalize: true };
    client.parse_job(&request).await.context("cannot parse the job file")
}

/// A job as the API writes it, bare or under `Job`.
fn parse_json(source: &str) -> anyhow::Result<Value> {
    let mut value: Value = serde_json::from_str(source).context("the job file is not valid JSON")?;
    if let Some(job) = value.get_mut("Job").map(Value::take) {
        value = job;
    }
    if !value.is_object() {
        bail!("the job file holds no JSON object");
    }
    Ok(value)
}

async fn read_source(path: &str) -> anyhow::Result<String> {
    if path == "-" {
        let bytes = super::stdin::read_to_end().await.context("cannot read the job from standard input")?;
        return String::from_utf8(bytes).context("the job is not UTF-8 text");
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read job file {path:?}"))
}

/// Variables by name; a flag wins over the environment.
fn variable_flags(flags: &[String], env: impl Iterator<Item = (String, String)>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for (name, value) in env {
        if let Some(name) = ENV_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
            variables.insert(name.to_owned(), value);
        }
    }
    for flag in flags {
        match flag.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => variables.insert(name.trim().to_owned(), value.to_owned()),
            _ => bail!("invalid variable {flag:?}: expected name=value"),
        };
    }
    Ok(variables)
}

/// Lists, maps, numbers and booleans stand for themselves; anything else is text.
fn variable_literal(value: &str) -> String {
    let trimmed = value.trim();
    let is_literal = trimmed.parse::<f64>().is_ok() || matches!(trimmed, "true" | "false" | "null") || trimmed.starts_with(['[', '{', '"']);
    if is_literal {
        return trimmed.to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace("${", "$${").replace("%{", "%%{");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment() {
        let env =
            [("NOMAD_VAR_image", "a"), ("PANNIER_VAR_count", "2"), ("HOME", "/")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = variable_flags(&["image=b=c".to_owned()], env.into_iter()).unwrap();
        assert_eq!(variables, BTreeMap::from([("count".to_owned(), "2".to_owned()), ("image".to_owned(), "b=c".to_owned())]));
        for bad in ["image", "=x"] {
            assert!(variable_flags(&[bad.to_owned()], std::iter::empty()).is_err());
        }
    }

    #[test]
    fn values_keep_their_type_and_text_its_characters() {
        assert_eq!(variable_literal("3"), "3");
        assert_eq!(variable_literal("[1, 2]"), "[1, 2]");
        assert_eq!(variable_literal("dc1"), "\"dc1\"");
        assert_eq!(variable_literal("say \"${x}\""), "\"say \\\"$${x}\\\"\"");
    }

    #[test]
    fn json_jobs_come_bare_or_wrapped() {
        assert_eq!(parse_json(r#"{"Job": {"ID": "a"}}"#).unwrap()["ID"], "a");
        assert_eq!(parse_json(r#"{"ID": "a"}"#).unwrap()["ID"], "a");
        assert!(parse_json("[]").is_err() && parse_json("job {}").is_err());
    }
}
