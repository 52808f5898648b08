//! From a job file to the JSON of a job: where the text comes from, and which variables go with it. Parsed and validated here, so that a wrong file
//! is explained with its own name and lines, and so that it needs no agent.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use super::local_files::LocalFiles;
use crate::api::types::job::JobSubmission;
use crate::jobspec::{self, Diagnostic, Severity, VariableFile, VariableSources};

/// A source longer than this is not kept beside the job.
const MAX_SOURCE_BYTES: usize = 1_000_000;
const ENV_PREFIXES: [&str; 2] = ["NOMAD_VAR_", "PANNIER_VAR_"];

/// The file of a job and its variables.
#[derive(Args, Clone)]
pub struct JobspecArgs {
    /// The job file, `-` for standard input
    #[arg(value_name = "FILE")]
    pub path: String,
    /// Read the file as a JSON job of the API instead of HCL
    #[arg(long)]
    pub json: bool,
    /// Set an input variable of the job file; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub var: Vec<String>,
    /// Read input variables from a file; may be given several times
    #[arg(long, value_name = "FILE")]
    pub var_file: Vec<String>,
    /// Whether values for variables that the job does not declare are errors
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub hcl2_strict: bool,
}

/// A parsed job with the text it came from.
pub struct JobspecInput {
    pub job: Value,
    pub submission: Option<JobSubmission>,
    /// Messages of the warnings that were printed already.
    said: Vec<String>,
}

impl JobspecInput {
    /// # Errors
    /// When the job has none: every job that was parsed has one.
    pub fn id(&self) -> anyhow::Result<&str> {
        self.job.get("ID").and_then(Value::as_str).filter(|id| !id.is_empty()).context("the job has no ID")
    }

    /// The lines of an agent's warnings that this command line has not printed itself.
    pub fn unsaid(&self, warnings: &str) -> String {
        let is_new = |line: &&str| !self.said.iter().any(|said| line.trim().starts_with(said.as_str()));
        warnings.lines().filter(is_new).collect::<Vec<_>>().join("\n")
    }
}

/// Reads, parses and validates the file that `args` name; warnings go to standard error.
///
/// # Errors
/// When a file cannot be read, a variable is malformed, or the text is not a job that could be run: all problems at once, each with its place.
pub fn read(args: &JobspecArgs) -> anyhow::Result<JobspecInput> {
    let source = read_source(&args.path)?;
    let (env, flags) = variables_of(&args.var, std::env::vars())?;
    let files = args.var_file.iter().map(read_variable_file).collect::<anyhow::Result<Vec<_>>>()?;
    let variables = files.iter().map(|file| file.text.trim_end()).collect::<Vec<_>>().join("\n");
    let variable_flags = env.iter().chain(flags.iter().map(|(name, value)| (name, value))).map(owned).collect();
    let is_json = args.json || is_api_job(&source);
    let parsed = if is_json {
        jobspec::json::job_from_slice(source.as_bytes())
    } else {
        let name = if args.path == "-" { "<stdin>" } else { &args.path };
        let variables = VariableSources { env, files, flags, lenient: !args.hcl2_strict };
        jobspec::parse(&jobspec::Input { source: &source, file: name, variables: &variables, files: Some(&LocalFiles) })
    };
    let parsed = parsed.map_err(|problems| report(&problems))?;
    let located = parsed.locate(&jobspec::validate(&parsed.job));
    let (errors, warnings): (Vec<_>, Vec<_>) = located.into_iter().partition(|problem| problem.severity == Severity::Error);
    if !errors.is_empty() {
        return Err(report(&errors));
    }
    let colour = std::io::stderr().is_terminal();
    let mut said = Vec::new();
    for warning in parsed.warnings.iter().chain(&warnings) {
        eprintln!("{}", warning.render(colour));
        said.push(warning.message.clone());
    }
    let format = if is_json { "json" } else { "hcl2" }.to_owned();
    let submission = (source.len() <= MAX_SOURCE_BYTES).then_some(JobSubmission { source, format, variable_flags, variables });
    Ok(JobspecInput { job: jobspec::json::job_to_value(&parsed.job), submission, said })
}

/// Whether a text is the API's JSON, rather than HCL's JSON form, whose job is under `job`.
fn is_api_job(source: &str) -> bool {
    let is_object = source.trim_start().starts_with('{');
    let parsed = if is_object { serde_json::from_str::<serde_json::Map<String, Value>>(source).ok() } else { None };
    parsed.is_some_and(|object| !object.contains_key("job") && ["Job", "ID", "TaskGroups"].iter().any(|name| object.contains_key(*name)))
}

fn owned<'a>((name, value): (&'a String, &'a String)) -> (String, String) {
    (name.clone(), value.clone())
}

fn report(problems: &[Diagnostic]) -> anyhow::Error {
    let colour = std::io::stderr().is_terminal();
    let rendered: Vec<String> = problems.iter().map(|problem| problem.render(colour)).collect();
    anyhow::anyhow!("the job file cannot be used\n\n{}", rendered.join("\n\n"))
}

fn read_variable_file(path: &String) -> anyhow::Result<VariableFile> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read variable file {path:?}"))?;
    let text = to_text(bytes).with_context(|| format!("cannot read variable file {path:?}"))?;
    Ok(VariableFile { name: path.clone(), text })
}

fn read_source(path: &str) -> anyhow::Result<String> {
    if path == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read the job from standard input")?;
        return to_text(bytes).context("cannot read the job from standard input");
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read job file {path:?}"))?;
    to_text(bytes).with_context(|| format!("cannot read job file {path:?}"))
}

/// UTF-8, with or without the mark that some editors put in front of it.
fn to_text(bytes: Vec<u8>) -> anyhow::Result<String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("it is UTF-16 text; save it as UTF-8");
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        anyhow::anyhow!("line {line} holds bytes that are not UTF-8; save the file as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}

type Flags = Vec<(String, String)>;

/// Variables of the environment by name, and flags in their order.
fn variables_of(flags: &[String], env: impl Iterator<Item = (String, String)>) -> anyhow::Result<(BTreeMap<String, String>, Flags)> {
    let env = env.filter_map(|(name, value)| {
        let name = ENV_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))?;
        Some((name.to_owned(), value))
    });
    let flags = flags.iter().map(|flag| match flag.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => bail!("invalid variable {flag:?}: expected name=value"),
    });
    Ok((env.collect(), flags.collect::<anyhow::Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_kinds_of_json_are_told_apart() {
        assert!(is_api_job(" {\"Job\": {}}") && is_api_job("{\"ID\": \"x\"}"));
        assert!(!is_api_job("{\"job\": {\"x\": {}}}") && !is_api_job("job \"x\" {}") && !is_api_job("{"));
    }

    #[test]
    fn only_utf_8_is_text() {
        assert_eq!(to_text(b"\xef\xbb\xbfa".to_vec()).unwrap(), "a");
        assert_eq!(to_text(b"a\nb\xe4".to_vec()).unwrap_err().to_string(), "line 2 holds bytes that are not UTF-8; save the file as UTF-8");
        assert!(to_text(b"\xff\xfea\0".to_vec()).unwrap_err().to_string().contains("UTF-16"));
    }

    #[test]
    fn variables_come_from_the_environment_and_from_flags() {
        let env =
            [("NOMAD_VAR_image", "a"), ("PANNIER_VAR_count", "2"), ("HOME", "/")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (env, flags) = variables_of(&["image=b=c".to_owned()], env.into_iter()).unwrap();
        assert_eq!(env, BTreeMap::from([("count".to_owned(), "2".to_owned()), ("image".to_owned(), "a".to_owned())]));
        assert_eq!(flags, [("image".to_owned(), "b=c".to_owned())]);
        for bad in ["image", "=x"] {
            assert!(variables_of(&[bad.to_owned()], std::iter::empty()).is_err());
        }
    }
}
