//! Two builds in one cluster: servers and nodes are upgraded one after the other, while jobs run and writes go on.
//!
//! The older build is the binary that `PANNIER_PREVIOUS` names; without it, or without root, iproute2 and curl, the test says so and
//! passes. A copy of `target/debug/pannier` from before a change will do.

mod support;

use std::path::PathBuf;

use support::cluster::Cluster;
use support::faults::Load;

#[test]
fn a_cluster_is_upgraded_one_agent_at_a_time() {
    let Some(previous) = std::env::var_os("PANNIER_PREVIOUS").map(PathBuf::from) else {
        eprintln!("SKIPPED: PANNIER_PREVIOUS names no binary of an earlier build");
        return;
    };
    let Some(mut cluster) = Cluster::new("mixed", &["s1", "s2", "s3", "c1"]) else { return };
    let all = ["s1", "s2", "s3", "c1"];
    all.iter().for_each(|name| cluster.use_binary(name, Some(previous.clone())));
    cluster.bootstrap("s1");
    let token = cluster.join_token("server", &["-uses", "2"]);
    cluster.join("s2", &token);
    cluster.join("s3", &token);
    cluster.wait_voters(3);
    cluster.join_clients(&["c1"]);
    cluster.run_job("web", 2);
    cluster.wait("the job to run", |cluster| cluster.agent("c1").task_pids().len() == 2);
    let tasks = cluster.agent("c1").task_pids();

    let mut acknowledged = Vec::new();
    for (step, name) in all.into_iter().enumerate() {
        let others: Vec<String> = all[..3].iter().filter(|other| **other != name).map(|other| (*other).to_owned()).collect();
        let load = Load::start(&format!("upgrade-{step}"), cluster.remotes(&others));
        cluster.kill(name);
        cluster.use_binary(name, None);
        cluster.start(name);
        let marker = format!("with-{name}-upgraded");
        cluster.wait("writes by way of every server", |cluster| {
            all[..3].iter().all(|server| cluster.agent(server).register(&marker, 0).0 == 200)
        });
        // Old and new lead in turn.
        cluster.cli(&others[0], &["operator", "raft", "transfer-leadership"]);
        cluster.wait("a leader", |cluster| cluster.agent(&others[0]).register(&marker, 0).0 == 200);
        acknowledged.push(marker);
        acknowledged.extend(load.stop().acknowledged);
    }
    cluster.wait("the node to be ready", |cluster| cluster.node_status("c1") == "ready");
    assert_eq!(cluster.agent("c1").task_pids(), tasks, "the tasks did not notice");
    cluster.verify(&acknowledged, &[("web", 2)]);
}
