//! What operators do with the servers of a cluster: look at their health, take them out, let another one lead, save and restore the state.
//!
//! Needs root, iproute2 and curl; without them the tests say so and pass.

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use support::cluster::Cluster;

#[test]
fn a_dead_server_leaves_by_itself_and_a_wiped_one_comes_back_as_another() {
    let Some(mut cluster) = Cluster::of_three_servers("dead", &["s1", "s2", "s3"]) else { return };
    let config = cluster.cli("s1", &["operator", "autopilot", "get-config"]);
    assert!(config.contains("CleanupDeadServers      = true"), "{config}");
    cluster.cli("s1", &["operator", "autopilot", "set-config", "-dead-server-threshold", "5s", "-last-contact-threshold", "3s"]);
    let changed: Value = serde_json::from_str(&cluster.cli("s2", &["operator", "autopilot", "get-config", "-json"])).expect("JSON");
    assert_eq!((&changed["DeadServerThreshold"], &changed["CleanupDeadServers"]), (&json!("5s"), &json!(true)));

    // Any server says how all of them do.
    for server in ["s1", "s2", "s3"] {
        cluster.wait("all servers to be well", |cluster| {
            let (status, health) = cluster.agent(server).try_get("/v1/operator/autopilot/health").unwrap_or_default();
            status == 200 && health["Healthy"] == json!(true) && health["FailureTolerance"] == json!(1)
        });
    }
    let leader = cluster.leader();
    let victim = cluster.other_servers(&leader)[0].clone();
    let old = cluster.raft_id(&victim);
    cluster.kill(&victim);
    cluster.wait("the failure to be seen", |cluster| {
        let (status, health) = cluster.agent(&leader).try_get("/v1/operator/autopilot/health").unwrap_or_default();
        status == 429 && health["FailureTolerance"] == json!(0)
    });
    cluster.wait("the dead server to be out", |cluster| !cluster.raft_ids().contains(&old));

    // As it was it is let in again under its id: its log and its certificate are still good.
    cluster.start(&victim);
    cluster.wait_voters(3);
    assert_eq!(cluster.raft_id(&victim), old);

    // Without its log it must not be who it was: what it had acknowledged is gone.
    cluster.kill(&victim);
    fs::remove_dir_all(cluster.agent(&victim).data_dir().join("server/raft")).expect("the log is removed");
    fs::remove_dir_all(cluster.agent(&victim).data_dir().join("server/snapshots")).expect("the snapshots are removed");
    let token = cluster.join_token("server", &[]);
    let refused = cluster.refused_again(&victim, &token);
    assert!(refused.contains("comes back as a new one"), "{refused}");
    // Wiped altogether it is a new one.
    fs::remove_dir_all(cluster.agent(&victim).data_dir()).expect("all of it is removed");
    cluster.rejoin_at(&leader, &victim, &token);
    cluster.wait("the new server to vote and the old one to be out", |cluster| {
        let ids = cluster.raft_ids();
        ids.len() == 3 && !ids.contains(&old)
    });
    cluster.wait_voters(3);
    cluster.wait("all servers to have the same state", |cluster| cluster.servers_agree());
}

#[test]
fn leadership_moves_when_asked_to_and_peers_leave_when_told_to() {
    let Some(mut cluster) = Cluster::of_three_servers("move", &["s1", "s2", "s3"]) else { return };
    let leader = cluster.leader();
    let others = cluster.other_servers(&leader);
    let heir = cluster.agent(&others[1]).ip.clone();
    cluster.cli(&others[0], &["operator", "raft", "transfer-leadership", "-peer-address", &format!("{heir}:4647")]);
    cluster.wait("the heir to lead", |cluster| cluster.leader() == others[1]);
    assert_eq!(cluster.agent(&others[0]).register("after", 0).0, 200);

    let removed = cluster.raft_id(&others[0]);
    cluster.cli(&leader, &["operator", "raft", "remove-peer", "-peer-id", &removed]);
    // Its certificate is good: it announces itself and is let in again.
    cluster.wait_voters(3);
    cluster.cli(&leader, &["server", "force-leave", &others[0]]);
    cluster.wait("the server to be out", |cluster| cluster.raft_ids_at(&leader).len() == 2);
    // For good: what it says is not listened to.
    cluster.kill(&others[0]);
    cluster.start(&others[0]);
    let members = |cluster: &Cluster| cluster.cli(&leader, &["server", "members"]);
    assert!(!members(&cluster).contains(&format!("{}.", others[0])), "{}", members(&cluster));
    assert_eq!(cluster.agent(&leader).register("two-are-left", 0).0, 200);
    assert_eq!(cluster.raft_ids_at(&leader).len(), 2);
    let listed = cluster.cli(&leader, &["operator", "raft", "list-peers"]);
    assert!(listed.contains("leader") && listed.lines().count() == 3, "{listed}");
}

#[test]
fn a_saved_state_is_restored_into_a_fresh_cluster() {
    let kept = tempfile::tempdir().expect("a directory");
    let archive = kept.path().join("state.snap");
    let archive = archive.to_str().expect("UTF-8");
    {
        let Some(mut cluster) = Cluster::of_three_servers("save", &["s1", "s2", "s3", "c1"]) else { return };
        cluster.join_clients(&["c1"]);
        cluster.run_job("web", 2);
        cluster.wait("the job to run", |cluster| cluster.running("web").len() == 2);
        for number in 0..120 {
            assert_eq!(cluster.agent("s2").register(&format!("old-{number}"), 0).0, 200);
        }
        // From a follower as well as from the leader.
        let follower = cluster.other_servers(&cluster.leader())[0].clone();
        let said = cluster.cli(&follower, &["operator", "snapshot", "save", archive]);
        assert!(said.contains("verified"), "{said}");
    }
    let mut cluster = Cluster::of_three_servers("restore", &["s1", "s2", "s3", "c1"]).expect("it was possible before");
    cluster.join_clients(&["c1"]);
    cluster.run_job("young", 1);
    cluster.wait("the job to run", |cluster| cluster.running("young").len() == 1);
    let inspected = cluster.cli("s1", &["operator", "snapshot", "inspect", archive]);
    assert!(inspected.lines().any(|line| line.split_whitespace().eq(["Jobs", "121"])), "{inspected}");

    let damaged = kept.path().join("damaged.snap");
    let mut bytes = fs::read(archive).expect("the archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&damaged, &bytes).expect("a copy");
    let damaged = damaged.to_str().expect("UTF-8");
    for verb in ["inspect", "restore"] {
        let refused = cluster.cli_refused("s1", &["operator", "snapshot", verb, damaged]);
        assert!(refused.contains("cannot be used"), "{refused}");
    }
    // The agent looks for itself.
    let body = format!("@{damaged}");
    let answer = cluster.curl("s2", &["-s", "-X", "PUT", "--data-binary", &body, "http://127.0.0.1:4646/v1/operator/snapshot"]);
    assert!(answer.contains("failed to restore the snapshot"), "{answer}");
    assert_eq!(cluster.running("young").len(), 1, "a damaged archive changes nothing");

    let follower = cluster.other_servers(&cluster.leader())[0].clone();
    cluster.cli(&follower, &["operator", "snapshot", "restore", archive]);
    cluster.wait("the old jobs to be there", |cluster| {
        let jobs = cluster.get("/v1/jobs");
        let names: BTreeSet<&str> = jobs.as_array().into_iter().flatten().filter_map(|job| job["ID"].as_str()).collect();
        names.len() == 121 && names.contains("old-119") && !names.contains("young")
    });
    // The node stops what nobody knows any more. The old cluster's node is gone: its instances come to the one there is.
    cluster.wait("the old job to run on the new node", |cluster| {
        cluster.running("web").len() == 2 && cluster.agent("c1").task_pids().len() == 2
    });
    assert_eq!(cluster.agent("s1").register("and-on", 0).0, 200);
    cluster.wait("all servers to have the same state", |cluster| cluster.servers_agree());
    // It outlives what servers suffer.
    for server in ["s1", "s2", "s3"] {
        cluster.kill(server);
    }
    for server in ["s1", "s2", "s3"] {
        cluster.start(server);
    }
    cluster.verify(&["and-on".to_owned(), "old-0".to_owned()], &[("web", 2)]);
}

impl Cluster {
    fn raft_ids(&self) -> BTreeSet<String> {
        ids(&self.get("/v1/operator/raft/configuration"))
    }

    fn raft_ids_at(&self, server: &str) -> BTreeSet<String> {
        ids(&self.agent(server).try_get("/v1/operator/raft/configuration").map(|(_, value)| value).unwrap_or_default())
    }

    fn raft_id(&self, server: &str) -> String {
        let configuration = self.get("/v1/operator/raft/configuration");
        let address = format!("{}:4647", self.agent(server).ip);
        let servers = configuration["Servers"].as_array().expect("a list");
        let found = servers.iter().find(|row| row["Address"] == address.as_str()).expect("a member");
        found["ID"].as_str().expect("an id").to_owned()
    }
}

fn ids(configuration: &Value) -> BTreeSet<String> {
    configuration["Servers"].as_array().into_iter().flatten().filter_map(|server| server["ID"].as_str().map(str::to_owned)).collect()
}
