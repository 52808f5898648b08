//! Real agents for tests: the built binary on a free loopback port, with directories and cgroups of its own that are gone afterwards,
//! also when the test fails.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::panic, reason = "this is how a test fails")]

pub mod cluster;
pub mod faults;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

pub const BINARY: &str = env!("CARGO_BIN_EXE_pannier");

/// Generous: CI machines are busy. Waits end as soon as their condition holds.
const PATIENCE: Duration = Duration::from_secs(60);

/// An agent with a data directory that outlives its restarts.
pub struct TestAgent {
    child: Option<Child>,
    pub port: u16,
    pub dir: tempfile::TempDir,
    pub cgroup_parent: String,
    /// Whether it is given a data directory, and so leaves its tasks running when it stops.
    keeps_data: bool,
    /// `-dev`, or a configuration file.
    mode: Vec<String>,
    extra: Vec<String>,
    /// Variables for the agent's process.
    pub env: Vec<(String, String)>,
}

impl TestAgent {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a dev agent whose data survives a restart, with further arguments.
    pub fn start_with(extra: &[&str]) -> Self {
        let mut agent = Self::new(extra);
        agent.launch();
        agent
    }

    /// Starts a dev agent that keeps nothing: its tasks end with it.
    pub fn start_temporary() -> Self {
        let mut agent = Self::new(&[]);
        agent.keeps_data = false;
        agent.launch();
        agent
    }

    /// Starts an agent as an operator would keep it, from a configuration file.
    pub fn start_lasting(configuration: &str) -> Self {
        let mut agent = Self::new(&[]);
        let path = agent.dir.path().join("agent.hcl");
        fs::write(&path, configuration).expect("the configuration is written");
        agent.mode = vec!["-config".to_owned(), path.to_str().expect("UTF-8").to_owned()];
        agent.launch();
        agent
    }

    fn new(extra: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let ordinal = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            child: None,
            port: free_port(),
            dir: tempfile::Builder::new().prefix("pannier-test-").tempdir().expect("a temporary directory"),
            cgroup_parent: format!("pannier-test-{}-{ordinal}", std::process::id()),
            keeps_data: true,
            mode: vec!["-dev".to_owned()],
            extra: extra.iter().map(|arg| (*arg).to_owned()).collect(),
            env: Vec::new(),
        }
    }

    /// Starts the process again on the same directory and port.
    pub fn launch(&mut self) {
        assert!(self.child.is_none(), "the agent runs already");
        self.child = Some(self.command().spawn().expect("the agent starts"));
        self.wait_ready();
    }

    /// The agent's command line, for tests that want it to fail.
    pub fn command(&self) -> Command {
        let log = File::options().create(true).append(true).open(self.log_path()).expect("the log opens");
        let mut command = Command::new(BINARY);
        command
            .arg("agent")
            .args(&self.mode)
            .args(["-http-port", &self.port.to_string()])
            .args(["-cgroup-parent", &self.cgroup_parent])
            .args(&self.extra)
            // Temporary directories of its own go below the test's.
            .env("TMPDIR", self.dir.path())
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log opens"))
            .stderr(log);
        if self.keeps_data {
            command.arg("-data-dir").arg(self.data_dir());
        }
        command
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn log_path(&self) -> PathBuf {
        self.dir.path().join("agent.log")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the agent runs").id()
    }

    fn wait_ready(&mut self) {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().expect("the agent can be waited for")) {
                panic!("the agent ended with {status}:\n{}", self.log());
            }
            if let Ok((200, nodes)) = self.try_get("/v1/nodes")
                && nodes.as_array().is_some_and(|nodes| nodes.iter().any(|node| node["Status"] == "ready"))
            {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "the agent did not become ready:\n{}", self.log());
            pause();
        }
    }

    /// SIGKILL to the agent alone: tasks and shims live on.
    pub fn kill_agent(&mut self) {
        let mut child = self.child.take().expect("the agent runs");
        child.kill().expect("SIGKILL");
        child.wait().expect("the agent is reaped");
    }

    /// SIGINT, as Ctrl-C does.
    pub fn interrupt(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("the agent runs");
        signal(child.id(), "INT");
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("the agent can be waited for") {
                return status;
            }
            if started.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("the agent does not stop:\n{}", self.log());
            }
            pause();
        }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs the CLI against this agent.
    pub fn cli(&self, args: &[&str]) -> Output {
        Command::new(BINARY).args(args).env("NOMAD_ADDR", self.address()).stdin(Stdio::null()).output().expect("the CLI runs")
    }

    /// Runs the CLI and returns its standard output; it must succeed.
    pub fn cli_ok(&self, args: &[&str]) -> String {
        let output = self.cli(args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
        text
    }

    pub fn try_request(&self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(parse_answer(&answer))
    }

    pub fn try_get(&self, path: &str) -> std::io::Result<(u16, Value)> {
        let (status, body) = self.try_request("GET", path, "")?;
        Ok((status, serde_json::from_str(&body).unwrap_or(Value::String(body))))
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, value) = self.try_get(path).expect("the agent answers");
        assert_eq!(status, 200, "GET {path}: {value}");
        value
    }

    pub fn put(&self, path: &str, body: &Value) -> Value {
        let (status, text) = self.try_request("PUT", path, &body.to_string()).expect("the agent answers");
        assert_eq!(status, 200, "PUT {path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Writes a jobspec and runs it without waiting for its allocations.
    pub fn run_job(&self, hcl: &str) {
        let path = self.dir.path().join("job.nomad.hcl");
        fs::write(&path, hcl).expect("the jobspec is written");
        self.cli_ok(&["job", "run", "-detach", path.to_str().expect("UTF-8")]);
    }

    /// Allocation stubs of a job.
    pub fn allocations(&self, job: &str) -> Vec<Value> {
        self.get(&format!("/v1/job/{job}/allocations")).as_array().cloned().unwrap_or_default()
    }

    pub fn count(&self, job: &str, status: &str) -> usize {
        self.allocations(job).iter().filter(|row| row["ClientStatus"] == status).count()
    }

    /// Waits until `job` has exactly `count` allocations in `status`.
    pub fn wait_count(&self, job: &str, status: &str, count: usize) {
        self.wait(&format!("{count} x {status} of {job}"), || self.count(job, status) == count);
    }

    /// Waits for a condition, with the agent's log when it does not come true.
    pub fn wait(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let started = Instant::now();
        while !condition() {
            if started.elapsed() > PATIENCE {
                let log = self.log();
                let tail: Vec<&str> = log.lines().rev().take(40).collect();
                panic!("waited in vain for: {what}\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
            pause();
        }
    }

    /// Every process in the cgroups of this agent's tasks, found through the kernel (not through the agent).
    pub fn task_pids(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        for hierarchy in hierarchies() {
            for agent in fs::read_dir(hierarchy.join(&self.cgroup_parent)).into_iter().flatten().flatten() {
                collect_pids(&agent.path().join("allocs"), &mut pids);
            }
        }
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// The first process of each task: those of [`Self::task_pids`] that no other of them started.
    pub fn main_pids(&self) -> Vec<u32> {
        let pids = self.task_pids();
        pids.iter().copied().filter(|pid| parent_of(*pid).is_some_and(|parent| !pids.contains(&parent))).collect()
    }

    /// This agent's own groups, in every hierarchy.
    pub fn cgroups(&self) -> Vec<PathBuf> {
        let parents = hierarchies().into_iter().map(|hierarchy| hierarchy.join(&self.cgroup_parent));
        let children = parents.flat_map(|parent| fs::read_dir(parent).into_iter().flatten().flatten());
        children.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    }
}

/// Where cgroup hierarchies are mounted: one for v2 alone, one per controller otherwise.
fn hierarchies() -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let below = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    std::iter::once(root.to_owned()).chain(below).collect()
}

impl Drop for TestAgent {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), "INT");
            let started = Instant::now();
            while matches!(child.try_wait(), Ok(None)) && started.elapsed() < Duration::from_secs(20) {
                pause();
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        sweep(&self.cgroup_parent, self.dir.path());
    }
}

/// Ends what a killed agent left: processes in its cgroups and shims on its directory, then the groups and mounts themselves.
fn sweep(cgroup_parent: &str, dir: &Path) {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Shims name the directory in their arguments, tasks in their environment.
        let texts = ["cmdline", "environ"].map(|file| fs::read(entry.path().join(file)).unwrap_or_default());
        let is_ours = texts.iter().any(|text| String::from_utf8_lossy(text).contains(&*dir.to_string_lossy()));
        if is_ours && pid != std::process::id() {
            signal(pid, "KILL");
        }
    }
    for hierarchy in hierarchies() {
        let group = hierarchy.join(cgroup_parent);
        let mut pids = Vec::new();
        collect_pids(&group, &mut pids);
        pids.iter().for_each(|pid| signal(*pid, "KILL"));
        let started = Instant::now();
        while group.exists() && started.elapsed() < Duration::from_secs(5) {
            remove_groups(&group);
        }
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for target in mounts.lines().filter_map(|line| line.split(' ').nth(1)).filter(|target| target.starts_with(&*dir.to_string_lossy())) {
        let _ = Command::new("umount").args(["-l", target]).status();
    }
}

fn remove_groups(group: &Path) {
    for child in fs::read_dir(group).into_iter().flatten().flatten() {
        if child.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&child.path());
        }
    }
    let _ = fs::remove_dir(group);
}

fn collect_pids(group: &Path, pids: &mut Vec<u32>) {
    let procs = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    pids.extend(procs.lines().filter_map(|line| line.parse::<u32>().ok()));
    for child in fs::read_dir(group).into_iter().flatten().flatten() {
        if child.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect_pids(&child.path(), pids);
        }
    }
}

/// Sends a signal to a process that this test started.
pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).stderr(Stdio::null()).status();
}

pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

/// A port that nobody listens on right now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The poll interval of every wait for a condition.
pub fn pause() {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(Duration::from_millis(20));
}

fn parse_answer(answer: &[u8]) -> (u16, String) {
    let text = String::from_utf8_lossy(answer);
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    (status, if is_chunked { unchunk(body) } else { body.to_owned() })
}

fn unchunk(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        text.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    text
}
