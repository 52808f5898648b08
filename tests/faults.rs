//! What happens to an agent on a bad day: killed in the middle of things, disks that are full, read-only or damaged, ports and directories
//! that are taken. Each ends in a clean continuation or in a clear error; nothing acknowledged is lost, nothing runs twice.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use support::{TestAgent, is_root, signal};

/// Rounds of the kill test. Each submits while the agent is killed at another moment.
const ROUNDS: usize = 20;
const SUBMISSIONS: usize = 100;

fn sleeper(id: &str, count: u32) -> Value {
    json!({"Job": {"ID": id, "Type": "service", "Datacenters": ["*"], "TaskGroups": [{
        "Name": "g", "Count": count, "EphemeralDisk": {"SizeMB": 10}, "Tasks": [{
            "Name": "t", "Driver": "raw_exec",
            "Config": {"command": "/bin/sleep", "args": ["100000"]},
            "Resources": {"CPU": 1, "MemoryMB": 10}, "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 1},
        }],
    }]}})
}

/// Running instances by job, read from the environment of the processes themselves: what really runs, whatever the agent says.
fn running_sleeps(prefix: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let is_sleep = fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name.trim() == "sleep");
        let environment = if is_sleep { fs::read(entry.path().join("environ")).unwrap_or_default() } else { Vec::new() };
        let job = environment.split(|byte| *byte == 0).find_map(|pair| std::str::from_utf8(pair).ok()?.strip_prefix("NOMAD_JOB_ID="));
        if let Some(job) = job.filter(|job| job.starts_with(prefix)) {
            *counts.entry(job.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn killed_during_submissions_every_acknowledged_job_runs_exactly_once() {
    let mut agent = TestAgent::start_with(&["-memory-total-mb", "100000"]);
    let mut moment = 7u64;
    for round in 0..ROUNDS {
        let prefix = format!("kill-{}-{round}-", std::process::id());
        let acknowledged = Mutex::new(Vec::new());
        let stop = AtomicBool::new(false);
        // A different moment each round: after this many acknowledgements, plus whatever races with the kill.
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let kill_after = usize::try_from(moment >> 33).expect("fits") % SUBMISSIONS;
        let pid = agent.pid();
        std::thread::scope(|scope| {
            let agent = &agent;
            for worker in 0..4 {
                let (acknowledged, stop, prefix) = (&acknowledged, &stop, &prefix);
                scope.spawn(move || {
                    for ordinal in (worker..SUBMISSIONS).step_by(4) {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let id = format!("{prefix}{ordinal}");
                        let answer = agent.try_request("PUT", "/v1/jobs", &sleeper(&id, 1).to_string());
                        if matches!(answer, Ok((200, ref body)) if body.contains("EvalID")) {
                            acknowledged.lock().expect("not poisoned").push(id);
                        }
                    }
                });
            }
            while acknowledged.lock().expect("not poisoned").len() < kill_after {
                support::pause();
            }
            signal(pid, "KILL");
            stop.store(true, Ordering::Relaxed);
        });
        agent.kill_agent();
        agent.launch();
        let acknowledged = acknowledged.into_inner().expect("not poisoned");
        assert!(acknowledged.len() >= kill_after);
        let registered: Vec<String> = agent
            .get(&format!("/v1/jobs?prefix={prefix}"))
            .as_array()
            .expect("jobs")
            .iter()
            .map(|job| job["ID"].as_str().expect("an id").to_owned())
            .collect();
        for id in &acknowledged {
            assert!(registered.contains(id), "round {round}: {id} was acknowledged and is gone");
        }
        // A registration whose answer the kill cut off may have been kept; then it runs, too.
        agent.wait(&format!("round {round}: every registered job to run"), || running_sleeps(&prefix).len() == registered.len());
        agent.wait("the state to say so", || registered.iter().all(|id| agent.count(id, "running") == 1));
        for (id, count) in running_sleeps(&prefix) {
            assert_eq!(count, 1, "round {round}: {id} runs {count} times");
        }
        for id in &registered {
            agent.try_request("DELETE", &format!("/v1/job/{id}?purge=true"), "").expect("stopped");
        }
        agent.wait("every job to end", || running_sleeps(&prefix).is_empty());
    }
}

#[test]
fn killed_shims_are_replaced_and_nothing_restarts() {
    let agent = TestAgent::start();
    let id = format!("shims-{}", std::process::id());
    agent.put("/v1/jobs", &sleeper(&id, 5));
    agent.wait_count(&id, "running", 5);
    let tasks = agent.task_pids();
    let directory = agent.data_dir().to_string_lossy().into_owned();
    let shims = || -> Vec<u32> {
        let all = fs::read_dir("/proc").expect("/proc").flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line);
                line.contains("task-shim") && line.contains(&directory)
            })
            .collect()
    };
    let before = shims();
    assert_eq!(before.len(), 5);
    before.iter().for_each(|pid| signal(*pid, "KILL"));
    agent.wait("new shims", || {
        let now = shims();
        now.len() == 5 && now.iter().all(|pid| !before.contains(pid))
    });
    if is_root() {
        let survivors = tasks.iter().filter(|pid| support::is_alive(**pid) && !before.contains(pid)).count();
        assert!(survivors >= 5, "the tasks themselves were not touched");
    }
    assert_eq!(running_sleeps(&id).values().sum::<usize>(), 5);
    assert_eq!(agent.count(&id, "running"), 5);
}

/// Runs the agent until it gives up and returns what it says.
fn refused(agent: &TestAgent) -> String {
    let output = agent.command().stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it should have refused to start:\n{text}");
    text
}

#[test]
fn a_taken_port_and_a_taken_directory_are_named() {
    let agent = TestAgent::start();
    let text = refused(&agent);
    assert!(text.contains("the port is taken"), "{text}");
    let mut elsewhere = agent.command();
    let output =
        elsewhere.args(["-http-port", &support::free_port().to_string()]).stderr(std::process::Stdio::piped()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("another agent runs on the data directory"), "{text}");
    assert_eq!(agent.get("/v1/nodes").as_array().expect("nodes").len(), 1, "the first agent is unharmed");
}

#[test]
fn a_directory_of_a_newer_build_is_refused() {
    let mut agent = TestAgent::start();
    agent.interrupt();
    fs::write(agent.data_dir().join("version"), "999\n").expect("written");
    let text = refused(&agent);
    assert!(text.contains("newer pannier") && text.contains("999"), "{text}");
    fs::write(agent.data_dir().join("version"), "1\n").expect("written");
    agent.launch();
}

#[test]
fn a_torn_log_tail_loses_nothing_acknowledged() {
    let mut agent = TestAgent::start();
    for ordinal in 0..20 {
        agent.put("/v1/jobs", &sleeper(&format!("torn-{}-{ordinal}", std::process::id()), 0));
    }
    agent.kill_agent();
    // What a power cut leaves behind a synced record: bytes that were never acknowledged.
    let newest = newest_wal(&agent.data_dir().join("server/raft"));
    let mut file = fs::File::options().append(true).open(&newest).expect("the log opens");
    file.write_all(&[0x5a; 333]).expect("appended");
    drop(file);
    agent.launch();
    let jobs = agent.get(&format!("/v1/jobs?prefix=torn-{}", std::process::id()));
    assert_eq!(jobs.as_array().expect("jobs").len(), 20);
}

#[test]
fn a_damaged_log_is_refused_with_a_way_out() {
    let mut agent = TestAgent::start();
    for ordinal in 0..50 {
        agent.put("/v1/jobs", &sleeper(&format!("damaged-{}-{ordinal}", std::process::id()), 0));
    }
    agent.kill_agent();
    let newest = newest_wal(&agent.data_dir().join("server/raft"));
    let length = fs::metadata(&newest).expect("metadata").len();
    let mut file = fs::File::options().read(true).write(true).open(&newest).expect("the log opens");
    let middle = length / 3;
    let mut bytes = vec![0; 64];
    file.seek(SeekFrom::Start(middle)).expect("seek");
    file.read_exact(&mut bytes).expect("read");
    bytes.iter_mut().for_each(|byte| *byte ^= 0xff);
    file.seek(SeekFrom::Start(middle)).expect("seek");
    file.write_all(&bytes).expect("written");
    drop(file);
    let text = refused(&agent);
    assert!(text.contains("damaged") && text.contains("backup"), "{text}");
}

fn newest_wal(directory: &Path) -> std::path::PathBuf {
    let mut logs: Vec<_> = fs::read_dir(directory)
        .expect("the log's directory")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    logs.pop().expect("a write-ahead log")
}

/// A tmpfs of `size` on the agent's data directory; unmounted with it.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn tmpfs(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).expect("the mount point");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", options, "pannier-test"]).arg(path).status().expect("mount runs");
        status.success().then(|| Self(path.to_owned()))
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status().expect("mount runs");
        assert!(status.success(), "remount {options}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_agent_with_a_reason_and_loses_nothing() {
    if !is_root() {
        println!("SKIPPED: needs root to mount a small file system");
        return;
    }
    let mut agent = TestAgent::start();
    agent.interrupt();
    let Some(disk) = Mounted::tmpfs(&agent.data_dir(), "size=24m,mode=700") else {
        println!("SKIPPED: tmpfs cannot be mounted here");
        return;
    };
    agent.launch();
    let mut acknowledged = 0;
    // Each registration brings half a megabyte of metadata; the disk cannot hold them all.
    let padding = "x".repeat(512 * 1024);
    for ordinal in 0..100 {
        let mut job = sleeper(&format!("full-{ordinal}"), 0);
        job["Job"]["Meta"] = json!({"padding": padding});
        match agent.try_request("PUT", "/v1/jobs", &job.to_string()) {
            Ok((200, _)) => acknowledged += 1,
            _ => break,
        }
    }
    assert!((1..100).contains(&acknowledged), "{acknowledged} registrations fitted");
    agent.wait("the reason in the log", || {
        let log = agent.log();
        log.contains("consensus stopped") || log.contains("No space left") || log.contains("no space")
    });
    agent.kill_agent();
    disk.remount("size=256m");
    agent.launch();
    let jobs = agent.get("/v1/jobs?prefix=full-");
    assert!(
        jobs.as_array().expect("jobs").len() >= acknowledged,
        "{acknowledged} were acknowledged, {} are there",
        jobs.as_array().expect("jobs").len()
    );
    agent.interrupt();
    drop(disk);
}

#[test]
fn a_read_only_data_directory_is_named() {
    if !is_root() {
        println!("SKIPPED: needs root to mount a read-only file system");
        return;
    }
    let mut agent = TestAgent::start();
    agent.interrupt();
    let path = agent.dir.path().join("data");
    fs::remove_dir_all(&path).expect("removed");
    let Some(_disk) = Mounted::tmpfs(&path, "size=1m,ro") else {
        println!("SKIPPED: tmpfs cannot be mounted here");
        return;
    };
    let text = refused(&agent);
    assert!(text.to_lowercase().contains("read-only"), "{text}");
}
