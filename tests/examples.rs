//! The examples of `jobspecs/`, by the command line: each runs, when all that it uses exists.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;

use support::TestAgent;

/// What a lone machine without a GPU cannot place all of: how many instances it takes, and what the scheduler says of the rest.
const NEEDS_MORE: [(&str, usize, &str); 3] =
    [("constraints", 1, "distinct_hosts"), ("device", 0, "device nvidia/gpu"), ("nearby", 0, "${job.cache}")];

#[test]
fn every_example_runs_or_says_what_is_missing() {
    let agent = TestAgent::start();
    let mut paths: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("jobspecs"))
        .expect("the examples")
        .map(|entry| entry.expect("an entry").path().to_str().expect("UTF-8").to_owned())
        .filter(|path| path.ends_with(".hcl"))
        .collect();
    paths.sort();
    let mut not_yet = Vec::new();
    let total = paths.len();
    for path in paths {
        let output = agent.cli(&["job", "validate", &path]);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() && !said.contains("is stored, but pannier does not") {
            run(&agent, &path);
        } else {
            assert!(output.status.success() || said.contains("no driver"), "{path}: {said}");
            not_yet.push(path.rsplit('/').next().unwrap_or_default().to_owned());
        }
    }
    eprintln!("{} of {total} examples ran; what the others use does not exist yet: {}", total - not_yet.len(), not_yet.join(", "));
    assert!(total - not_yet.len() >= 18, "{not_yet:?}");
}

fn run(agent: &TestAgent, path: &str) {
    let text = agent.cli_ok(&["job", "run", "-output", path]);
    let spec = serde_json::from_str::<Value>(&text).expect("JSON")["Job"].clone();
    let id = spec["ID"].as_str().expect("an id");
    agent.cli(&["job", "run", "-detach", path]);
    if let Some((_, places, reason)) = NEEDS_MORE.iter().find(|(name, ..)| *name == id) {
        agent.wait(&format!("{id} to be explained by {reason}"), || agent.cli_ok(&["job", "explain", id]).contains(reason));
        settled(agent, id, *places);
    } else if !spec["ParameterizedJob"].is_null() {
        let payload = agent.data_dir().join("payload.txt");
        fs::write(&payload, "a line").expect("the payload is written");
        agent.cli_ok(&["job", "dispatch", "-detach", "-meta", "NAME=you", id, payload.to_str().expect("UTF-8")]);
        settled(agent, &child(agent, id), 1);
    } else if !spec["Periodic"].is_null() {
        agent.cli_ok(&["job", "periodic", "force", id]);
        settled(agent, &child(agent, id), 1);
    } else {
        let groups = spec["TaskGroups"].as_array().expect("groups");
        let count: u64 = groups.iter().map(|group| group["Count"].as_u64().unwrap_or_default()).sum();
        settled(agent, id, usize::try_from(count).expect("a small number").max(1));
    }
    agent.cli_ok(&["job", "stop", "-purge", "-detach", id]);
}

/// The job that a launch made of this one.
fn child(agent: &TestAgent, id: &str) -> String {
    let jobs = agent.get(&format!("/v1/jobs?prefix={id}/"));
    jobs[0]["ID"].as_str().expect("a launched job").to_owned()
}

fn settled(agent: &TestAgent, id: &str, count: usize) {
    agent.wait(&format!("{count} instances of {id} to run or to have run"), || {
        agent.count(id, "running") + agent.count(id, "complete") >= count
    });
}
