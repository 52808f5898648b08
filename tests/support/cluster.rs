//! Agents in network namespaces, joined by a bridge.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::remote::{Remote, within};
use super::{BINARY, is_root, pause, signal};

const PATIENCE: Duration = Duration::from_secs(150);

/// Five agents are enough for two cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Whether namespaces can be made: root, `ip`, and a kernel that allows it.
pub fn is_possible() -> bool {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let probe = format!("pn-probe-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let made = is_root() && ip(&["netns", "add", &probe]).is_some_and(|output| output.status.success());
    let _ = ip(&["netns", "del", &probe]);
    made && Command::new("curl").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn ip(arguments: &[&str]) -> Option<Output> {
    Command::new("ip").args(arguments).output().ok()
}

fn ip_ok(arguments: &[&str]) {
    let output = ip(arguments).expect("ip runs");
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A bridge in a namespace of its own, and every agent's namespace hung on it: nothing of it is seen outside.
pub struct Cluster {
    prefix: String,
    dir: tempfile::TempDir,
    agents: BTreeMap<String, ClusterAgent>,
    /// Appended to every agent's configuration file.
    configuration: String,
    _turn: MutexGuard<'static, ()>,
}

/// One agent and where it lives.
pub struct ClusterAgent {
    name: String,
    namespace: String,
    pub ip: String,
    dir: PathBuf,
    cgroup_parent: String,
    arguments: Vec<String>,
    /// Another build than this one.
    binary: Option<PathBuf>,
    child: Option<Child>,
}

impl Cluster {
    /// `None`, and said loudly, when this machine cannot.
    pub fn new(test: &str, names: &[&str]) -> Option<Self> {
        if !is_possible() {
            eprintln!("SKIPPED: network namespaces need root, iproute2 and curl");
            return None;
        }
        let prefix = format!("pn{}{test}", std::process::id());
        let dir = tempfile::Builder::new().prefix("pannier-cluster-").tempdir().expect("a temporary directory");
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cluster = Self { prefix, dir, agents: BTreeMap::new(), configuration: String::new(), _turn: turn };
        let hub = cluster.hub();
        ip_ok(&["netns", "add", &hub]);
        ip_ok(&["-n", &hub, "link", "add", "br0", "type", "bridge"]);
        ip_ok(&["-n", &hub, "link", "set", "br0", "up"]);
        for name in names {
            cluster.add(name);
        }
        Some(cluster)
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.prefix)
    }

    /// A namespace with `eth0` on the bridge.
    pub fn add(&mut self, name: &str) {
        let (hub, namespace) = (self.hub(), format!("{}-{name}", self.prefix));
        let address = format!("10.77.0.{}", self.agents.len() + 1);
        let port = format!("p-{name}");
        ip_ok(&["netns", "add", &namespace]);
        ip_ok(&["-n", &hub, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &namespace]);
        ip_ok(&["-n", &hub, "link", "set", &port, "master", "br0"]);
        ip_ok(&["-n", &hub, "link", "set", &port, "up"]);
        ip_ok(&["-n", &namespace, "addr", "add", &format!("{address}/24"), "dev", "eth0"]);
        ip_ok(&["-n", &namespace, "link", "set", "lo", "up"]);
        ip_ok(&["-n", &namespace, "link", "set", "eth0", "up"]);
        let dir = self.dir.path().join(name);
        fs::create_dir_all(&dir).expect("a directory");
        let cgroup_parent = namespace.clone();
        let agent = ClusterAgent {
            name: name.to_owned(),
            namespace,
            ip: address,
            dir,
            cgroup_parent,
            arguments: Vec::new(),
            binary: None,
            child: None,
        };
        self.agents.insert(name.to_owned(), agent);
    }

    pub fn names(&self) -> Vec<String> {
        self.agents.keys().cloned().collect()
    }

    /// These agents, for another thread to ask.
    pub fn remotes(&self, names: &[String]) -> Vec<Remote> {
        names.iter().map(|name| self.agent(name).remote()).collect()
    }

    pub fn agent(&self, name: &str) -> &ClusterAgent {
        &self.agents[name]
    }

    /// Servers `s1` to `s3`, all of them voting; the other agents do not run yet.
    pub fn of_three_servers(test: &str, names: &[&str]) -> Option<Self> {
        let mut cluster = Self::new(test, names)?;
        cluster.bootstrap("s1");
        let servers = cluster.join_token("server", &["-uses", "2"]);
        cluster.join("s2", &servers);
        cluster.join("s3", &servers);
        cluster.wait_voters(3);
        Some(cluster)
    }

    pub fn wait_voters(&mut self, count: usize) {
        self.wait(&format!("{count} servers to vote"), |cluster| {
            let configuration = cluster.get("/v1/operator/raft/configuration");
            let servers = configuration["Servers"].as_array();
            servers.is_some_and(|servers| servers.iter().filter(|server| server["Voter"] == json!(true)).count() == count)
        });
    }

    pub fn join_clients(&mut self, names: &[&str]) {
        let token = self.join_token("client", &["-uses", &names.len().to_string()]);
        names.iter().for_each(|name| self.join(name, &token));
        self.wait("the nodes to be ready", |cluster| names.iter().all(|name| cluster.node_status(name) == "ready"));
    }

    pub fn bootstrap(&mut self, name: &str) {
        self.launch(name, &["-server", "-bootstrap"]);
        self.wait("the first server to lead", |cluster| {
            cluster.agent(name).try_get("/v1/status/leader").is_some_and(|(status, _)| status == 200)
        });
    }

    /// A token from the first server that answers.
    pub fn join_token(&self, role: &str, more: &[&str]) -> String {
        let server = self.agents.values().find(|agent| agent.name.starts_with('s') && agent.child.is_some()).expect("a server");
        self.cli(&server.name, &[&["token", "join", "create", "-role", role], more].concat()).trim().to_owned()
    }

    /// The operator's token, for curl.
    pub fn token_header(&self) -> String {
        let secret = fs::read_to_string(self.agent("s1").data_dir().join("server/operator-token")).expect("the operator's token");
        format!("X-Nomad-Token: {}", secret.trim())
    }

    pub fn join(&mut self, name: &str, token: &str) {
        self.rejoin_at("s1", name, token);
    }

    /// Joins by way of a server of choice.
    pub fn rejoin_at(&mut self, server: &str, name: &str, token: &str) {
        let server = self.agent(server).ip.clone();
        self.launch(name, &["-join", &server, "-token", token]);
        self.wait(&format!("{name} to answer"), |cluster| {
            cluster.agent(name).try_get("/v1/agent/self").is_some_and(|(status, _)| status == 200)
        });
    }

    /// A second file for the agents that start from now on; what it says wins.
    pub fn configure(&mut self, file: &str) {
        file.clone_into(&mut self.configuration);
    }

    /// Which build an agent runs from its next start on; `None`: this one.
    pub fn use_binary(&mut self, name: &str, binary: Option<PathBuf>) {
        self.agents.get_mut(name).expect("an agent of the cluster").binary = binary;
    }

    pub fn launch(&mut self, name: &str, arguments: &[&str]) {
        let agent = self.agents.get_mut(name).expect("an agent of the cluster");
        agent.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        agent.start(&self.configuration);
    }

    /// Starts a stopped agent again; it needs no token any more.
    pub fn start(&mut self, name: &str) {
        let agent = self.agents.get_mut(name).expect("an agent of the cluster");
        agent.arguments = if name.starts_with('s') { vec!["-server".to_owned()] } else { vec!["-client".to_owned()] };
        agent.start(&self.configuration);
    }

    /// What an agent says that is refused.
    pub fn refused_join(&mut self, name: &str, token: &str) -> String {
        self.rejoin(name, token, |child, _| child.try_wait().expect("it can be waited for").is_some())
    }

    /// The same of one that keeps its directory.
    pub fn refused_again(&mut self, name: &str, token: &str) -> String {
        let server = self.agents["s1"].ip.clone();
        self.refused_with(name, &["-join", &server, "-token", token])
    }

    /// What an agent says that does not start with these arguments.
    pub fn refused_with(&mut self, name: &str, arguments: &[&str]) -> String {
        self.launch(name, arguments);
        self.ended(name)
    }

    /// What an agent says that ends by itself.
    pub fn ended(&mut self, name: &str) -> String {
        self.await_end(name, |child, _| child.try_wait().expect("it can be waited for").is_some())
    }

    /// What an agent says that goes on trying.
    pub fn unjoined(&mut self, name: &str, token: &str) -> String {
        self.rejoin(name, token, |_, log| log.contains("cannot join"))
    }

    fn rejoin(&mut self, name: &str, token: &str, is_enough: impl FnMut(&mut Child, &str) -> bool) -> String {
        if !self.agents.contains_key(name) {
            self.add(name);
        }
        let agent = self.agents.get_mut(name).expect("just added");
        let _ = fs::remove_dir_all(&agent.dir);
        fs::create_dir_all(&agent.dir).expect("a directory");
        let server = self.agents["s1"].ip.clone();
        self.launch(name, &["-join", &server, "-token", token]);
        self.await_end(name, is_enough)
    }

    fn await_end(&mut self, name: &str, mut is_enough: impl FnMut(&mut Child, &str) -> bool) -> String {
        let agent = self.agents.get_mut(name).expect("just launched");
        let started = Instant::now();
        loop {
            let log = agent.log();
            if is_enough(agent.child.as_mut().expect("launched"), &log) {
                agent.kill();
                return agent.log();
            }
            assert!(started.elapsed() < PATIENCE, "{name} neither joined nor gave up:\n{log}");
            pause();
        }
    }

    pub fn kill(&mut self, name: &str) {
        self.agents.get_mut(name).expect("an agent of the cluster").kill();
    }

    pub fn signal(&self, name: &str, signal: &str) {
        super::signal(self.agent(name).child.as_ref().expect("the agent runs").id(), signal);
    }

    /// Takes the cable out.
    pub fn cut_off(&self, name: &str) {
        ip_ok(&["-n", &self.hub(), "link", "set", &format!("p-{name}"), "down"]);
    }

    pub fn heal(&self, name: &str) {
        ip_ok(&["-n", &self.hub(), "link", "set", &format!("p-{name}"), "up"]);
    }

    /// The server that leads, by name.
    pub fn leader(&self) -> String {
        let address = self.get("/v1/status/leader");
        let ip = address.as_str().and_then(|text| text.split(':').next()).expect("an address").to_owned();
        self.agents.values().find(|agent| agent.ip == ip).expect("one of ours").name.clone()
    }

    pub fn other_servers(&self, but: &str) -> Vec<String> {
        self.agents.keys().filter(|name| name.starts_with('s') && *name != but).cloned().collect()
    }

    /// From the first live server that has an answer.
    pub fn get(&self, path: &str) -> Value {
        let started = Instant::now();
        loop {
            let servers = self.agents.values().filter(|agent| agent.name.starts_with('s') && agent.child.is_some());
            if let Some((_, value)) = servers.filter_map(|agent| agent.try_get(path)).find(|(status, _)| *status == 200) {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "no server answers {path}\n{}", self.logs());
            pause();
        }
    }

    pub fn run_job(&self, name: &str, count: u32) {
        let server = self.agents.values().find(|agent| agent.name.starts_with('s') && agent.child.is_some()).expect("a server");
        let (status, text) = server.register(name, count);
        assert_eq!(status, 200, "{text}");
    }

    /// Allocations of a job that run and should.
    pub fn running(&self, job: &str) -> Vec<Value> {
        let all = self.get(&format!("/v1/job/{job}/allocations"));
        let runs = |row: &&Value| row["ClientStatus"] == "running" && row["DesiredStatus"] == "run";
        all.as_array().into_iter().flatten().filter(runs).cloned().collect()
    }

    pub fn node_id(&self, name: &str) -> String {
        self.agent(name).own_node().expect("the agent has a node")
    }

    pub fn node_status(&self, name: &str) -> String {
        let Some(id) = self.agent(name).own_node() else { return "unknown".to_owned() };
        let nodes = self.get("/v1/nodes");
        let node = nodes.as_array().into_iter().flatten().find(|node| node["ID"] == id.as_str()).cloned();
        node.and_then(|node| node["Status"].as_str().map(str::to_owned)).unwrap_or_else(|| "unknown".to_owned())
    }

    /// Runs the CLI beside an agent; it must succeed.
    pub fn cli(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.agent(name).within(BINARY).args(arguments).output().expect("the CLI runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// The same for what must be refused; returns what it says.
    pub fn cli_refused(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.agent(name).within(BINARY).args(arguments).output().expect("the CLI runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}: {text}");
        text
    }

    /// What curl says in an agent's namespace.
    pub fn curl(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.agent(name).within("curl").args(["-S", "-m", "20"]).args(arguments).output().expect("curl runs");
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn wait(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let started = Instant::now();
        while !condition(self) {
            assert!(started.elapsed() < PATIENCE, "waited in vain for: {what}\n{}", self.logs());
            pause();
        }
    }

    fn logs(&self) -> String {
        let tail = |agent: &ClusterAgent| {
            let log = agent.log();
            let lines: Vec<&str> = log.lines().rev().take(25).collect();
            format!("--- {}\n{}\n", agent.name, lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
        };
        self.agents.values().map(tail).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for agent in self.agents.values_mut() {
            agent.kill();
            super::sweep(&agent.cgroup_parent, &agent.dir);
            let _ = ip(&["netns", "del", &agent.namespace]);
        }
        let _ = ip(&["netns", "del", &self.hub()]);
    }
}

impl ClusterAgent {
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("agent.log")).unwrap_or_default()
    }

    /// A command in this agent's namespace.
    pub fn within(&self, program: &str) -> Command {
        let mut command = within(&self.namespace, program);
        command.env("TMPDIR", &self.dir);
        command
    }

    pub fn remote(&self) -> Remote {
        Remote::new(&self.namespace)
    }

    fn start(&mut self, more: &str) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let configuration = self.dir.join("agent.hcl");
        fs::write(&configuration, CONFIGURATION).expect("the configuration is written");
        let second = self.dir.join("more.hcl");
        fs::write(&second, more).expect("the configuration is written");
        let log = File::options().create(true).append(true).open(self.dir.join("agent.log")).expect("the log opens");
        let binary = self.binary.as_ref().map_or(BINARY, |path| path.to_str().expect("UTF-8"));
        let mut command = self.within(binary);
        command
            .args(["agent", "-config"])
            .arg(&configuration)
            .arg("-config")
            .arg(&second)
            .arg("-data-dir")
            .arg(self.data_dir())
            .args(["-node", &self.name, "-bind", &self.ip, "-cgroup-parent", &self.cgroup_parent, "-memory-total-mb", "1024"])
            .args(&self.arguments)
            .stdout(log.try_clone().expect("the log opens"))
            .stderr(log);
        // `nsenter` becomes the program itself: the child is the agent.
        self.child = Some(command.spawn().expect("the agent starts"));
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), "KILL");
            let _ = child.wait();
        }
    }

    /// A request over loopback; status 0 when there is no answer.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let answer = self.remote().request(method, path, body);
        (answer.status, answer.text)
    }

    pub fn try_get(&self, path: &str) -> Option<(u16, Value)> {
        let (status, text) = self.request("GET", path, None);
        (status != 0).then(|| (status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    fn own_node(&self) -> Option<String> {
        fs::read_to_string(self.data_dir().join("client/node-id")).ok().map(|text| text.trim().to_owned())
    }

    /// Registers a service of `count` instances that say hello and sleep.
    pub fn register(&self, name: &str, count: u32) -> (u16, String) {
        let answer = self.remote().register(name, count);
        (answer.status, answer.text)
    }

    pub fn task_pids(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        for hierarchy in super::hierarchies() {
            // Not the shims, which enter their group some time after they started.
            for agent in fs::read_dir(hierarchy.join(&self.cgroup_parent)).into_iter().flatten().flatten() {
                super::collect_pids(&agent.path().join("allocs"), &mut pids);
            }
        }
        pids.sort_unstable();
        pids.dedup();
        pids
    }
}

const CONFIGURATION: &str = r#"
log_level = "INFO"
server {
  heartbeat_grace   = "2s"
  min_heartbeat_ttl = "2s"
}
plugin "raw_exec" {
  config {
    enabled = true
  }
}
"#;
