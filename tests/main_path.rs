//! The way of a job, end to end, on the real binary: jobspec, API, Raft, scheduler, node, shim, process, cgroup, logs and back.

mod support;

use serde_json::json;
use support::{TestAgent, is_alive, is_root};

/// A service whose instances print a counter as fast as ten lines a second.
fn counter(id: &str, count: u32) -> String {
    format!(
        r#"
job "{id}" {{
  group "g" {{
    count = {count}
    restart {{
      attempts = 2
      interval = "30m"
      delay    = "1s"
      mode     = "fail"
    }}
    task "t" {{
      driver = "raw_exec"
      config {{
        command = "/bin/sh"
        args    = ["-c", "i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1; done"]
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

fn batch(id: &str, count: u32, script: &str) -> String {
    format!(
        r#"
job "{id}" {{
  type = "batch"
  group "g" {{
    count = {count}
    restart {{
      attempts = 0
      mode     = "fail"
    }}
    reschedule {{
      attempts  = 0
      unlimited = false
    }}
    task "t" {{
      driver = "raw_exec"
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

#[test]
fn a_service_runs_scales_and_stops_without_a_trace() {
    let agent = TestAgent::start();
    agent.cli_ok(&["job", "run", "jobspecs/hello.nomad.hcl"]);
    agent.wait_count("hello", "running", 3);
    let first = agent.allocations("hello")[0]["ID"].as_str().expect("an id").to_owned();
    agent.wait("the first log line", || !agent.cli_ok(&["alloc", "logs", &first[..8]]).is_empty());

    agent.cli_ok(&["job", "scale", "hello", "web", "5"]);
    agent.wait_count("hello", "running", 5);
    let mut indexes: Vec<String> = agent.allocations("hello").iter().map(|row| row["Name"].as_str().expect("a name").to_owned()).collect();
    indexes.sort();
    assert_eq!(indexes, (0..5).map(|index| format!("hello.web[{index}]")).collect::<Vec<_>>());

    agent.cli_ok(&["job", "scale", "hello", "web", "2"]);
    agent.wait_count("hello", "running", 2);
    agent.cli_ok(&["job", "stop", "hello"]);
    agent.wait("every instance to end", || agent.count("hello", "running") == 0);
    agent.wait("the job to be dead", || agent.get("/v1/job/hello")["Status"] == "dead");
    if is_root() {
        agent.wait("the cgroups to be empty", || agent.task_pids().is_empty());
    }
}

#[test]
fn a_batch_job_completes_and_its_output_can_be_read() {
    let agent = TestAgent::start();
    agent.run_job(&batch("sum", 2, "echo result $((20 + 22)); echo trouble >&2"));
    agent.wait_count("sum", "complete", 2);
    agent.wait("the job to be dead", || agent.get("/v1/job/sum")["Status"] == "dead");
    let id = agent.allocations("sum")[0]["ID"].as_str().expect("an id").to_owned();
    assert_eq!(agent.cli_ok(&["alloc", "logs", &id]), "result 42\n");
    assert_eq!(agent.cli_ok(&["alloc", "logs", "-stderr", &id]), "trouble\n");
    let state = &agent.get(&format!("/v1/allocation/{id}"))["TaskStates"]["t"];
    assert_eq!((&state["State"], &state["Failed"]), (&json!("dead"), &json!(false)));
    let kinds: Vec<&str> = state["Events"].as_array().expect("events").iter().filter_map(|event| event["Type"].as_str()).collect();
    assert_eq!(kinds, ["Received", "Task Setup", "Started", "Terminated"]);
}

#[test]
fn a_failing_task_is_restarted_then_given_up_with_its_exit_code() {
    let agent = TestAgent::start();
    let spec = batch("fails", 1, "exit 7").replace(
        "attempts = 0\n      mode     = \"fail\"",
        "attempts = 1\n      delay = \"10ms\"\n      interval = \"30m\"\n      mode = \"fail\"",
    );
    agent.run_job(&spec);
    agent.wait_count("fails", "failed", 1);
    let state = &agent.get(&format!("/v1/allocation/{}", agent.allocations("fails")[0]["ID"].as_str().expect("an id")))["TaskStates"]["t"];
    assert_eq!(state["Restarts"], 1);
    let last = state["Events"].as_array().expect("events").iter().rev().find(|event| event["Type"] == "Terminated").expect("an end");
    assert_eq!(last["Details"]["exit_code"], "7");
}

#[test]
fn tasks_outlive_a_killed_agent_and_are_adopted() {
    let mut agent = TestAgent::start();
    agent.run_job(&counter("lives", 2));
    let go = agent.dir.path().join("go");
    agent.run_job(&batch("ends", 1, &format!("while [ ! -e {} ]; do sleep 0.1; done; exit 5", go.display())));
    agent.wait_count("lives", "running", 2);
    agent.wait_count("ends", "running", 1);
    let id = agent.allocations("lives")[0]["ID"].as_str().expect("an id").to_owned();
    agent.wait("a few lines", || agent.cli_ok(&["alloc", "logs", &id]).lines().count() > 3);
    let before = agent.main_pids();
    agent.kill_agent();
    if is_root() {
        assert!(before.len() == 3 && before.iter().all(|pid| is_alive(*pid)), "tasks do not depend on the agent: {before:?}");
    }

    // The short task ends while nobody looks.
    std::fs::write(&go, "").expect("the sign to end is given");
    agent.wait("the batch task to end unseen", || !is_root() || before.iter().filter(|pid| is_alive(**pid)).count() == 2);
    agent.launch();
    agent.wait_count("lives", "running", 2);
    agent.wait_count("ends", "failed", 1);
    let after = agent.task_pids();
    if is_root() {
        let survivors = before.iter().filter(|pid| is_alive(**pid)).count();
        assert_eq!(survivors, 2, "the same processes go on: {before:?}, then {after:?}");
    }
    for row in agent.allocations("lives") {
        let state = &agent.get(&format!("/v1/allocation/{}", row["ID"].as_str().expect("an id")))["TaskStates"]["t"];
        assert_eq!(state["Restarts"], 0, "adopted, not restarted: {state}");
    }
    let ended = agent.allocations("ends")[0]["ID"].as_str().expect("an id").to_owned();
    let events = agent.get(&format!("/v1/allocation/{ended}"))["TaskStates"]["t"]["Events"].clone();
    let end = events.as_array().expect("events").iter().find(|event| event["Type"] == "Terminated").cloned().expect("an end");
    assert_eq!(end["Details"]["exit_code"], "5", "the exit code of an end that nobody saw: {events}");

    // Logs without a gap: the counter has every number.
    let lines = || agent.cli_ok(&["alloc", "logs", &id]);
    let seen = lines().lines().count();
    agent.wait("more lines", || lines().lines().count() > seen + 3);
    for (expected, line) in (1..).zip(lines().lines()) {
        assert_eq!(line, format!("line {expected}"));
    }
}

#[test]
fn what_does_not_fit_says_why_and_runs_when_there_is_room() {
    let agent = TestAgent::start();
    let total = agent.get("/v1/nodes?resources=true")[0]["NodeResources"]["Memory"]["MemoryMB"].as_u64().expect("memory");
    let hog = |id: &str| batch(id, 1, "sleep 300").replace("memory = 32", &format!("memory = {}", total * 2 / 3));
    agent.run_job(&hog("first"));
    agent.wait_count("first", "running", 1);
    let path = agent.dir.path().join("second.nomad.hcl");
    std::fs::write(&path, hog("second")).expect("the jobspec is written");
    let output = agent.cli(&["job", "run", path.to_str().expect("UTF-8")]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("memory"), "{text}");
    let evaluations = agent.get("/v1/job/second/evaluations");
    assert!(evaluations.as_array().expect("evaluations").iter().any(|row| row["Status"] == "blocked"), "{evaluations}");
    agent.cli_ok(&["job", "stop", "-detach", "first"]);
    agent.wait_count("second", "running", 1);
}

#[test]
fn an_interrupted_dev_agent_takes_its_tasks_along() {
    let mut agent = TestAgent::start_temporary();
    agent.run_job(&counter("lives", 3));
    agent.wait_count("lives", "running", 3);
    let pids = agent.task_pids();
    let status = agent.interrupt();
    assert!(status.success(), "{status}: {}", agent.log());
    assert!(pids.iter().all(|pid| !is_alive(*pid)), "no task is left behind");
    assert_eq!(agent.cgroups(), Vec::<std::path::PathBuf>::new(), "no group is left behind");
}

#[test]
fn a_node_is_drained_kept_empty_and_taken_into_use_again() {
    let agent = TestAgent::start();
    agent.run_job(&counter("web", 2));
    agent.run_job(&batch("work", 1, "sleep 300"));
    agent.wait_count("web", "running", 2);
    agent.wait_count("work", "running", 1);
    let id = agent.get("/v1/nodes")[0]["ID"].as_str().expect("an id").to_owned();

    // One service leaves at a time (`migrate.max_parallel`), the next when that one runs elsewhere, which no other node lets happen
    // here; batch work stays until the deadline.
    agent.cli_ok(&["node", "drain", "-enable", "-no-deadline", "-detach", &id]);
    agent.wait_count("web", "running", 1);
    assert_eq!(agent.count("work", "running"), 1);
    assert!(agent.cli_ok(&["node", "status", &id]).contains("Drain        = true"));
    let refused = agent.cli(&["node", "eligibility", "-enable", &id]);
    assert!(!refused.status.success(), "not while it drains");

    // By force everything ends, and the drain with it.
    let told = agent.cli_ok(&["node", "drain", "-enable", "-force", &id]);
    assert!(told.contains("is drained") && told.contains("\"running\" -> "), "{told}");
    assert_eq!(agent.count("work", "running"), 0);
    let node = agent.get(&format!("/v1/node/{id}"));
    assert_eq!((&node["Drain"], &node["SchedulingEligibility"]), (&json!(false), &json!("ineligible")));

    // What waited comes back once the node may be used.
    agent.cli_ok(&["node", "eligibility", "-enable", "-self"]);
    agent.wait_count("web", "running", 2);
    agent.wait_count("work", "running", 1);

    // A forgotten node that still runs comes back by itself, and its jobs with it.
    agent.cli_ok(&["node", "purge", &id]);
    agent.wait("the node to register again", || agent.get("/v1/nodes")[0]["Status"] == "ready");
    agent.wait_count("web", "running", 2);
}
