//! `operator ...`: tools of those who run the cluster.

mod autopilot;
mod raft;
mod snapshot;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use http_body_util::BodyExt as _;
use hyper::Method;

use super::connection::Connection;
use super::exit::{Exit, Outcome};
use super::output::{note, print, print_bytes};
use crate::api::client::{Address, ApiRequest};

#[derive(Subcommand)]
pub enum OperatorCommand {
    Api(ApiArgs),
    /// Look at and change the servers that vote
    #[command(subcommand, after_help = "Examples:\n  pannier operator raft list-peers")]
    Raft(raft::RaftCommand),
    /// Look at the servers' health, and say how dead ones are dealt with
    #[command(subcommand, after_help = "Examples:\n  pannier operator autopilot health")]
    Autopilot(autopilot::AutopilotCommand),
    /// Save the cluster's state, and restore it
    #[command(subcommand, after_help = "Examples:\n  pannier operator snapshot save backup.snap")]
    Snapshot(snapshot::SnapshotCommand),
}

impl OperatorCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Api(args) => args.run().await,
            Self::Raft(command) => command.run().await,
            Self::Autopilot(command) => command.run().await,
            Self::Snapshot(command) => command.run().await,
        }
    }
}

/// Call the HTTP API as curl would, with the address, token and namespace of this command line
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator api /v1/jobs
  pannier operator api '/v1/allocations?prefix=0a' | jq '.[].ID'
  pannier operator api -X PUT /v1/system/gc
  pannier operator api -d @job.json /v1/jobs
  pannier operator api -dryrun /v1/nodes")]
pub struct ApiArgs {
    /// Path of the call, with or without /v1/
    #[arg(value_name = "PATH")]
    path: String,
    /// Method; GET, or PUT with a body
    #[arg(short = 'X', value_name = "METHOD")]
    method: Option<String>,
    /// Body: the text itself, @FILE for a file, - for standard input
    #[arg(short = 'd', value_name = "DATA")]
    data: Option<String>,
    /// Header to add; may be given several times
    #[arg(short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Print the call's and the answer's headers too, to standard error
    #[arg(short = 'v', long)]
    verbose: bool,
    /// Print the curl command that does the same instead of calling
    #[arg(long)]
    dryrun: bool,
    /// Add this as the `filter` parameter
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl ApiArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let body = match &self.data {
            Some(data) if !self.dryrun => Some(read_data(data).await?),
            Some(_) => Some(Vec::new()),
            None => None,
        };
        let method = match &self.method {
            Some(name) => name.to_uppercase().parse().with_context(|| format!("invalid method {name:?}"))?,
            None if body.is_some() => Method::PUT,
            None => Method::GET,
        };
        let path = full_path(&self.path);
        let mut headers = Vec::new();
        for header in &self.header {
            let Some((name, value)) = header.split_once(':') else { bail!("invalid header {header:?}: expected name: value") };
            headers.push((name.trim(), value.trim()));
        }
        if self.dryrun {
            print(&self.curl(&method, session.client.address(), &path))?;
            return Ok(Exit::Ok);
        }
        let mut request = ApiRequest::raw(method.clone(), path.as_str()).bytes(body.unwrap_or_default());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(filter) = &self.filter {
            request = request.query("filter", filter);
        }
        if self.verbose {
            note(&format!("> {method} {}{path}", session.client.address()));
        }
        let response = session.client.send(request).await?;
        let status = response.status();
        if self.verbose {
            note(&format!("< {:?} {status}", response.version()));
            for (name, value) in response.headers() {
                note(&format!("< {name}: {}", String::from_utf8_lossy(value.as_bytes())));
            }
        }
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(bytes) = frame.context("the connection to the agent broke")?.into_data() {
                print_bytes(&bytes)?;
            }
        }
        if !status.is_success() {
            bail!("the agent answered {status}");
        }
        Ok(Exit::Ok)
    }

    /// The same call for curl. The token stays in the environment.
    fn curl(&self, method: &Method, address: &Address, path: &str) -> String {
        let mut words = vec!["curl".to_owned(), "-X".to_owned(), method.to_string()];
        let base = match address {
            Address::Unix { path } => {
                words.extend(["--unix-socket".to_owned(), quoted(&path.to_string_lossy())]);
                "http://localhost".to_owned()
            }
            Address::Http { .. } | Address::Https { .. } => address.to_string(),
        };
        words.push("-H \"X-Nomad-Token: ${NOMAD_TOKEN}\"".to_owned());
        for header in &self.header {
            words.extend(["-H".to_owned(), quoted(header)]);
        }
        if let Some(data) = &self.data {
            // To curl a lone dash is text; from standard input is `@-`.
            words.extend(["--data-binary".to_owned(), if data == "-" { "@-".to_owned() } else { quoted(data) }]);
        }
        words.push(quoted(&format!("{base}{path}")));
        words.join(" ")
    }
}

fn full_path(path: &str) -> String {
    let rest = path.trim_start_matches('/');
    if rest.starts_with("v1/") || rest.starts_with(".well-known/") { format!("/{rest}") } else { format!("/v1/{rest}") }
}

async fn read_data(data: &str) -> anyhow::Result<Vec<u8>> {
    if data == "-" || data == "@-" {
        return crate::cli::stdin::read_to_end().await.context("cannot read the body from standard input");
    }
    match data.strip_prefix('@') {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read {path:?}")),
        None => Ok(data.as_bytes().to_vec()),
    }
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_leave_out_the_version() {
        assert_eq!(full_path("/v1/jobs?prefix=a"), "/v1/jobs?prefix=a");
        assert_eq!(full_path("jobs"), "/v1/jobs");
        assert_eq!(full_path("/.well-known/jwks.json"), "/.well-known/jwks.json");
    }

    #[test]
    fn a_dry_run_never_shows_the_token() {
        let connection = Connection::default();
        let args = ApiArgs {
            path: "/v1/jobs".into(),
            method: None,
            data: Some("it's".into()),
            header: vec!["A: b".into()],
            verbose: false,
            dryrun: true,
            filter: None,
            connection,
        };
        let address = "http://127.0.0.1:4646".parse().unwrap();
        assert_eq!(
            args.curl(&Method::PUT, &address, "/v1/jobs"),
            "curl -X PUT -H \"X-Nomad-Token: ${NOMAD_TOKEN}\" -H 'A: b' --data-binary 'it'\\''s' 'http://127.0.0.1:4646/v1/jobs'"
        );
    }
}
