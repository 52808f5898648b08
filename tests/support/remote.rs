//! An agent in another network namespace, asked over its loopback.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A command in a namespace. Not `ip netns exec`, which hides /sys/fs/cgroup.
pub fn within(namespace: &str, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/run/netns/{namespace}")).arg(program).stdin(Stdio::null());
    command
}

/// An agent's API, as whoever sits on its machine asks it.
#[derive(Clone, Debug)]
pub struct Remote {
    namespace: String,
}

/// What a request came to; status 0 when there was no answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    pub took: Duration,
    pub retry_after: Option<String>,
}

impl Remote {
    pub fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned() }
    }

    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let url = format!("http://127.0.0.1:4646{path}");
        let mut command = within(&self.namespace, "curl");
        command.args(["-s", "-m", "20", "-X", method, "-w", "\n%{http_code} %{time_total} %header{retry-after}", &url]);
        if let Some(body) = body {
            command.args(["-d", &body.to_string()]);
        }
        let output = command.output().expect("curl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, facts) = text.rsplit_once('\n').unwrap_or(("", ""));
        let mut facts = facts.split(' ');
        let mut next = || facts.next().filter(|fact| !fact.is_empty());
        Answer {
            status: next().and_then(|status| status.parse().ok()).unwrap_or(0),
            text: body.to_owned(),
            took: Duration::from_secs_f64(next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0.0)),
            retry_after: next().map(str::to_owned),
        }
    }

    /// Registers a service of `count` instances that say hello and sleep.
    pub fn register(&self, name: &str, count: u32) -> Answer {
        let task = json!({
            "Name": "t", "Driver": "raw_exec",
            "Config": {"command": "/bin/sh", "args": ["-c", format!("echo hello from {name}; exec sleep 100000")]},
            "Resources": {"CPU": 20, "MemoryMB": 16},
        });
        let spread = json!([{"Attribute": "${node.unique.id}", "Weight": 100}]);
        let group =
            json!({"Name": "g", "Count": count, "Spreads": spread, "Tasks": [task], "Disconnect": {"LostAfter": 60_000_000_000_u64}});
        let job = json!({"Job": {"ID": name, "Name": name, "Type": "service", "Datacenters": ["*"], "TaskGroups": [group]}});
        self.request("PUT", "/v1/jobs", Some(&job))
    }
}
