//! Tasks under real shims in real cgroups. Needs root for most of it; what a host cannot do is skipped loudly.

#![allow(clippy::unwrap_used, clippy::panic)] // A test says so by failing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pannier::runtime::cgroup::{CgroupLayer, CgroupMode};
use pannier::runtime::driver::{Recovered, StartError, TaskHandle};
use pannier::runtime::launch::{CgroupPlan, LAUNCH_PLAN_VERSION, LaunchKind, LaunchPlan, LogPlan, ProcessPlan};
use pannier::runtime::launcher::{Launcher, LauncherConfig};
use pannier::runtime::shim::identity::start_time;
use pannier::runtime::shim::record::{self, STATE_FILE, ShimState};

const PATIENCE: Duration = Duration::from_secs(30);

/// A directory and a parent group of its own; both are gone with it, and so are the processes.
struct Bench {
    root: tempfile::TempDir,
    parent: String,
    layer: CgroupLayer,
}

impl Bench {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = format!("pannier-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let layer = CgroupLayer::detect(&parent);
        Self { root: tempfile::tempdir().unwrap(), parent, layer }
    }

    fn without_groups() -> Self {
        Self { root: tempfile::tempdir().unwrap(), parent: String::new(), layer: CgroupLayer::disabled("without groups") }
    }

    /// An agent: what is lost when it is killed is only this value.
    fn launcher(&self) -> Launcher {
        let shim_binary = PathBuf::from(env!("CARGO_BIN_EXE_pannier"));
        Launcher::new(LauncherConfig { shim_binary, cgroup: self.layer.clone() })
    }

    fn run_dir(&self, name: &str) -> PathBuf {
        self.root.path().join("run").join(name)
    }

    fn logs(&self) -> PathBuf {
        self.root.path().join("logs")
    }

    fn plan(&self, name: &str, argv: &[&str]) -> LaunchPlan {
        let process = ProcessPlan {
            argv: argv.iter().map(|text| (*text).to_owned()).collect(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            work_dir: self.root.path().to_path_buf(),
            user: String::new(),
            oom_score_adj: None,
        };
        let cgroup = CgroupPlan {
            path: format!("allocs/test/{name}"),
            cpu_shares: 500,
            cpu_quota_us: None,
            cores: Vec::new(),
            memory_soft: 0,
            memory_hard: Some(64 << 20),
            pids_max: None,
        };
        LaunchPlan {
            version: LAUNCH_PLAN_VERSION,
            driver: "raw_exec".to_owned(),
            kind: LaunchKind::Process(process),
            run_dir: self.run_dir(name),
            logs: LogPlan { dir: self.logs(), task: name.to_owned(), max_files: 10, max_file_size: 1 << 20, disabled: false },
            cgroup: Some(cgroup),
        }
    }

    fn shell(&self, name: &str, script: &str) -> LaunchPlan {
        self.plan(name, &["/bin/sh", "-c", script])
    }

    fn state(&self, name: &str) -> ShimState {
        record::read(&self.run_dir(name), STATE_FILE).unwrap().unwrap()
    }

    /// All of a stream's files in order.
    fn output(&self, name: &str, stream: &str) -> String {
        let prefix = format!("{name}.{stream}.");
        let names = fs::read_dir(self.logs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut indexes: Vec<u32> = names.filter_map(|file| file.strip_prefix(&prefix)?.parse().ok()).collect();
        indexes.sort_unstable();
        indexes.into_iter().map(|index| fs::read_to_string(self.logs().join(format!("{prefix}{index}"))).unwrap()).collect()
    }

    fn has_groups(&self) -> bool {
        match self.layer.disabled_reason() {
            None => true,
            Some(reason) => {
                println!("SKIPPED: no cgroups here: {reason}");
                false
            }
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.root.path().join("run")).into_iter().flatten().flatten() {
            if let Ok(Some(state)) = record::read::<ShimState>(&entry.path(), STATE_FILE) {
                if state.is_alive() {
                    let _ = kill(Pid::from_raw(state.pid), Signal::SIGKILL);
                }
                let _ = kill(Pid::from_raw(state.shim_pid), Signal::SIGKILL);
            }
        }
        for group in self.layer.existing() {
            group.kill_and_wait();
            let _ = group.remove();
        }
        if self.layer.disabled_reason().is_none() {
            self.layer.remove_parent();
        }
    }
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_running(pid: i32) -> bool {
    start_time(pid).is_some()
}

async fn recovered(launcher: &Launcher, run_dir: &Path) -> Arc<dyn TaskHandle> {
    match launcher.recover(run_dir).await {
        Recovered::Running(handle) => handle,
        Recovered::Exited(exit, _) => panic!("exited: {exit:?}"),
        Recovered::Gone => panic!("gone"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_runs_with_exactly_its_environment_and_leaves_nothing() {
    let bench = Bench::new();
    let launcher = bench.launcher();
    let mut plan = bench.plan("env", &["/usr/bin/env"]);
    let LaunchKind::Process(process) = &mut plan.kind else { unreachable!() };
    process.env = BTreeMap::from([("A".to_owned(), "1".to_owned()), ("B".to_owned(), "x y".to_owned())]);
    let task = launcher.launch(&plan).await.unwrap();
    let exit = task.wait().await;
    assert!(exit.is_success(), "{exit:?}");
    assert_eq!(bench.output("env", "stdout"), "A=1\nB=x y\n");
    assert_eq!(task.wait().await, exit, "waiting again gives the same");
    let shim = bench.state("env").shim_pid;
    task.release().await;
    task.release().await;
    assert!(!plan.run_dir.exists());
    assert!(bench.layer.existing().is_empty());
    eventually("the shim goes", || !is_running(shim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_signals_are_told_apart() {
    let bench = Bench::new();
    let launcher = bench.launcher();
    let failed = launcher.launch(&bench.shell("code", "echo oops >&2; exit 7")).await.unwrap();
    let exit = failed.wait().await;
    assert_eq!((exit.exit_code, exit.signal), (7, 0));
    assert_eq!(bench.output("code", "stderr"), "oops\n");
    failed.release().await;

    let hung = launcher.launch(&bench.shell("hung", "trap 'exit 3' HUP; echo up; while :; do sleep 0.01; done")).await.unwrap();
    eventually("it is up", || bench.output("hung", "stdout") == "up\n").await;
    assert!(hung.signal("SIGNOPE").await.unwrap_err().contains("SIGNOPE"));
    hung.signal("SIGHUP").await.unwrap();
    assert_eq!(hung.wait().await.exit_code, 3);
    assert!(hung.signal("SIGHUP").await.is_err(), "it is over");
    hung.release().await;

    let stubborn = launcher.launch(&bench.shell("stubborn", "trap '' INT TERM; echo up; while :; do sleep 0.01; done")).await.unwrap();
    eventually("it is up", || bench.output("stubborn", "stdout") == "up\n").await;
    stubborn.stop("SIGINT", Duration::from_millis(50)).await.unwrap();
    assert_eq!(stubborn.wait().await.signal, 9);
    stubborn.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_executed_is_said_and_leaves_nothing() {
    let bench = Bench::new();
    let launcher = bench.launcher();
    let message = |error: StartError| match error {
        StartError::Permanent(message) => message,
        StartError::Transient(message) => panic!("another try would not help: {message}"),
    };
    let error = launcher.launch(&bench.plan("nosuch", &["/bin/nosuch"])).await.err().unwrap();
    assert_eq!(message(error), "fork/exec /bin/nosuch: no such file or directory");
    let error = launcher.launch(&bench.plan("dir", &["/tmp"])).await.err().unwrap();
    assert_eq!(message(error), "fork/exec /tmp: permission denied");
    let mut plan = bench.plan("cwd", &["/bin/true"]);
    let LaunchKind::Process(process) = &mut plan.kind else { unreachable!() };
    process.work_dir = PathBuf::from("/no/where");
    assert_eq!(message(launcher.launch(&plan).await.err().unwrap()), "chdir /no/where: no such file or directory");
    assert!(!plan.run_dir.exists());
    assert!(bench.layer.existing().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_beyond_its_memory_is_seen_to_be_killed_for_it() {
    let bench = Bench::new();
    if !bench.has_groups() {
        return;
    }
    let task = bench.launcher().launch(&bench.plan("oom", &["/usr/bin/tail", "/dev/zero"])).await.unwrap();
    let exit = task.wait().await;
    assert!(exit.oom_killed, "{exit:?}");
    assert_eq!((exit.signal, exit.exit_code), (9, 137));
    task.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_held_by_the_kernel_and_usage_is_counted() {
    let bench = Bench::new();
    if !bench.has_groups() {
        return;
    }
    let mut plan =
        bench.shell("busy", "echo $(cat /proc/self/cgroup); i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; sleep 60");
    let limits = plan.cgroup.as_mut().unwrap();
    limits.cores = vec![0];
    limits.pids_max = Some(50);
    limits.cpu_quota_us = Some(50_000);
    let task = bench.launcher().launch(&plan).await.unwrap();
    eventually("it is done", || bench.output("busy", "stdout").contains("done")).await;
    let stats = task.stats().await.unwrap();
    assert!(stats.cpu_total > Duration::from_millis(1), "{stats:?}");
    assert!(stats.memory_usage > 0 && stats.pids > 0, "{stats:?}");
    let membership = bench.output("busy", "stdout");
    for controller in bench.layer.hierarchies().v1.keys().map(|controller| controller.v1_name()) {
        if ["cpu", "cpuset", "memory", "pids"].contains(&controller) {
            let line = membership.split(' ').find(|line| line.contains(&format!(":{controller}:"))).unwrap();
            assert!(line.ends_with("/allocs/test/busy"), "{line}");
        }
    }
    let group = bench.layer.existing().remove(0);
    let read = |file: &str| group.dirs().iter().find_map(|dir| fs::read_to_string(dir.join(file)).ok()).unwrap_or_default();
    assert_eq!(read("cpuset.cpus").trim(), "0");
    assert_eq!(read("pids.max").trim(), "50");
    if !group.v1.is_empty() {
        assert_eq!((read("cpu.cfs_quota_us").trim(), read("cpu.shares").trim()), ("50000", "500"));
        assert_eq!(read("memory.limit_in_bytes").trim(), (64 << 20).to_string());
    }
    if bench.layer.mode() == CgroupMode::Unified {
        assert_eq!((read("cpu.weight").trim(), read("cpu.max").trim()), ("58", "50000 100000"));
        assert_eq!((read("memory.max").trim(), read("memory.oom.group").trim()), ("67108864", "1"));
    }
    task.stop("SIGTERM", Duration::from_secs(5)).await.unwrap();
    task.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_rotated_without_losing_a_line_that_is_kept() {
    let bench = Bench::new();
    let mut plan = bench.shell("loud", "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; done");
    plan.logs.max_file_size = 4096;
    plan.logs.max_files = 3;
    let task = bench.launcher().launch(&plan).await.unwrap();
    assert!(task.wait().await.is_success());
    let files =
        fs::read_dir(bench.logs()).unwrap().filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().contains("stdout"));
    assert_eq!(files.count(), 3);
    let kept: Vec<u32> = bench.output("loud", "stdout").lines().map(|line| line.strip_prefix("line ").unwrap().parse().unwrap()).collect();
    assert_eq!(kept.last(), Some(&5000));
    assert!(kept.len() > 700 && kept.windows(2).all(|pair| pair[1] == pair[0] + 1), "{} lines", kept.len());
    task.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_outlives_its_shim_and_is_adopted_with_every_line_and_its_code() {
    let bench = Bench::new();
    let launcher = bench.launcher();
    let script = "trap 'exit 7' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done";
    let task = launcher.launch(&bench.shell("orphan", script)).await.unwrap();
    eventually("it writes", || bench.output("orphan", "stdout").lines().count() > 3).await;
    let before = bench.state("orphan");
    kill(Pid::from_raw(before.shim_pid), Signal::SIGKILL).unwrap();
    eventually("another shim adopts it", || bench.state("orphan").shim_pid != before.shim_pid).await;
    assert_eq!(bench.state("orphan").pid, before.pid);
    let lines = bench.output("orphan", "stdout").lines().count();
    eventually("it writes on", || bench.output("orphan", "stdout").lines().count() > lines + 3).await;
    task.signal("SIGTERM").await.unwrap();
    let exit = task.wait().await;
    if exit.unknown {
        println!("SKIPPED: this kernel does not tell an adopter the status (Linux 6.15)");
    } else {
        assert_eq!(exit.exit_code, 7, "{exit:?}");
    }
    let written: Vec<usize> = bench.output("orphan", "stdout").lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(written, (1..=written.len()).collect::<Vec<_>>(), "no line is lost or doubled");
    task.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_agent_finds_running_and_ended_tasks() {
    let bench = Bench::new();
    let first = bench.launcher();
    let on = first.launch(&bench.shell("on", "echo up; exec sleep 300")).await.unwrap();
    let off = first.launch(&bench.shell("off", "exit 4")).await.unwrap();
    off.wait().await;
    let pid = on.pid();
    drop((on, off, first));

    let second = bench.launcher();
    let on = recovered(&second, &bench.run_dir("on")).await;
    assert_eq!(on.pid(), pid);
    let Recovered::Exited(exit, off) = second.recover(&bench.run_dir("off")).await else { panic!("it ended") };
    assert_eq!(exit.exit_code, 4);
    on.stop("SIGTERM", PATIENCE).await.unwrap();
    assert_eq!(on.wait().await.signal, 15);
    on.release().await;
    off.release().await;
    assert!(matches!(second.recover(&bench.run_dir("on")).await, Recovered::Gone));
}

/// Not a test of its own: the agent that the next test kills.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by another test"]
async fn an_agent_that_is_killed() {
    let Ok(plan) = std::env::var("PANNIER_TEST_PLAN") else { return };
    let layer = CgroupLayer::detect(&std::env::var("PANNIER_TEST_PARENT").unwrap());
    let shim_binary = PathBuf::from(env!("CARGO_BIN_EXE_pannier"));
    let launcher = Launcher::new(LauncherConfig { shim_binary, cgroup: layer });
    let _task = launcher.launch(&serde_json::from_str(&plan).unwrap()).await.unwrap();
    kill(Pid::this(), Signal::SIGKILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_takes_neither_shim_nor_task_with_it() {
    let bench = Bench::new();
    let plan = bench.shell("survivor", "trap 'exit 9' TERM; while :; do echo on; sleep 0.01; done");
    let status = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_agent_that_is_killed", "--ignored"])
        .env("PANNIER_TEST_PLAN", serde_json::to_string(&plan).unwrap())
        .env("PANNIER_TEST_PARENT", &bench.parent)
        .status();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status.await.unwrap()), Some(9));
    let state = bench.state("survivor");
    let lines = bench.output("survivor", "stdout").lines().count();
    eventually("it writes on", || bench.output("survivor", "stdout").lines().count() > lines + 3).await;
    let task = recovered(&bench.launcher(), &plan.run_dir).await;
    assert_eq!(task.pid(), u32::try_from(state.pid).ok());
    assert_eq!(bench.state("survivor").shim_pid, state.shim_pid, "the same shim");
    task.stop("SIGTERM", PATIENCE).await.unwrap();
    assert_eq!(task.wait().await.exit_code, 9);
    task.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_directory_is_started_from_once() {
    let bench = Bench::new();
    let launcher = bench.launcher();
    let plan = bench.shell("once", "exec sleep 300");
    let task = launcher.launch(&plan).await.unwrap();
    assert!(matches!(launcher.launch(&plan).await, Err(StartError::Permanent(_))));
    assert!(is_running(bench.state("once").pid), "the first one is not touched");
    task.release().await;
    assert!(bench.layer.existing().is_empty(), "a release ends what still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shim_whose_run_directory_was_removed_goes_when_its_task_has() {
    let bench = Bench::new();
    let task = bench.launcher().launch(&bench.shell("removed", "exit 0")).await.unwrap();
    task.wait().await;
    let shim = bench.state("removed").shim_pid;
    drop(task);
    assert!(is_running(shim), "it waits to be released");
    fs::remove_dir_all(bench.run_dir("removed")).unwrap();
    eventually("the shim is gone", || !is_running(shim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_ended_while_agent_and_shim_were_gone() {
    let bench = Bench::new();
    let first = bench.launcher();
    drop(first.launch(&bench.shell("alone", "echo up; sleep 300")).await.unwrap());
    drop(first);
    let state = bench.state("alone");
    kill(Pid::from_raw(state.shim_pid), Signal::SIGKILL).unwrap();
    eventually("the shim is dead", || !is_running(state.shim_pid)).await;
    kill(Pid::from_raw(state.pid), Signal::SIGKILL).unwrap();
    eventually("the task is dead", || !is_running(state.pid)).await;

    let second = bench.launcher();
    let Recovered::Exited(exit, handle) = second.recover(&bench.run_dir("alone")).await else { panic!("it ended") };
    assert!(exit.unknown, "nobody was there to see it: {exit:?}");
    handle.release().await;
    assert!(bench.layer.existing().is_empty(), "the left-over `sleep` of the shell is gone with its group");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grandchild_that_forked_away_dies_with_its_task() {
    for groups in [true, false] {
        let bench = if groups { Bench::new() } else { Bench::without_groups() };
        let script = "(setsid sh -c 'echo $$; exec sleep 300' &) ; while ! [ -e go ]; do sleep 0.01; done; exit 5";
        let task = bench.launcher().launch(&bench.shell("daemon", script)).await.unwrap();
        eventually("it forked away", || bench.output("daemon", "stdout").ends_with('\n')).await;
        let grandchild: i32 = bench.output("daemon", "stdout").trim().parse().unwrap();
        assert!(is_running(grandchild));
        fs::write(bench.root.path().join("go"), "").unwrap();
        assert_eq!(task.wait().await.exit_code, 5);
        assert!(!is_running(grandchild), "with groups: {groups}");
        task.release().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_short_tasks() {
    let bench = Bench::new();
    let launcher = bench.launcher();
    let start = Instant::now();
    let plans: Vec<LaunchPlan> = (0..100).map(|n| bench.shell(&format!("t{n}"), &format!("echo {n}; exit {}", n % 50))).collect();
    let tasks = futures_util::future::join_all(plans.iter().map(|plan| async {
        let task = launcher.launch(plan).await.unwrap();
        let exit = task.wait().await;
        task.release().await;
        exit.exit_code
    }));
    assert_eq!(tasks.await, (0..100).map(|n| n % 50).collect::<Vec<i32>>());
    println!("100 tasks: {:?}", start.elapsed());
    assert_eq!(bench.output("t42", "stdout"), "42\n");
    assert!(bench.layer.existing().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_runs_as_its_user() {
    if !nix::unistd::geteuid().is_root() {
        return println!("SKIPPED: switching users needs root");
    }
    let bench = Bench::new();
    // What /dev/stderr leads to is opened anew: the FIFO must be the user's.
    let mut plan = bench.shell("user", "id -u; id -G; grep -c . /proc/self/environ; echo opened > /proc/self/fd/2");
    let LaunchKind::Process(process) = &mut plan.kind else { unreachable!() };
    process.user = "nobody".to_owned();
    process.work_dir = PathBuf::from("/");
    let task = bench.launcher().launch(&plan).await.unwrap();
    assert!(task.wait().await.is_success());
    assert!(bench.output("user", "stdout").starts_with("65534\n65534\n"), "{}", bench.output("user", "stdout"));
    assert_eq!(bench.output("user", "stderr"), "opened\n");
    task.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_takes_what_nobody_knows_and_nothing_else() {
    let bench = Bench::new();
    let launcher = bench.launcher();
    let kept = launcher.launch(&bench.shell("kept", "exec sleep 300")).await.unwrap();
    drop(launcher.launch(&bench.shell("forgotten", "exec sleep 300")).await.unwrap());
    let forgotten = bench.state("forgotten").pid;
    let known = BTreeSet::from([bench.run_dir("kept")]);
    let report = launcher.sweep(bench.root.path(), &known).await;
    assert_eq!(report.run_dirs, [bench.run_dir("forgotten")]);
    assert!(!is_running(forgotten));
    assert!(is_running(bench.state("kept").pid));
    kept.stop("SIGKILL", Duration::ZERO).await.unwrap();
    kept.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shim_is_small_and_holds_none_of_the_agents_files() {
    let bench = Bench::new();
    let task = bench.launcher().launch(&bench.shell("small", "ls -l /proc/self/fd | wc -l; exec sleep 300")).await.unwrap();
    let shim = bench.state("small").shim_pid;
    let rollup = fs::read_to_string(format!("/proc/{shim}/smaps_rollup")).unwrap();
    let kilobytes =
        |name: &str| -> u64 { rollup.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok()).unwrap() };
    // What one more shim costs: the binary's own pages are in the page cache once, whoever runs it. An unoptimised build has twice the
    // relocated data of the one that is shipped, whose figure `scripts/bench-footprint` prints.
    assert!(kilobytes("Pss_Anon:") <= 1536, "{rollup}");
    for fd in fs::read_dir(format!("/proc/{shim}/fd")).unwrap() {
        let target = fs::read_link(fd.unwrap().path()).unwrap();
        assert!(!target.to_string_lossy().starts_with("pipe:"), "{target:?}");
    }
    task.stop("SIGKILL", Duration::ZERO).await.unwrap();
    task.release().await;
}

/// The attack of CVE-2019-5736: hold the shim's binary, wait until nothing executes it, write.
#[tokio::test(flavor = "multi_thread")]
async fn the_binary_cannot_be_overwritten_through_a_shim() {
    let bench = Bench::new();
    let binary = bench.root.path().join("pannier");
    fs::copy(env!("CARGO_BIN_EXE_pannier"), &binary).unwrap();
    if let Err(error) = pannier::runtime::shim::sealed::SealedBinary::open(&binary) {
        return println!("SKIPPED: no detached mounts here: {error}");
    }
    let launcher = Launcher::new(LauncherConfig { shim_binary: binary.clone(), cgroup: bench.layer.clone() });
    let task = launcher.launch(&bench.shell("victim", "exec sleep 300")).await.unwrap();
    let shim = bench.state("victim").shim_pid;
    let held = nix::fcntl::open(format!("/proc/{shim}/exe").as_str(), nix::fcntl::OFlag::O_PATH, nix::sys::stat::Mode::empty()).unwrap();
    task.stop("SIGKILL", Duration::ZERO).await.unwrap();
    task.release().await;
    eventually("the shim goes", || !is_running(shim)).await;
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&held));
    let refused = fs::OpenOptions::new().write(true).open(path).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(nix::libc::EROFS));
    assert!(fs::OpenOptions::new().write(true).open(&binary).is_ok(), "only the shim's view is read-only");
}
