//! What an idle dev agent with ten running tasks costs, after it had time to settle: memory of agent and shims, bytes written to disk and CPU time
//! over a window, size of the binary. Prints a table and one JSON line.
//!
//! `PANNIER_IDLE_SECONDS` sets the time to settle and the window, each (60 by default).

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;
use support::{BINARY, TestAgent};

fn main() {
    let seconds = std::env::var("PANNIER_IDLE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let idle = Duration::from_secs(seconds);
    let agent = TestAgent::start();
    let job = json!({"Job": {"ID": "idle", "Type": "service", "Datacenters": ["*"], "TaskGroups": [{
        "Name": "g", "Count": 10, "Tasks": [{
            "Name": "t", "Driver": "raw_exec",
            "Config": {"command": "/bin/sleep", "args": ["100000"]},
            "Resources": {"CPU": 20, "MemoryMB": 32},
        }],
    }]}});
    agent.put("/v1/jobs", &job);
    agent.wait_count("idle", "running", 10);
    rest(idle);

    let pid = agent.pid();
    let (cpu_before, written_before) = (cpu_ticks(pid), bytes_written(pid));
    rest(idle);
    let cpu_seconds = (cpu_ticks(pid) - cpu_before) as f64 / 100.0;
    let written = bytes_written(pid) - written_before;
    let shims: Vec<u64> = shims_of(&agent).into_iter().map(|pid| memory(pid, "smaps_rollup", "Pss:")).collect();
    let largest = shims.iter().max().copied().unwrap_or(0);
    let rss = memory(pid, "status", "VmRSS:");
    let binary = fs::metadata(BINARY).map(|meta| meta.len()).unwrap_or(0);
    println!("{:<44} {:>12}", "agent RSS (kB)", rss);
    println!("{:<44} {:>12}", format!("largest PSS of {} shims (kB)", shims.len()), largest);
    println!("{:<44} {:>12}", format!("bytes written by the agent in {seconds} s"), written);
    println!("{:<44} {:>11.2}%", "CPU of one core", cpu_seconds * 100.0 / idle.as_secs_f64());
    println!("{:<44} {:>12}", "binary (bytes)", binary);
    println!(
        "{}",
        json!({"bench": "footprint", "idle_seconds": seconds, "agent_rss_kb": rss, "shim_pss_kb": largest, "shims": shims.len(),
            "bytes_written": written, "cpu_percent": cpu_seconds * 100.0 / idle.as_secs_f64(), "binary_bytes": binary})
    );
}

/// Waits, looking that the agent lives.
fn rest(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        support::pause();
    }
}

/// User and system time in ticks of 10 ms.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the agent lives");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|field| fields.get(*field)?.parse::<u64>().ok()).sum()
}

fn bytes_written(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).expect("the agent lives");
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or(0)
}

fn memory(pid: u32, file: &str, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn shims_of(agent: &TestAgent) -> Vec<u32> {
    let directory = agent.data_dir().to_string_lossy().into_owned();
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let text = String::from_utf8_lossy(&command_line);
            *pid != agent.pid() && text.contains("task-shim") && text.contains(&directory)
        })
        .collect()
}
