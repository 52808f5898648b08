//! Jobs that launch others, on the real binary: periodic jobs through a crash, and parameterized ones with what they are given.

mod support;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use support::TestAgent;

fn job(id: &str, stanza: &str, script: &str) -> String {
    format!(
        r#"
job "{id}" {{
  type = "batch"
  {stanza}
  group "g" {{
    task "t" {{
      driver = "raw_exec"
      dispatch_payload {{
        file = "in/payload.txt"
      }}
      config {{
        command = "/bin/sh"
        args    = ["-c", {script:?}]
      }}
      resources {{
        cpu    = 20
        memory = 32
      }}
    }}
  }}
}}
"#
    )
}

fn periodic(id: &str, stanza: &str, script: &str) -> String {
    job(id, &format!("periodic {{\n{stanza}\n}}"), script).replace("dispatch_payload {\n        file = \"in/payload.txt\"\n      }", "")
}

/// Ids of a job's children.
fn children(agent: &TestAgent, parent: &str) -> Vec<String> {
    let jobs = agent.get(&format!("/v1/jobs?prefix={parent}/"));
    let jobs = jobs.as_array().cloned().unwrap_or_default();
    jobs.iter().filter(|job| job["ParentID"] == parent).map(|job| job["ID"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_periodic_job_goes_on_after_a_crash_without_doubling_a_launch() {
    let mut agent = TestAgent::start();
    agent.run_job(&periodic("tick", "cron = \"*/2 * * * * * *\"", "echo launched as $NOMAD_JOB_ID by $NOMAD_JOB_PARENT_ID"));
    agent.wait("two launches", || children(&agent, "tick").len() >= 2);
    agent.kill_agent();
    agent.launch();
    let before: BTreeSet<String> = children(&agent, "tick").into_iter().collect();
    agent.wait("a launch after the crash", || children(&agent, "tick").len() > before.len() + 1);
    let all = children(&agent, "tick");
    assert!(before.iter().all(|id| all.contains(id)), "nothing is forgotten");
    // The table names even seconds; what was missed is caught up by one launch at the second of the start.
    let odd = all.iter().filter_map(|id| id.rsplit_once('-')?.1.parse::<u64>().ok()).filter(|second| second % 2 == 1).count();
    assert!(odd <= 1, "{all:?}");
    let first = &all[0];
    agent.wait_count(&first.replace('/', "%2F"), "complete", 1);
    let output = agent.cli_ok(&["alloc", "logs", "-job", first]);
    assert_eq!(output, format!("launched as {first} by tick\n"));
    let summary = agent.get("/v1/job/tick/summary");
    let counted: u64 = ["Pending", "Running", "Dead"].iter().map(|state| summary["Children"][state].as_u64().expect("a count")).sum();
    assert!(counted >= all.len() as u64, "{summary}");
    let status = agent.cli_ok(&["job", "status", "tick"]);
    assert!(status.contains("Next Periodic Launch") && status.contains("Previously Launched Jobs"), "{status}");

    agent.cli_ok(&["job", "stop", "-detach", "tick"]);
    let stopped = children(&agent, "tick").len();
    let refused = agent.cli(&["job", "periodic", "force", "tick"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("is stopped"));
    assert_eq!(children(&agent, "tick").len(), stopped);
}

#[test]
fn overlaps_are_prohibited_unless_they_are_forced() {
    let agent = TestAgent::start();
    agent.run_job(&periodic("slow", "crons = [\"* * * * * * *\"]\nprohibit_overlap = true", "sleep 300"));
    agent.wait("the first launch", || children(&agent, "slow").len() == 1);
    agent.wait_count(&children(&agent, "slow")[0].replace('/', "%2F"), "running", 1);
    agent.cli_ok(&["job", "periodic", "force", "-detach", "slow"]);
    agent.wait("the forced launch", || children(&agent, "slow").len() == 2);
    let skipped = || agent.log().matches("this one is skipped").count();
    let before = skipped();
    agent.wait("two more times of the table", || skipped() >= before + 2);
    assert_eq!(children(&agent, "slow").len(), 2);
    for child in children(&agent, "slow") {
        agent.cli_ok(&["job", "stop", "-detach", &child]);
    }
    agent.wait("the next launch", || children(&agent, "slow").len() == 3);
}

#[test]
fn a_parameterized_job_runs_with_what_it_is_given() {
    let agent = TestAgent::start();
    let stanza = "parameterized {\n payload = \"required\"\n meta_required = [\"who\"]\n meta_optional = [\"how\"]\n}";
    agent.run_job(&job("greet", stanza, "cat $NOMAD_TASK_DIR/in/payload.txt; echo to $NOMAD_META_who $NOMAD_META_HOW"));
    assert_eq!(agent.get("/v1/job/greet/allocations").as_array().map(Vec::len), Some(0), "it does not run by itself");

    // A payload from standard input.
    let mut dispatch = Command::new(support::BINARY)
        .args(["job", "dispatch", "-detach", "-meta", "who=you", "-id-prefix-template", "one", "greet", "-"])
        .env("NOMAD_ADDR", agent.address())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the CLI runs");
    dispatch.stdin.take().expect("a pipe").write_all(b"hello ").expect("written");
    let output = dispatch.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let child = text.lines().find_map(|line| line.strip_prefix("Dispatched Job ID = ")).expect("an id").to_owned();
    assert!(child.starts_with("greet/dispatch-one-"), "{child}");
    agent.wait_count(&child.replace('/', "%2F"), "complete", 1);
    assert_eq!(agent.cli_ok(&["alloc", "logs", "-job", &child]), "hello to you\n");

    // From a file; the second request with one token answers with the first one's child.
    let path = agent.dir.path().join("payload");
    std::fs::write(&path, "bye ").expect("written");
    let path = path.to_str().expect("UTF-8");
    let args = ["job", "dispatch", "-detach", "-meta", "who=all", "-meta", "how=loud", "-idempotency-token", "t", "greet", path];
    let id_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    let (first, second) = (id_line(agent.cli_ok(&args)), id_line(agent.cli_ok(&args)));
    assert_eq!(first.split("= ").nth(1), second.split("= ").nth(1));
    assert_eq!(children(&agent, "greet").len(), 2);
    let child = first.split("= ").nth(1).expect("an id").to_owned();
    agent.wait_count(&child.replace('/', "%2F"), "complete", 1);
    assert_eq!(agent.cli_ok(&["alloc", "logs", "-job", &child]), "bye to all loud\n");

    let refused = agent.cli(&["job", "dispatch", "-meta", "colour=red", "greet", path]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("required meta keys"), "{text}");
    assert!(agent.cli_ok(&["job", "status", "greet"]).contains("Dispatched Jobs"));
}
