//! The control plane under load: real servers of this build on loopback, simulated nodes over real links. One JSON line per result on
//! standard output; progress with the time left on standard error.
//!
//! ```text
//! scripts/bench-control-plane [CASE...] [--allocations N] [--nodes N] [--servers N] [--rounds N] [--seconds N]
//!   replay     jobs of 1,000 instances each, from the first submission until every instance is acknowledged running; memory per
//!              allocation; then a restart by SIGKILL until the server serves again
//!   failover   SIGKILL of the leader of three until the next accepted write, so many rounds
//!   idle       bytes written and CPU time of three idle servers
//!   node-death from when a node falls silent until all it ran is acknowledged running on others, with heartbeats as short as they can
//!              be set (the shortest ttl and grace of 1 s)
//! ```

#![allow(clippy::panic, reason = "this is how a measurement that cannot be made ends")]

mod nodes;
mod servers;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use nodes::Fleet;
use serde_json::{Value, json};
use servers::{Server, cluster};

/// Instances per job, as in C1M.
const PER_JOB: u64 = 1_000;

/// How many jobs are submitted at the same time.
const SUBMITTING: usize = 8;

struct Options {
    cases: Vec<String>,
    allocations: u64,
    nodes: usize,
    servers: usize,
    rounds: usize,
    seconds: u64,
}

fn main() {
    let options = options();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for case in &options.cases {
        let root = tempfile::Builder::new().prefix("pannier-bench-").tempdir().expect("a directory");
        match case.as_str() {
            "replay" => runtime.block_on(replay(&options, root.path())),
            "failover" => runtime.block_on(failover(&options, root.path())),
            "idle" => runtime.block_on(idle(&options, root.path())),
            "node-death" => runtime.block_on(node_death(&options, root.path())),
            other => panic!("no case {other:?}: expected replay, failover, idle or node-death"),
        }
    }
}

fn options() -> Options {
    let mut options = Options { cases: Vec::new(), allocations: 100_000, nodes: 500, servers: 1, rounds: 30, seconds: 60 };
    // `cargo bench` adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        let mut number =
            || arguments.next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_else(|| panic!("{argument} needs a number"));
        match argument.as_str() {
            "--allocations" => options.allocations = number(),
            "--nodes" => options.nodes = number() as usize,
            "--servers" => options.servers = number() as usize,
            "--rounds" => options.rounds = number() as usize,
            "--seconds" => options.seconds = number(),
            case => options.cases.push(case.to_owned()),
        }
    }
    if options.cases.is_empty() {
        options.cases = ["replay", "failover", "idle"].map(str::to_owned).to_vec();
    }
    options
}

async fn replay(options: &Options, root: &Path) {
    let mut servers = cluster(root, options.servers, &[]).await;
    let token = servers[0].join_token("client", options.nodes);
    let addresses = servers.iter().map(|server| server.rpc.clone()).collect();
    let fleet = Fleet::start(options.nodes, addresses, &token, &root.join("key")).await;
    progress("nodes registered", options.nodes as u64, || fleet.registered.load(Ordering::Relaxed)).await;
    let resident_before = servers[0].resident();
    let jobs = options.allocations.div_ceil(PER_JOB);
    let started = Instant::now();
    let cpu_before = servers[0].cpu_ticks();
    let client = servers[0].client.clone();
    let allocations = options.allocations;
    let submitted_jobs = Arc::new(AtomicU64::new(0));
    let count_submitted = Arc::clone(&submitted_jobs);
    let submitting = tokio::spawn(async move {
        let submit = |number: u64| {
            let count = PER_JOB.min(allocations - number * PER_JOB);
            let request = pannier::api::client::ApiRequest::raw(hyper::Method::PUT, "/v1/jobs").json(&job(&format!("c1m-{number}"), count));
            let (client, count_submitted) = (&client, &count_submitted);
            async move {
                client.fetch::<Value>(request.expect("JSON")).await.expect("the job is registered");
                count_submitted.fetch_add(1, Ordering::Relaxed);
            }
        };
        futures_util::stream::iter(0..jobs).for_each_concurrent(SUBMITTING, submit).await;
        started.elapsed()
    });
    progress("allocations running", options.allocations, || {
        // A job that was refused is never going to run.
        let refused = submitting.is_finished() && submitted_jobs.load(Ordering::Relaxed) < jobs;
        assert!(!refused, "a job could not be registered");
        fleet.running.load(Ordering::Relaxed)
    })
    .await;
    let seconds = started.elapsed().as_secs_f64();
    let submitted = submitting.await.expect("all jobs are submitted").as_secs_f64();
    let cpu = (servers[0].cpu_ticks() - cpu_before) as f64 / 100.0;
    // The last batches still become garbage.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let resident = servers[0].resident();
    let per_allocation = (resident.saturating_sub(resident_before) * 1024) as f64 / options.allocations as f64;
    report(json!({
        "bench": "control-plane", "case": "replay", "servers": options.servers, "nodes": options.nodes, "allocations": options.allocations,
        "seconds": seconds, "submitted_after": submitted, "allocations_per_second": options.allocations as f64 / seconds,
        "server_cpu_seconds": cpu, "server_rss_kb": resident, "bytes_per_allocation": per_allocation,
    }));
    if options.servers == 1 {
        drop(fleet);
        let server = &mut servers[0];
        server.kill();
        let started = Instant::now();
        server.start(&[]);
        server.wait_for("the server to serve", "/v1/jobs?per_page=1", Value::is_array).await;
        report(json!({
            "bench": "control-plane", "case": "restart", "allocations": options.allocations, "seconds": started.elapsed().as_secs_f64(),
        }));
    }
}

async fn failover(options: &Options, root: &Path) {
    let mut servers = cluster(root, 3, &[]).await;
    let mut milliseconds: Vec<f64> = Vec::new();
    for round in 0..options.rounds {
        let leader = leader(&servers).await;
        let asked = (0..servers.len()).find(|number| *number != leader).expect("another one");
        servers[leader].kill();
        let started = Instant::now();
        while !servers[asked].write(&job(&format!("round-{round}"), 0)).await {}
        milliseconds.push(started.elapsed().as_secs_f64() * 1000.0);
        eprint!("\rfailover: {} of {} rounds, last {:.0} ms   ", round + 1, options.rounds, milliseconds[round]);
        servers[leader].start(&[]);
        let caught_up = |value: &Value| value["Healthy"] == true;
        servers[leader].wait_for("all servers to be well", "/v1/operator/autopilot/health", caught_up).await;
    }
    eprintln!();
    milliseconds.sort_by(f64::total_cmp);
    let at = |share: f64| milliseconds[((milliseconds.len() as f64 * share).ceil() as usize).clamp(1, milliseconds.len()) - 1];
    report(json!({
        "bench": "control-plane", "case": "failover", "rounds": options.rounds, "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0),
    }));
}

async fn leader(servers: &[Server]) -> usize {
    loop {
        for server in servers.iter().filter(|server| server.is_running()) {
            let address = server.get("/v1/status/leader").await;
            if let Some(found) = servers.iter().position(|server| address == Some(json!(server.rpc))) {
                return found;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn node_death(options: &Options, root: &Path) {
    let config = root.join("heartbeats.hcl");
    std::fs::write(&config, "server {\n  min_heartbeat_ttl = \"1s\"\n  heartbeat_grace = \"1s\"\n}\n").expect("a file");
    let servers = cluster(root, options.servers, &["-config", &config.to_string_lossy()]).await;
    let nodes = options.nodes.min(50);
    let token = servers[0].join_token("client", nodes);
    let addresses = servers.iter().map(|server| server.rpc.clone()).collect();
    let fleet = Fleet::start(nodes, addresses, &token, &root.join("key")).await;
    progress("nodes registered", nodes as u64, || fleet.registered.load(Ordering::Relaxed)).await;
    let count = nodes as u64 * 20;
    assert!(servers[0].write(&job("death", count)).await, "the job is registered");
    progress("allocations running", count, || fleet.running.load(Ordering::Relaxed)).await;
    let mut seconds: Vec<f64> = Vec::new();
    for (node, death) in fleet.nodes.iter().take(options.rounds.min(10)) {
        let rows = servers[0].get(&format!("/v1/node/{node}/allocations")).await.unwrap_or_default();
        let lost = rows.as_array().map_or(0, Vec::len) as u64;
        let before = fleet.running.load(Ordering::Relaxed);
        death.abort();
        let started = Instant::now();
        progress("replaced", lost, || fleet.running.load(Ordering::Relaxed) - before).await;
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    report(json!({
        "bench": "control-plane", "case": "node-death", "servers": options.servers, "nodes": nodes, "allocations": count,
        "rounds": seconds.len(), "p50_seconds": seconds[seconds.len() / 2], "max_seconds": seconds[seconds.len() - 1],
    }));
}

async fn idle(options: &Options, root: &Path) {
    let servers = cluster(root, 3, &[]).await;
    let window = Duration::from_secs(options.seconds);
    // What forming the cluster left to do.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before: Vec<(u64, u64)> = servers.iter().map(|server| (server.bytes_written(), server.cpu_ticks())).collect();
    tokio::time::sleep(window).await;
    for (server, (written, cpu)) in servers.iter().zip(before) {
        report(json!({
            "bench": "control-plane", "case": "idle", "seconds": options.seconds,
            "bytes_written_per_second": (server.bytes_written() - written) as f64 / window.as_secs_f64(),
            "cpu_percent": (server.cpu_ticks() - cpu) as f64 / window.as_secs_f64(), "rss_kb": server.resident(),
        }));
    }
}

fn job(id: &str, count: u64) -> Value {
    let task = json!({"Name": "t", "Driver": "mock_driver", "Config": {"run_for": "1000h"}, "Resources": {"CPU": 20, "MemoryMB": 32}});
    let group = json!({"Name": "g", "Count": count, "Tasks": [task]});
    json!({"Job": {"ID": id, "Name": id, "Type": "service", "Datacenters": ["*"], "TaskGroups": [group]}})
}

/// Shows how far it is, until all of it is there.
async fn progress(what: &str, all: u64, done: impl Fn() -> u64) {
    let started = Instant::now();
    let mut shown = Instant::now();
    loop {
        let count = done();
        if shown.elapsed() > Duration::from_secs(1) || count >= all {
            let elapsed = started.elapsed().as_secs_f64();
            let left = if count == 0 { f64::INFINITY } else { elapsed * (all.saturating_sub(count)) as f64 / count as f64 };
            eprint!("\r{what}: {count} of {all}, {elapsed:.0} s, {left:.0} s left   ");
            shown = Instant::now();
        }
        if count >= all {
            eprintln!();
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn report(line: Value) {
    println!("{line}");
}
