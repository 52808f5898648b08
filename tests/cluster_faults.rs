//! What machines and networks do to a cluster, one fault at a time, while writes go on. After each: what was acknowledged is there, what
//! should run runs, nothing twice, and every server has the same state, byte for byte.
//!
//! Needs root, iproute2 and curl, some tests nft as well; without them they say so and pass.

mod support;

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use support::cluster::Cluster;
use support::faults::{ANSWER_LIMIT, Load, can_filter};

const JOBS: [(&str, usize); 1] = [("web", 4)];

/// A leader that is stopped keeps its connections open, which is worse than its death: nobody is told.
#[test]
fn a_leader_that_is_held_up_is_replaced_and_whoever_asks_is_answered() {
    let Some(mut cluster) = three_servers_with_a_job("stop") else { return };
    let leader = cluster.leader();
    let others = cluster.other_servers(&leader);
    let load = Load::start("stop", cluster.remotes(&others));
    cluster.signal(&leader, "STOP");
    // At once, before anybody can have noticed.
    let answer = cluster.agent(&others[0]).remote().register("at-once", 0);
    assert!(answer.took < ANSWER_LIMIT && matches!(answer.status, 200 | 503), "{answer:?}");
    assert!(answer.status == 200 || answer.retry_after.is_some(), "{answer:?}");
    cluster.wait("another one to lead", |cluster| cluster.agent(&others[0]).register("while-held-up", 0).0 == 200);
    let read = cluster.agent(&others[1]).remote().request("GET", "/v1/jobs", None);
    assert!(read.status == 200 && read.text.contains("while-held-up"), "{read:?}");
    cluster.signal(&leader, "CONT");
    // It may think for a moment that it leads still; what it says must hold all the same.
    let own = cluster.agent(&leader).remote().request("GET", "/v1/jobs?consistent=true", None);
    assert!(own.status == 503 || own.text.contains("while-held-up"), "{own:?}");
    let mut acknowledged = load.stop().acknowledged;
    acknowledged.push("while-held-up".to_owned());
    cluster.verify(&acknowledged, &JOBS);
}

#[test]
fn the_smaller_side_of_a_partition_refuses_and_the_larger_goes_on() {
    let Some(mut cluster) = three_servers_with_a_job("part") else { return };
    if !can_filter() {
        return;
    }
    let leader = cluster.leader();
    let others = cluster.other_servers(&leader);
    let load = Load::start("part", cluster.remotes(&others));
    for other in &others {
        cluster.part(&leader, other);
    }
    let alone = cluster.agent(&leader).remote().register("by-nobody", 0);
    assert!(alone.status == 503 && alone.retry_after.is_some() && alone.took < ANSWER_LIMIT, "{alone:?}");
    let read = cluster.agent(&leader).remote().request("GET", "/v1/jobs?consistent=true", None);
    assert!(read.status == 503 && read.took < ANSWER_LIMIT, "{read:?}");
    let stale = cluster.agent(&leader).remote().request("GET", "/v1/jobs?stale=true", None);
    assert_eq!(stale.status, 200, "what it has it may still show");
    cluster.wait("the others to go on", |cluster| cluster.agent(&others[0]).register("by-the-others", 0).0 == 200);
    cluster.unblock();
    let mut acknowledged = load.stop().acknowledged;
    acknowledged.push("by-the-others".to_owned());
    cluster.verify(&acknowledged, &JOBS);
}

/// A server that hears but is not heard, and one that is heard but does not hear, as follower and as leader.
#[test]
fn one_way_partitions_cost_at_most_a_change_of_leaders() {
    let Some(mut cluster) = three_servers_with_a_job("oneway") else { return };
    if !can_filter() {
        return;
    }
    let mut acknowledged = Vec::new();
    for leader_hears in [true, false] {
        let leader = cluster.leader();
        let others = cluster.other_servers(&leader);
        let load = Load::start(&format!("oneway-{leader_hears}"), cluster.remotes(&others));
        for other in &others {
            let (from, to) = if leader_hears { (&leader, other) } else { (other, &leader) };
            cluster.block(from, to);
        }
        let name = format!("without-{leader_hears}");
        cluster.wait("the others to go on", |cluster| cluster.agent(&others[0]).register(&name, 0).0 == 200);
        cluster.unblock();
        acknowledged.push(name);
        acknowledged.extend(load.stop().acknowledged);
        cluster.verify(&acknowledged, &JOBS);
    }
    // A follower that nobody hears asks for votes in vain; one that hears nobody must not unseat the leader either.
    let leader = cluster.leader();
    let others = cluster.other_servers(&leader);
    let load = Load::start("follower", cluster.remotes(&[leader.clone(), others[1].clone()]));
    cluster.block(&leader, &others[0]);
    for number in 0..20 {
        let name = format!("beside-{number}");
        let answer = cluster.agent(&leader).remote().register(&name, 0);
        assert_eq!(answer.status, 200, "a follower that hears nothing disturbs nobody: {answer:?}");
        acknowledged.push(name);
    }
    assert_eq!(cluster.leader(), leader);
    cluster.unblock();
    acknowledged.extend(load.stop().acknowledged);
    cluster.verify(&acknowledged, &JOBS);
}

#[test]
fn lost_packets_cost_time_and_nothing_else() {
    let Some(mut cluster) = three_servers_with_a_job("loss") else { return };
    if !can_filter() {
        return;
    }
    eprintln!("SKIPPED: packet delay needs netem, which this test does not rely on; packets are lost by nft");
    let servers = ["s1", "s2", "s3"].map(str::to_owned);
    let load = Load::start("loss", cluster.remotes(&servers));
    for server in &servers {
        cluster.lose(server, 10);
    }
    let mut acknowledged = Vec::new();
    for number in 0..15 {
        let name = format!("through-{number}");
        cluster.wait("a write to get through", |cluster| cluster.agent("s2").register(&name, 0).0 == 200);
        acknowledged.push(name);
    }
    cluster.unblock();
    acknowledged.extend(load.stop().acknowledged);
    cluster.verify(&acknowledged, &JOBS);
}

#[test]
fn all_servers_may_die_at_once_and_the_tasks_do_not_notice() {
    let Some(mut cluster) = three_servers_with_a_job("all") else { return };
    let tasks = |cluster: &Cluster| ["c1", "c2"].map(|name| cluster.agent(name).task_pids());
    let before = tasks(&cluster);
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        for number in 0..10 {
            let name = format!("all-{round}-{number}");
            assert_eq!(cluster.agent("s1").register(&name, 0).0, 200);
            acknowledged.push(name);
        }
        for server in ["s1", "s2", "s3"] {
            cluster.kill(server);
        }
        for server in ["s1", "s2", "s3"] {
            cluster.start(server);
        }
        cluster.verify(&acknowledged, &JOBS);
    }
    assert_eq!(tasks(&cluster), before, "the same processes all along");
}

#[test]
fn a_client_cut_off_for_longer_than_its_heartbeat_comes_back_without_running_anything_twice() {
    let Some(mut cluster) = three_servers_with_a_job("client") else { return };
    let before = cluster.agent("c1").task_pids();
    cluster.cut_off("c1");
    cluster.wait("the silence to be noticed", |cluster| cluster.node_status("c1") != "ready");
    assert_eq!(cluster.agent("c1").task_pids(), before, "a node cut off keeps its tasks");
    cluster.wait("its instances to run elsewhere", |cluster| cluster.agent("c2").task_pids().len() == 4);
    cluster.heal("c1");
    cluster.wait("the node to be back", |cluster| cluster.node_status("c1") == "ready");
    cluster.verify(&[], &JOBS);
}

/// What cannot be written cannot be acknowledged: the leader goes, says why, and comes back when there is room.
#[test]
fn a_leader_whose_disk_is_full_makes_way() {
    let Some(mut cluster) = Cluster::new("full", &["s1", "s2", "s3"]) else { return };
    let disk = SmallDisk::at(cluster.agent("s1").data_dir());
    cluster.bootstrap("s1");
    let token = cluster.join_token("server", &["-uses", "2"]);
    cluster.join("s2", &token);
    cluster.join("s3", &token);
    cluster.wait_voters(3);
    assert_eq!(cluster.agent("s1").register("before", 0).0, 200);
    assert_eq!(cluster.leader(), "s1");

    let filler = disk.fill();
    let load = Load::start("full", cluster.remotes(&["s2".to_owned(), "s3".to_owned()]));
    // The log has some megabytes set aside, which writes as large as a job may be use up.
    let task = json!({"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"}});
    let job = json!({"Job": {"ID": "large", "Name": "large", "Type": "service", "Datacenters": ["*"], "Meta": {"pad": "x".repeat(3 << 20)},
        "TaskGroups": [{"Name": "g", "Count": 0, "Tasks": [task]}]}});
    let body = cluster.agent("s2").data_dir().join("large.json");
    std::fs::write(&body, job.to_string()).expect("a file");
    let body = format!("@{}", body.display());
    for _ in 0..8 {
        let url = "http://127.0.0.1:4646/v1/jobs";
        let answer = cluster.curl("s2", &["-s", "-X", "PUT", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", &body, url]);
        assert!(["200", "503"].contains(&answer.as_str()), "{answer}");
    }
    let said = cluster.ended("s1");
    assert!(said.contains("consensus stopped") && said.contains("No space left on device"), "{said}");
    cluster.wait("the others to go on", |cluster| cluster.agent("s2").register("after", 0).0 == 200);

    std::fs::remove_file(&filler).expect("room again");
    cluster.start("s1");
    let mut acknowledged = load.stop().acknowledged;
    acknowledged.extend(["before".to_owned(), "after".to_owned(), "large".to_owned()]);
    cluster.verify(&acknowledged, &[]);
}

/// A file system of its own for one agent's data; gone with this.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(path: PathBuf) -> Self {
        std::fs::create_dir_all(&path).expect("a directory");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=128m,mode=0700", "tmpfs"]).arg(&path).status();
        assert!(mounted.is_ok_and(|status| status.success()), "root can mount a tmpfs");
        Self(path)
    }

    /// Leaves no room for anybody else; returns what to remove to have it back.
    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let mut file = File::create(&filler).expect("a file");
        while file.write_all(&[7; 4096]).is_ok() {}
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: after a failure the agent is still there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A cluster with [`JOBS`] running on both of its clients.
fn three_servers_with_a_job(name: &str) -> Option<Cluster> {
    let mut cluster = Cluster::of_three_servers(name, &["s1", "s2", "s3", "c1", "c2"])?;
    cluster.join_clients(&["c1", "c2"]);
    cluster.run_job("web", 4);
    cluster.wait("the job to run on both nodes", |cluster| ["c1", "c2"].iter().all(|name| cluster.agent(name).task_pids().len() == 2));
    Some(cluster)
}
