//! From `POST /v1/jobs` to the task's first instruction on a dev agent with its durable log on, job after job; beside it, in the same run, what the
//! machine takes for a plain fork+exec of the same program and for one fsync. Prints a table and one JSON line.
//!
//! The task is this program in its beacon mode: the first thing it does is to send the monotonic clock to a socket.

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs::File;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use support::TestAgent;

const JOBS: usize = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, socket] = arguments.as_slice()
        && mode == "--beacon"
    {
        let now = monotonic_ns();
        let sender = UnixDatagram::unbound().expect("a socket");
        sender.send_to(&now.to_le_bytes(), socket).expect("the bench listens");
        return;
    }
    let agent = TestAgent::start();
    let socket_path = agent.dir.path().join("beacon");
    let socket = UnixDatagram::bind(&socket_path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let program = std::env::current_exe().expect("this program's path");
    let target = socket_path.to_str().expect("UTF-8").to_owned();

    let mut spawned = Vec::new();
    let mut synced = Vec::new();
    let mut submitted = Vec::new();
    let mut acknowledged = Vec::new();
    let mut file = File::create(agent.dir.path().join("fsync")).expect("a file");
    for ordinal in 0..JOBS {
        let start = monotonic_ns();
        let mut child = Command::new(&program).args(["--beacon", &target]).spawn().expect("fork and exec");
        spawned.push(beacon(&socket) - start);
        child.wait().expect("reaped");

        let start = monotonic_ns();
        file.write_all(&[0; 256]).expect("written");
        file.sync_data().expect("synced");
        synced.push(monotonic_ns() - start);

        let job = json!({"Job": {"ID": format!("bench-{ordinal}"), "Type": "batch", "Datacenters": ["*"], "TaskGroups": [{
            "Name": "g", "Count": 1, "Tasks": [{
                "Name": "t", "Driver": "raw_exec",
                "Config": {"command": program, "args": ["--beacon", target]},
                "Resources": {"CPU": 20, "MemoryMB": 32},
            }],
        }]}});
        let start = monotonic_ns();
        agent.put("/v1/jobs", &job);
        acknowledged.push(monotonic_ns() - start);
        submitted.push(beacon(&socket) - start);
        agent.wait_count(&format!("bench-{ordinal}"), "complete", 1);
    }
    let rows =
        [("submit_to_first_instruction", submitted), ("submit_acknowledged", acknowledged), ("fork_exec", spawned), ("fsync", synced)];
    println!("{:<30} {:>9} {:>9} {:>9}", "case (milliseconds)", "p50", "p99", "max");
    for (name, mut samples) in rows {
        samples.sort_unstable();
        let at = |percent: usize| samples[(samples.len() * percent / 100).min(samples.len() - 1)] as f64 / 1e6;
        println!("{name:<30} {:>9.3} {:>9.3} {:>9.3}", at(50), at(99), at(100));
        println!("{}", json!({"bench": "latency", "case": name, "jobs": JOBS, "p50_ms": at(50), "p99_ms": at(99), "max_ms": at(100)}));
    }
}

fn beacon(socket: &UnixDatagram) -> u64 {
    let mut bytes = [0; 8];
    socket.recv(&mut bytes).expect("the task starts");
    u64::from_le_bytes(bytes)
}

/// CLOCK_MONOTONIC, which all processes of a machine share.
fn monotonic_ns() -> u64 {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("the clock reads");
    u64::try_from(time.tv_sec()).expect("positive") * 1_000_000_000 + u64::try_from(time.tv_nsec()).expect("positive")
}
