//! What waits and what streams, on a live agent: blocking queries, events, followed logs; and what operators do to running tasks.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::{BINARY, TestAgent, is_root};

fn script(id: &str, script: &str, memory: u64) -> Value {
    json!({"Job": {"ID": id, "Type": "service", "Datacenters": ["*"], "TaskGroups": [{
        "Name": "g", "Count": 1,
        "RestartPolicy": {"Attempts": 1, "Interval": 1_800_000_000_000_u64, "Delay": 10_000_000, "Mode": "fail"},
        "ReschedulePolicy": {"Attempts": 0, "Unlimited": false},
        "Tasks": [{
            "Name": "t", "Driver": "raw_exec",
            "Config": {"command": "/bin/sh", "args": ["-c", script]},
            "Resources": {"CPU": 20, "MemoryMB": memory},
        }],
    }]}})
}

fn only_allocation(agent: &TestAgent, job: &str) -> String {
    agent.allocations(job)[0]["ID"].as_str().expect("an id").to_owned()
}

fn events_of(agent: &TestAgent, allocation: &str) -> Vec<Value> {
    agent.get(&format!("/v1/allocation/{allocation}"))["TaskStates"]["t"]["Events"].as_array().cloned().unwrap_or_default()
}

/// Opens a streaming GET and returns its body's lines.
fn open(agent: &TestAgent, path: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", agent.port)).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("sent");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(reader.read_line(&mut line).expect("headers") > 0, "the connection closed early");
    }
    reader
}

/// The next line that parses as a JSON object (chunk sizes and heartbeats are passed over).
fn next_object(reader: &mut BufReader<TcpStream>) -> Value {
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).expect("a line in time") > 0, "the stream ended");
        match serde_json::from_str::<Value>(line.trim()) {
            Ok(Value::Object(object)) if !object.is_empty() => return Value::Object(object),
            _ => {}
        }
    }
}

#[test]
fn a_blocking_query_wakes_for_its_change_and_not_before() {
    let agent = TestAgent::start();
    agent.put("/v1/jobs", &script("one", "sleep 1000", 16));
    agent.wait_count("one", "running", 1);
    let head = agent.try_request("GET", "/v1/jobs", "").expect("an answer");
    assert_eq!(head.0, 200);
    let index = agent.get("/v1/job/one")["ModifyIndex"].as_u64().expect("an index");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| agent.get(&format!("/v1/jobs?index={index}&wait=60s&prefix=two")));
        agent.put("/v1/jobs", &script("two", "sleep 1000", 16));
        let jobs = waiting.join().expect("the query ends");
        // It may have been woken by the job's first status; ask again until it shows.
        if jobs.as_array().is_some_and(Vec::is_empty) {
            agent.wait("the second job", || agent.get("/v1/jobs?prefix=two").as_array().is_some_and(|jobs| jobs.len() == 1));
        }
    });
    let unchanged = agent.get("/v1/job/one")["ModifyIndex"].as_u64().expect("an index");
    let started = std::time::Instant::now();
    agent.get(&format!("/v1/job/one?index={unchanged}&wait=1s"));
    assert!(started.elapsed() >= Duration::from_secs(1), "nothing happened to the job, so the query waits");
}

#[test]
fn the_event_stream_tells_a_jobs_story_in_order() {
    let agent = TestAgent::start();
    let mut events = open(&agent, "/v1/event/stream?topic=Job:story&topic=Allocation:story&topic=Evaluation:story");
    agent.put("/v1/jobs", &script("story", "sleep 1000", 16));
    let mut kinds = Vec::new();
    let mut last_index = 0;
    while !kinds.contains(&"AllocationUpdated".to_owned()) {
        let batch = next_object(&mut events);
        let index = batch["Index"].as_u64().expect("an index");
        assert!(index > last_index, "indexes rise: {index} after {last_index}");
        last_index = index;
        kinds.extend(batch["Events"].as_array().expect("events").iter().filter_map(|event| Some(event["Type"].as_str()?.to_owned())));
    }
    let position = |kind: &str| kinds.iter().position(|found| found == kind).unwrap_or_else(|| panic!("no {kind} in {kinds:?}"));
    assert!(position("JobRegistered") < position("AllocationUpdated"), "{kinds:?}");
    assert!(position("EvaluationUpdated") < position("AllocationUpdated"), "{kinds:?}");
}

#[test]
fn logs_are_followed_until_the_task_ends() {
    let agent = TestAgent::start();
    let mut job = script("counts", "for i in 1 2 3 4 5 6 7 8; do echo n$i; sleep 0.2; done", 16);
    job["Job"]["Type"] = json!("batch");
    agent.put("/v1/jobs", &job);
    agent.wait("the allocation", || !agent.allocations("counts").is_empty());
    let id = only_allocation(&agent, "counts");
    agent.wait("the start", || events_of(&agent, &id).iter().any(|event| event["Type"] == "Started"));
    let follower = Command::new(BINARY)
        .args(["alloc", "logs", "-f", &id])
        .env("NOMAD_ADDR", agent.address())
        .stdin(Stdio::null())
        .output()
        .expect("the CLI runs");
    assert!(follower.status.success(), "{}", String::from_utf8_lossy(&follower.stderr));
    let expected: String = (1..=8).map(|n| format!("n{n}\n")).collect();
    assert_eq!(String::from_utf8_lossy(&follower.stdout), expected);
}

#[test]
fn operators_restart_signal_and_stop_a_task() {
    let agent = TestAgent::start();
    agent.put("/v1/jobs", &script("handled", "trap 'echo hup' HUP; echo up; while :; do sleep 0.1; done", 16));
    agent.wait_count("handled", "running", 1);
    let id = only_allocation(&agent, "handled");
    let logs = || agent.cli_ok(&["alloc", "logs", &id]);
    agent.wait("the trap", || logs().contains("up"));
    agent.cli_ok(&["alloc", "signal", "-s", "SIGHUP", &id]);
    agent.wait("the signal's effect", || logs().contains("hup"));
    agent.cli_ok(&["alloc", "restart", &id]);
    agent.wait("a second start", || logs().matches("up\n").count() >= 2);
    if is_root() {
        agent.wait("usage of the restarted task", || {
            let stats = agent.get(&format!("/v1/client/allocation/{id}/stats"));
            stats["Tasks"]["t"]["ResourceUsage"]["MemoryStats"]["Usage"].as_u64().is_some_and(|bytes| bytes > 0)
        });
    }
    agent.cli_ok(&["alloc", "stop", "-detach", &id]);
    agent.wait("a replacement", || agent.count("handled", "running") == 1 && agent.allocations("handled").len() == 2);
    assert_eq!(agent.get(&format!("/v1/allocation/{id}"))["DesiredStatus"], "stop");
}

#[test]
fn an_oom_kill_is_reported_as_such() {
    if !is_root() {
        println!("SKIPPED: needs root for memory limits");
        return;
    }
    let agent = TestAgent::start();
    agent.put("/v1/jobs", &script("hungry", "x=x; while :; do x=$x$x; done", 16));
    agent.wait_count("hungry", "failed", 1);
    let id = only_allocation(&agent, "hungry");
    let events = events_of(&agent, &id);
    let end = events.iter().find(|event| event["Type"] == "Terminated").expect("an end");
    assert_eq!(end["Details"]["oom_killed"], "true", "{events:?}");
}
