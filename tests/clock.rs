//! The wall clock is set back, and forward, under a running agent and across its restart. A library that is loaded into the agent answers
//! `clock_gettime(CLOCK_REALTIME)` with an offset read from a file; nothing in the agent knows of it.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{TestAgent, is_alive};

const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long offset(void) {
    char text[32] = {0};
    const char *path = getenv("PANNIER_TEST_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += offset();
    return result;
}
"#;

const HOUR: i64 = 3600;

fn job(name: &str, count: u32) -> String {
    format!(
        r#"
job "{name}" {{
  group "g" {{
    count = {count}
    task "t" {{
      driver = "raw_exec"
      config {{
        command = "/bin/sleep"
        args    = ["100000"]
      }}
      resources {{
        cpu    = 20
        memory = 16
      }}
    }}
  }}
}}
"#
    )
}

/// Compiles the library with the C compiler that building RocksDB needs anyway.
fn build_library(directory: &Path) -> PathBuf {
    let (source, library) = (directory.join("clock.c"), directory.join("clock.so"));
    fs::write(&source, LIBRARY).expect("the source is written");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .expect("there is a C compiler");
    assert!(built.success());
    library
}

/// The node's time of a job's registration, in seconds.
fn submitted(agent: &TestAgent, job: &str) -> i64 {
    agent.get(&format!("/v1/job/{job}"))["SubmitTime"].as_i64().expect("a time") / 1_000_000_000
}

#[test]
fn a_wall_clock_that_is_set_back_or_forward_loses_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let clock = directory.path().join("offset");
    let set_clock = |offset: i64| fs::write(&clock, offset.to_string()).unwrap();
    set_clock(0);
    let mut agent = TestAgent::start_with(&[]);
    agent.interrupt();
    agent.env = vec![
        ("LD_PRELOAD".to_owned(), build_library(directory.path()).display().to_string()),
        ("PANNIER_TEST_CLOCK".to_owned(), clock.display().to_string()),
    ];
    agent.launch();
    agent.run_job(&job("before", 2));
    agent.wait_count("before", "running", 2);
    let tasks = agent.task_pids();

    // Set back while it runs: new work starts, old work is left alone, time-outs are not waited for twice.
    set_clock(-2 * HOUR);
    agent.run_job(&job("back", 1));
    agent.wait_count("back", "running", 1);
    assert!(submitted(&agent, "before") - submitted(&agent, "back") > HOUR, "the agent sees the shifted clock");
    agent.cli_ok(&["job", "scale", "-detach", "before", "3"]);
    agent.wait_count("before", "running", 3);
    agent.cli_ok(&["job", "stop", "-detach", "back"]);
    agent.wait_count("back", "complete", 1);
    assert!(tasks.iter().all(|pid| is_alive(*pid)), "what ran runs on");

    // A restart in a past that its own log and journal know nothing of.
    set_clock(-24 * HOUR);
    agent.kill_agent();
    agent.launch();
    agent.wait_count("before", "running", 3);
    assert!(tasks.iter().all(|pid| is_alive(*pid)), "adopted, not started again");
    agent.run_job(&job("yesterday", 1));
    agent.wait_count("yesterday", "running", 1);

    // And two days forward at once: nodes and allocations are not given up for having been silent so long.
    set_clock(24 * HOUR);
    agent.run_job(&job("tomorrow", 1));
    agent.wait_count("tomorrow", "running", 1);
    agent.cli_ok(&["system", "gc"]);
    assert_eq!(agent.get("/v1/nodes")[0]["Status"], "ready");
    assert_eq!(agent.allocations("before").iter().filter(|row| row["ClientStatus"] == "running").count(), 3);
    assert_eq!(agent.allocations("before").len(), 3, "none was replaced");
    assert!(tasks.iter().all(|pid| is_alive(*pid)));
    assert!(!agent.log().contains("panicked"), "{}", agent.log());
}
