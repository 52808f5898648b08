//! Several servers and nodes as real processes, each in a network namespace with an address of its own.
//!
//! Needs root and iproute2; without them the tests say so and pass. Each test makes its namespaces and takes them away again.

mod support;

use std::time::{Duration, Instant};

use support::cluster::{Cluster, is_possible};

/// Formed by join tokens, a job over both clients, the leader killed under load: what was acknowledged is there, and what should run
/// runs.
#[test]
fn a_cluster_survives_the_death_of_its_leader_under_load() {
    let Some(mut cluster) = three_servers_and_two_clients("death") else { return };

    // A job over both clients, its logs by way of any server.
    cluster.run_job("web", 4);
    cluster.wait("the job to run on both nodes", |cluster| {
        let running = cluster.running("web");
        running.len() == 4 && running.iter().map(|row| row["NodeID"].to_string()).collect::<std::collections::BTreeSet<_>>().len() == 2
    });
    for row in cluster.running("web") {
        let path = format!("/v1/client/fs/logs/{}?task=t&type=stdout&plain=true", row["ID"].as_str().expect("an id"));
        // On a node the servers want a token, unless it is about the node itself.
        let url = format!("http://127.0.0.1:4646{path}");
        let header = cluster.token_header();
        for agent in ["s1", "s2", "s3", "c1", "c2"] {
            cluster.wait(&format!("the log by way of {agent}"), |cluster| {
                cluster.curl(agent, &["-s", "-H", &header, &url]).contains("hello from web")
            });
        }
    }

    // Writes to a follower while the leader dies: each one acknowledged is there afterwards.
    let leader = cluster.leader();
    let asked = cluster.other_servers(&leader)[0].clone();
    let mut acknowledged = Vec::new();
    for number in 0..40 {
        if number == 10 {
            cluster.kill(&leader);
        }
        let name = format!("load-{number}");
        let (status, text) = cluster.agent(&asked).register(&name, 0);
        match status {
            200 => acknowledged.push(name),
            // Nobody leads: said within the time it promises, and worth a retry.
            503 => assert!(text.contains("No cluster leader"), "{text}"),
            other => panic!("{name}: {other} {text}"),
        }
    }
    assert!(acknowledged.len() >= 30, "only {} of 40 writes went through", acknowledged.len());
    cluster.wait("every acknowledged write to be there", |cluster| {
        let jobs = cluster.get("/v1/jobs?prefix=load-");
        let there: Vec<&str> = jobs.as_array().into_iter().flatten().filter_map(|job| job["ID"].as_str()).collect();
        acknowledged.iter().all(|name| there.contains(&name.as_str()))
    });

    // The cluster still schedules, and the dead server comes back as it was.
    cluster.run_job("web", 6);
    cluster.wait("the job to grow", |cluster| cluster.running("web").len() == 6);
    cluster.start(&leader);
    cluster.wait("all servers to have the same state", |cluster| cluster.servers_agree());
    let indexes: std::collections::BTreeSet<String> = cluster.running("web").iter().map(|row| row["Name"].to_string()).collect();
    assert_eq!(indexes.len(), 6, "no index runs twice");

    // A node cut off for a while keeps its tasks, and is found again.
    let before = cluster.agent("c1").task_pids();
    assert!(!before.is_empty());
    cluster.cut_off("c1");
    cluster.wait("the silence to be noticed", |cluster| cluster.node_status("c1") != "ready");
    assert_eq!(cluster.agent("c1").task_pids(), before, "a node cut off keeps its tasks");
    cluster.heal("c1");
    cluster.wait("the node to be back", |cluster| cluster.node_status("c1") == "ready");
    cluster.wait("six to run again, each once", |cluster| {
        let running = cluster.running("web");
        let names: std::collections::BTreeSet<String> = running.iter().map(|row| row["Name"].to_string()).collect();
        running.len() == 6 && names.len() == 6
    });
}

/// Who may join, and who may ask for what.
#[test]
fn only_members_get_in_and_each_gets_only_its_own() {
    let Some(mut cluster) = Cluster::new("doors", &["s1", "c1"]) else { return };
    cluster.bootstrap("s1");
    let expired = cluster.join_token("client", &["-ttl", "1s"]);
    let token = cluster.join_token("client", &[]);
    cluster.join("c1", &token);
    cluster.wait("the node to be ready", |cluster| cluster.node_status("c1") == "ready");

    // A used-up, an expired, a revoked and a made-up token let nobody in.
    let refused = |cluster: &mut Cluster, token: &str| cluster.refused_join("c2", token);
    assert!(refused(&mut cluster, &token).contains("used up"));
    let expiry: i64 = expired.split('.').nth(2).and_then(|text| text.parse().ok()).expect("an expiry");
    cluster.wait("the token to expire", |_| pannier::util::clock::Timestamp::now().seconds() > expiry);
    assert!(refused(&mut cluster, &expired).contains("expired"));
    let revoked = cluster.join_token("client", &[]);
    let id = revoked.split('.').nth(3).expect("an id").to_owned();
    cluster.cli("s1", &["token", "join", "revoke", &id]);
    assert!(refused(&mut cluster, &revoked).contains("not known"));
    assert!(refused(&mut cluster, "pannier-join.client.1.2.3.4").contains("not a join token"));
    let server_token = cluster.join_token("server", &[]);
    // The token of another cluster's authority: the connection itself is refused, which is tried again until the operator gives up.
    let (rest, fingerprint) = server_token.rsplit_once('.').expect("a fingerprint");
    let flipped: String = fingerprint.chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect();
    assert!(cluster.unjoined("c2", &format!("{rest}.{flipped}")).contains("cannot join yet"));

    // The API beyond loopback: encrypted, and not without the token.
    let plain = cluster.curl("c1", &["-s", &format!("http://{}:4646/v1/jobs", cluster.agent("s1").ip)]);
    assert!(plain.contains("HTTPS"), "{plain}");
    let jobs = format!("https://{}:4646/v1/jobs", cluster.agent("s1").ip);
    let authority = cluster.agent("s1").data_dir().join("server/tls/ca.pem");
    let authority = authority.to_str().expect("UTF-8");
    assert!(cluster.curl("c1", &["-s", "--cacert", authority, &jobs]).contains("Permission denied"));
    let header = cluster.token_header();
    assert_eq!(cluster.curl("c1", &["-s", "--cacert", authority, "-H", &header, &jobs]).trim(), "[]");

    // A node's own certificate opens nothing but its own link: not consensus, not another node's allocations.
    let tls = cluster.agent("c1").data_dir().join("client/tls");
    let path = |name: &str| tls.join(name).to_str().expect("UTF-8").to_owned();
    let rpc = |cluster: &Cluster, target: &str| {
        let resolve = format!("server.pannier.internal:4647:{}", cluster.agent("s1").ip);
        let url = format!("https://server.pannier.internal:4647{target}");
        let arguments = [
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--http2-prior-knowledge",
            "--resolve",
            &resolve,
            "--cacert",
            &path("ca.pem"),
            "--cert",
            &path("node.pem"),
            "--key",
            &path("node.key"),
            "-H",
            "x-pannier-protocol: 1",
            "-X",
            "POST",
            // Without a body: a refusal comes before one is read, which curl may take for an error of the connection.
            &url,
        ];
        cluster.curl("c1", &arguments)
    };
    assert_eq!(rpc(&cluster, "/v1/raft/vote"), "403");
    assert_eq!(rpc(&cluster, "/v1/cluster/announce"), "403");
    assert_eq!(rpc(&cluster, "/http/v1/jobs"), "403", "a node's users need the token too");
    assert_eq!(rpc(&cluster, "/v1/node/heartbeat"), "400", "this is its own, but no heartbeat");

    // Cut off for good.
    let node = cluster.node_id("c1");
    cluster.cli("s1", &["server", "force-leave", &node]);
    cluster.wait("the node to be given up", |cluster| cluster.node_status("c1") != "ready");
    assert_eq!(rpc(&cluster, "/v1/node/heartbeat"), "403");
}

/// A leader without its followers refuses rather than guess, one that is held up costs nothing, and all three may die at once.
#[test]
fn what_the_network_and_the_machines_do_costs_nothing_that_was_acknowledged() {
    let Some(mut cluster) = Cluster::of_three_servers("cut", &["s1", "s2", "s3"]) else { return };
    let leader = cluster.leader();
    cluster.cut_off(&leader);
    // It may still think that it leads; it must not say that anything was done.
    let asked_at = Instant::now();
    let (status, text) = cluster.agent(&leader).register("by-nobody", 0);
    assert_eq!(status, 503, "{text}");
    assert!(asked_at.elapsed() < Duration::from_secs(7), "{:?}", asked_at.elapsed());
    let others = cluster.other_servers(&leader);
    cluster.wait("the others to go on", |cluster| cluster.agent(&others[0]).register("by-the-others", 0).0 == 200);
    cluster.heal(&leader);
    cluster.wait("all servers to have the same state", |cluster| cluster.servers_agree());

    let held_up = cluster.leader();
    let others = cluster.other_servers(&held_up);
    cluster.signal(&held_up, "STOP");
    let asked_at = Instant::now();
    let (status, _) = cluster.agent(&others[0]).register("while-held-up", 0);
    assert!(status == 200 || status == 503, "{status}");
    assert!(asked_at.elapsed() < Duration::from_secs(7), "{:?}", asked_at.elapsed());
    cluster.wait("the others to go on", |cluster| cluster.agent(&others[0]).register("while-held-up", 0).0 == 200);
    cluster.signal(&held_up, "CONT");
    cluster.wait("all servers to have the same state", |cluster| cluster.servers_agree());

    for server in ["s1", "s2", "s3"] {
        cluster.kill(server);
    }
    for server in ["s1", "s2", "s3"] {
        cluster.start(server);
    }
    cluster.wait("all servers to have the same state", |cluster| cluster.servers_agree());
    let jobs = cluster.get("/v1/jobs").to_string();
    assert!(jobs.contains("by-the-others") && jobs.contains("while-held-up"), "{jobs}");
}

fn three_servers_and_two_clients(name: &str) -> Option<Cluster> {
    let mut cluster = Cluster::of_three_servers(name, &["s1", "s2", "s3", "c1", "c2"])?;
    cluster.join_clients(&["c1", "c2"]);
    Some(cluster)
}

#[test]
fn what_is_needed_is_looked_for() {
    // So that a skipped run is seen in the log.
    eprintln!("network namespaces can be made here: {}", is_possible());
}
