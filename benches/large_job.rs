//! A job of a million tasks onto ten thousand nodes, through the real log and the real loop, with small jobs registered meanwhile: from
//! the registration to the first and to the last of its allocations in the state, and what the small jobs waited. Prints a table and JSON lines.
//! `LARGE_JOB_TASKS` and `LARGE_JOB_NODES` make it smaller.

#[path = "shared/model.rs"]
mod model;

use std::time::{Duration, Instant};

use model::*;
use pannier::raft::{Raft, RaftConfig};
use pannier::rpc::NodeLink;
use pannier::server::node_link::LocalLink;
use pannier::server::{RegisterJob, Server, ServerConfig, garbage::GarbageConfig, heartbeats::HeartbeatConfig};
// What the fixtures name as `crate`.
use pannier::util;
use serde_json::json;
use tokio::task::JoinSet;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run());
}

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn run() {
    let (tasks, nodes) = (setting("LARGE_JOB_TASKS", 1_000_000), setting("LARGE_JOB_NODES", 10_000));
    let dir = tempfile::tempdir().expect("a directory");
    let raft = Raft::open(RaftConfig { address: "127.0.0.1:1".into(), ..RaftConfig::new(dir.path().to_owned()) }).await.expect("raft");
    let mut loops = JoinSet::new();
    let config = ServerConfig {
        region: "global".into(),
        name: "bench".into(),
        heartbeats: HeartbeatConfig::default(),
        garbage: GarbageConfig::default(),
    };
    let server = Server::start(raft.clone(), config, &mut loops);
    let link = std::sync::Arc::new(LocalLink(std::sync::Arc::clone(&server)));
    let mut registering = JoinSet::new();
    for id in 1..=u128::from(nodes) {
        let link = std::sync::Arc::clone(&link);
        registering.spawn(async move { link.register(node(id)).await.expect("registered") });
    }
    while registering.join_next().await.is_some() {}

    let large = job("large", tasks, 10);
    let key = large.key.clone();
    let start = Instant::now();
    register(&server, large).await;
    let acknowledged = start.elapsed();
    let mut first = None;
    let mut all = None;
    let mut waits: Vec<Duration> = Vec::new();
    let mut ordinal = 0;
    // A small job at a time, until the large one is placed.
    while all.is_none() {
        let small = job(&format!("small-{ordinal}"), 3, 90);
        let small_key = small.key.clone();
        let submitted = Instant::now();
        register(&server, small).await;
        let mut changes = server.store().watch_applied();
        loop {
            changes.mark_unchanged();
            let state = server.store().load();
            // The index of a whole job is a range of the state's; the first is cheap to see, and so is the end of its evaluation.
            if first.is_none() && state.allocations_of_job(&key).next().is_some() {
                first = Some(start.elapsed());
            }
            if all.is_none() && first.is_some() && state.evaluations_of_job(&key).all(|row| row.is_terminal()) {
                all = Some(start.elapsed());
            }
            if state.allocations_of_job(&small_key).count() == 3 {
                waits.push(submitted.elapsed());
                break;
            }
            changes.changed().await.expect("the server runs");
        }
        ordinal += 1;
    }
    let placed = server.store().load().allocations_of_job(&key).count();
    assert_eq!(placed, tasks as usize, "every task has its place");
    waits.sort_unstable();
    let at = |percent: usize| waits[(waits.len() * percent / 100).min(waits.len() - 1)];
    let rows = [
        ("registered", acknowledged),
        ("first allocations in the state", first.unwrap_or_default()),
        ("all allocations in the state", all.unwrap_or_default()),
        ("small jobs meanwhile, p50", at(50)),
        ("small jobs meanwhile, longest", at(100)),
    ];
    println!("{tasks} tasks onto {nodes} nodes, {} small jobs meanwhile", waits.len());
    for (name, time) in rows {
        println!("{name:<34} {:>10.1} ms", time.as_secs_f64() * 1e3);
        println!("{}", json!({"bench": "large_job", "case": name, "tasks": tasks, "nodes": nodes, "ms": time.as_secs_f64() * 1e3}));
    }
    loops.shutdown().await;
    raft.shutdown().await;
}

async fn register(server: &Server, job: Job) {
    let request = RegisterJob { job, submission: None, enforce_index: None, eval_priority: None, preserve_counts: false };
    server.register_job(request).await.expect("registered");
}

fn node(id: u128) -> Node {
    let mut node = fixtures::node(id);
    node.resources.cpu = MegaHertz(100_000);
    node.resources.memory = MebiBytes(512 * 1024);
    node.resources.disk = MebiBytes(1 << 20);
    node
}

fn job(id: &str, count: u32, priority: u8) -> Job {
    let mut job = Job { priority, ..fixtures::job(id, JobType::Batch, count) };
    let resources = &mut job.groups[0].tasks[0].resources;
    (resources.cpu, resources.memory) = (MegaHertz(250), MebiBytes(256));
    job
}
