//! An agent as an operator keeps it: configured by a file, stopped and started again while its tasks run on, refusing what it cannot honour.

mod support;

use std::process::Command;

use support::{BINARY, TestAgent, is_alive, is_root};

const CONFIGURATION: &str = r#"
datacenter = "edge-1"
server {
  enabled          = true
  bootstrap_expect = 1
}
client {
  enabled    = true
  node_class = "small"
  meta {
    rack = "r7"
  }
  reserved {
    memory         = 64
    reserved_ports = "22,8500-8502"
  }
}
plugin "raw_exec" {
  config {
    enabled = true
  }
}
"#;

const JOB: &str = r#"
job "lasts" {
  datacenters = ["edge-*"]
  constraint {
    attribute = "${meta.rack}"
    value     = "r7"
  }
  group "g" {
    count = 2
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["100000"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"#;

#[test]
fn an_orderly_restart_leaves_tasks_alone() {
    let mut agent = TestAgent::start_lasting(CONFIGURATION);
    let node = agent.get("/v1/nodes")[0].clone();
    assert_eq!((&node["Datacenter"], &node["NodeClass"]), (&"edge-1".into(), &"small".into()));
    agent.run_job(JOB);
    agent.wait_count("lasts", "running", 2);
    let before = agent.task_pids();
    let status = agent.interrupt();
    assert!(status.success(), "{status}");
    assert!(before.iter().all(|pid| is_alive(*pid)), "a stop is not the end of its tasks");
    agent.launch();
    assert_eq!(agent.get("/v1/nodes")[0]["ID"], node["ID"], "the node keeps its id");
    agent.wait_count("lasts", "running", 2);
    if is_root() {
        assert_eq!(agent.task_pids(), before);
    }
    agent.cli_ok(&["job", "stop", "-purge", "lasts"]);
    agent.wait("the tasks to end", || !before.iter().any(|pid| is_alive(*pid)));
}

/// Runs `pannier agent` with these arguments; it must refuse. Returns what it says.
fn refusal(arguments: &[&str]) -> String {
    let output = Command::new(BINARY).arg("agent").args(arguments).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    text
}

#[test]
fn what_it_cannot_honour_it_refuses_with_a_way_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let unknown = refusal(&["-config", &file("unknown.hcl", "datacentre = \"x\"\n")]);
    assert!(unknown.contains("unknown.hcl") && unknown.contains("datacentre") && unknown.contains("datacenter"), "{unknown}");
    let syntax = refusal(&["-config", &file("syntax.hcl", "server {\n  enabled = \n}\n")]);
    assert!(syntax.contains("syntax.hcl:2"), "{syntax}");
    assert!(refusal(&[]).contains("-dev"));
    assert!(refusal(&["-dev", "-bind", "0.0.0.0"]).contains("loopback"));
    assert!(refusal(&["-server", "-client"]).contains("-data-dir"));
    assert!(refusal(&["-dev", "-bootstrap-expect", "3"]).contains("bootstrap_expect"));
}
