//! Bad and hostile input over HTTP and the CLI: a clear error, nothing half done, the agent unharmed.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use support::TestAgent;

fn job(id: &str) -> Value {
    json!({"Job": {"ID": id, "Type": "batch", "Datacenters": ["*"], "TaskGroups": [{
        "Name": "g", "Count": 1, "Tasks": [{
            "Name": "t", "Driver": "mock_driver", "Config": {"run_for": "1s"},
            "Resources": {"CPU": 20, "MemoryMB": 32},
        }],
    }]}})
}

/// Registers a changed job; returns status and text.
fn register(agent: &TestAgent, change: impl FnOnce(&mut Value)) -> (u16, String) {
    let mut body = job("bad");
    change(&mut body["Job"]);
    agent.try_request("PUT", "/v1/jobs", &body.to_string()).expect("the agent answers")
}

#[test]
fn wrong_registrations_are_refused_and_leave_nothing() {
    let agent = TestAgent::start();
    let (status, text) = agent.try_request("PUT", "/v1/jobs", "").expect("an answer");
    assert_eq!((status, text.trim()), (400, "Request body is empty"));
    let (status, text) = agent.try_request("PUT", "/v1/jobs", "{\"Job\": {\"ID\": }").expect("an answer");
    assert!(status == 400 && text.contains("line 1"), "{status} {text}");

    let (status, text) = register(&agent, |job| job["TaskGroups"][0]["Tasks"][0]["Driver"] = json!("warp_drive"));
    assert!((400..=500).contains(&status) && text.contains("warp_drive"), "{status} {text}");
    let (status, text) = register(&agent, |job| job["TaskGroups"][0]["Tasks"][0]["Resources"]["MemoryMB"] = json!(-5));
    assert!((400..=500).contains(&status) && text.to_lowercase().contains("memory"), "{status} {text}");
    let (status, text) = register(&agent, |job| job["TaskGroups"][0]["Tasks"][0]["Config"]["run_fro"] = json!("1s"));
    assert!((400..=500).contains(&status) && text.contains("run_fro") && text.contains("run_for"), "{status} {text}");
    let (status, text) = register(&agent, |job| {
        job["Priority"] = json!(5000);
        job["TaskGroups"][0]["Count"] = json!(-1);
    });
    assert!((400..=500).contains(&status), "{status} {text}");
    assert_eq!(agent.get("/v1/jobs"), json!([]), "nothing was registered");
    assert_eq!(agent.get("/v1/evaluations"), json!([]), "nothing was evaluated");
}

#[test]
fn more_than_any_node_has_is_explained() {
    let agent = TestAgent::start();
    let (status, _) = register(&agent, |job| job["TaskGroups"][0]["Tasks"][0]["Resources"]["MemoryMB"] = json!(900_000_000));
    assert_eq!(status, 200);
    agent.wait("the blocked evaluation", || {
        let evaluations = agent.get("/v1/job/bad/evaluations");
        evaluations.as_array().is_some_and(|rows| rows.iter().any(|row| row["FailedTGAllocs"]["g"]["DimensionExhausted"]["memory"] == 1))
    });
}

#[test]
fn a_huge_body_is_refused_and_the_agent_goes_on() {
    let agent = TestAgent::start();
    let mut stream = TcpStream::connect(("127.0.0.1", agent.port)).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let length = 100 << 20;
    write!(stream, "PUT /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n").expect("sent");
    let chunk = vec![b' '; 1 << 20];
    for _ in 0..100 {
        // The agent may close before it has taken everything.
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    if !answer.is_empty() {
        assert!(answer.starts_with("HTTP/1.1 413"), "{}", answer.lines().next().unwrap_or_default());
    }
    let (status, text) =
        agent.try_request("PUT", "/v1/jobs", &format!("{{\"Job\": \"{}\"}}", "x".repeat(40 << 20))).unwrap_or((413, String::new()));
    assert_eq!(status, 413, "{text:.200}");
    agent.get("/v1/jobs");
}

#[test]
fn a_wrong_jobspec_is_pointed_at() {
    let agent = TestAgent::start();
    let path = agent.dir.path().join("wrong.nomad.hcl");
    std::fs::write(&path, "job \"x\" {\n  group \"g\" {\n    cuont = 2\n    task \"t\" {\n      driver = \"raw_exec\"\n    }\n  }\n}\n")
        .expect("written");
    for command in [["job", "validate"], ["job", "run"]] {
        let output = agent.cli(&[command[0], command[1], path.to_str().expect("UTF-8")]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("wrong.nomad.hcl:3:5") && text.contains("count"), "{text}");
    }
    assert_eq!(agent.get("/v1/jobs"), json!([]));
}

#[test]
fn thousands_of_connections_and_slow_readers_do_no_harm() {
    let agent = TestAgent::start();
    // As many as this process may open, at most 10,000.
    let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).expect("a limit");
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, limit.1, limit.1);
    let wanted = usize::try_from(limit.1).unwrap_or(usize::MAX).saturating_sub(200).min(10_000);
    let mut connections = Vec::new();
    // A reader of the event stream that never reads.
    let mut slow = TcpStream::connect(("127.0.0.1", agent.port)).expect("connected");
    write!(slow, "GET /v1/event/stream HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    for _ in 0..wanted {
        match TcpStream::connect(("127.0.0.1", agent.port)) {
            Ok(stream) => connections.push(stream),
            Err(error) => {
                println!("{} connections, then: {error}", connections.len());
                break;
            }
        }
    }
    assert!(connections.len() > wanted / 2, "{} of {wanted}", connections.len());
    drop(connections);
    for ordinal in 0..50 {
        agent.wait("an answer under load", || {
            agent.try_request("PUT", "/v1/jobs", &job(&format!("load-{ordinal}")).to_string()).is_ok_and(|(status, _)| status == 200)
        });
    }
    assert_eq!(agent.get("/v1/jobs?prefix=load-").as_array().expect("jobs").len(), 50);
}
