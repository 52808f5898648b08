//! Roll-outs with real processes: the examples of `jobspecs/`, by the command line.

mod support;

use serde_json::Value;
use support::TestAgent;

/// Allocations of a job at a version that run.
fn running(agent: &TestAgent, job: &str, version: u64) -> Vec<Value> {
    let is_meant = |row: &Value| row["JobVersion"] == version && row["ClientStatus"] == "running" && row["DesiredStatus"] == "run";
    agent.allocations(job).into_iter().filter(is_meant).collect()
}

fn latest(agent: &TestAgent, job: &str) -> Value {
    agent.get(&format!("/v1/job/{job}/deployment"))
}

fn stable_versions(agent: &TestAgent, job: &str) -> Vec<u64> {
    let versions = agent.get(&format!("/v1/job/{job}/versions"))["Versions"].as_array().cloned().unwrap_or_default();
    let mut stable: Vec<u64> = versions.iter().filter(|job| job["Stable"] == true).filter_map(|job| job["Version"].as_u64()).collect();
    stable.sort_unstable();
    stable
}

#[test]
fn a_rolling_update_goes_step_by_step_to_success_and_a_failing_version_goes_back() {
    let agent = TestAgent::start();
    let spec = "jobspecs/rolling-update.nomad.hcl";
    let text = agent.cli_ok(&["job", "run", spec]);
    assert!(text.contains("Deployment completed successfully"), "{text}");
    assert_eq!(running(&agent, "rolling-update", 0).len(), 4);

    // The second version: a canary, promoted by itself, then two at a time, each batch healthy before the next.
    let text = agent.cli_ok(&["job", "run", "-var", "version=2", spec]);
    assert!(text.contains("Deployment completed successfully"), "{text}");
    let mut rows = running(&agent, "rolling-update", 1);
    assert_eq!(rows.len(), 4);
    agent.wait("the old instances to end", || agent.count("rolling-update", "running") == 4);
    rows.sort_by_key(|row| row["CreateIndex"].as_u64());
    let created: Vec<u64> = rows.iter().filter_map(|row| row["CreateIndex"].as_u64()).collect();
    let healthy_at: Vec<u64> = rows.iter().filter_map(|row| row["DeploymentStatus"]["ModifyIndex"].as_u64()).collect();
    assert_eq!((created.len(), healthy_at.len()), (4, 4), "{rows:?}");
    assert!(created[1] > created[0], "the canary comes first: {created:?}");
    for position in 1..4 {
        let proved = healthy_at[..position].iter().filter(|healthy| **healthy <= created[position]).count();
        assert!(proved + 2 > position, "never more than two unproved: {created:?} {healthy_at:?}");
    }
    assert_eq!(stable_versions(&agent, "rolling-update"), [0, 1]);

    // The third ends at once: its canary fails the deployment, and the second version comes back as a fourth.
    let output = agent.cli(&["job", "run", "-var", "version=3", "-var", "command=exit 3", spec]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("Failed due to unhealthy allocations - rolling back to job version 1"), "{text}");
    agent.wait("the way back", || latest(&agent, "rolling-update")["Status"] == "successful");
    assert_eq!(running(&agent, "rolling-update", 3).len(), 4);
    assert_eq!(agent.get("/v1/job/rolling-update")["Version"], 3);
}

#[test]
fn a_canary_waits_until_it_is_promoted() {
    let agent = TestAgent::start();
    let spec = "jobspecs/canary.nomad.hcl";
    agent.cli_ok(&["job", "run", spec]);
    let text = agent.cli_ok(&["job", "run", "-var", "version=2", spec]);
    assert!(text.contains("requires manual promotion"), "{text}");
    assert_eq!((running(&agent, "canary", 0).len(), running(&agent, "canary", 1).len()), (4, 1));
    let status = &running(&agent, "canary", 1)[0]["DeploymentStatus"];
    assert_eq!((&status["Canary"], &status["Healthy"]), (&true.into(), &true.into()));

    let id = latest(&agent, "canary")["ID"].as_str().expect("an id").to_owned();
    agent.cli_ok(&["deployment", "pause", &id[..8]]);
    assert_eq!(latest(&agent, "canary")["Status"], "paused");
    agent.cli_ok(&["deployment", "resume", "-detach", &id]);
    let listed = agent.cli_ok(&["deployment", "list"]);
    assert!(listed.contains("running"), "{listed}");

    let text = agent.cli_ok(&["deployment", "promote", &id]);
    assert!(text.contains("Deployment completed successfully"), "{text}");
    assert_eq!(running(&agent, "canary", 1).len(), 4);
    agent.wait("the old instances to end", || agent.count("canary", "running") == 4);

    // What is over cannot be changed any more.
    for verb in ["promote", "pause", "fail"] {
        let output = agent.cli(&["deployment", verb, &id]);
        assert_eq!(output.status.code(), Some(1), "{verb}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("that is terminal"), "{verb}");
    }
    // A person fails the next one: auto_revert takes the job back.
    agent.cli_ok(&["job", "run", "-var", "version=3", spec]);
    let third = latest(&agent, "canary")["ID"].as_str().expect("an id").to_owned();
    let text = agent.cli_ok(&["deployment", "fail", &third]);
    assert!(text.contains("goes back to version 1"), "{text}");
    agent.wait("the way back", || latest(&agent, "canary")["Status"] == "successful" && latest(&agent, "canary")["ID"] != third);
    agent.wait("the canary to end", || agent.count("canary", "running") == 4);
}

#[test]
fn blue_goes_when_green_is_promoted() {
    let agent = TestAgent::start();
    let spec = "jobspecs/blue-green.nomad.hcl";
    agent.cli_ok(&["job", "run", spec]);
    agent.cli_ok(&["job", "run", "-var", "version=green", spec]);
    assert_eq!((running(&agent, "blue-green", 0).len(), running(&agent, "blue-green", 1).len()), (3, 3));
    agent.cli_ok(&["job", "promote", "blue-green"]);
    assert_eq!((running(&agent, "blue-green", 0).len(), running(&agent, "blue-green", 1).len()), (0, 3));
    let text = agent.cli_ok(&["job", "revert", "blue-green", "0"]);
    assert!(text.contains("requires manual promotion"), "{text}");
}

#[test]
fn a_system_job_is_deployed_node_by_node() {
    let agent = TestAgent::start();
    let spec = "jobspecs/system.nomad.hcl";
    let text = agent.cli_ok(&["job", "run", spec]);
    assert!(text.contains("Deployment completed successfully"), "{text}");
    assert_eq!(running(&agent, "system", 0).len(), 1);
    let text = agent.cli_ok(&["job", "run", "-var", "version=2", spec]);
    assert!(text.contains("Deployment completed successfully"), "{text}");
    assert_eq!(running(&agent, "system", 1).len(), 1);
    agent.wait("the old instance to end", || agent.count("system", "running") == 1);
}
