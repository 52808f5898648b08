//! Servers as real processes on loopback, each with ports and a directory of its own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pannier::api::client::{Address, ApiRequest, Client, ClientOptions};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_pannier");
const PATIENCE: Duration = Duration::from_secs(600);

/// One server; it dies with this.
pub struct Server {
    pub client: Client,
    pub rpc: String,
    http_port: u16,
    directory: PathBuf,
    child: Option<Child>,
}

impl Server {
    pub fn new(root: &Path, name: &str) -> Self {
        let (http_port, rpc_port) = (free_port(), free_port());
        let address: Address = format!("http://127.0.0.1:{http_port}").parse().expect("an address");
        let client = Client::new(ClientOptions { address, token: None, namespace: None, region: None, tls: None });
        Self { client, rpc: format!("127.0.0.1:{rpc_port}"), http_port, directory: root.join(name), child: None }
    }

    pub fn start(&mut self, more: &[&str]) {
        fs::create_dir_all(&self.directory).expect("a directory");
        let log = File::options().create(true).append(true).open(self.directory.join("log")).expect("a log");
        let rpc_port = self.rpc.rsplit(':').next().expect("a port").to_owned();
        let child = Command::new(BINARY)
            .args(["agent", "-server", "-bind", "127.0.0.1", "-http-port", &self.http_port.to_string(), "-rpc-port", &rpc_port])
            .args(["-node", &self.directory.file_name().expect("a name").to_string_lossy(), "-log-level", "WARN"])
            .arg("-data-dir")
            .arg(self.directory.join("data"))
            .args(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        self.child = Some(child);
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    pub async fn get(&self, path: &str) -> Option<Value> {
        let request = self.client.fetch(ApiRequest::raw(hyper::Method::GET, path));
        tokio::time::timeout(Duration::from_secs(10), request).await.ok()?.ok()
    }

    /// Whether a write goes through.
    pub async fn write(&self, body: &Value) -> bool {
        let Ok(request) = ApiRequest::raw(hyper::Method::PUT, "/v1/jobs").json(body) else { return false };
        matches!(tokio::time::timeout(Duration::from_secs(10), self.client.fetch::<Value>(request)).await, Ok(Ok(_)))
    }

    pub async fn wait_for(&self, what: &str, path: &str, holds: impl Fn(&Value) -> bool) {
        let started = Instant::now();
        while !self.get(path).await.is_some_and(|value| holds(&value)) {
            assert!(started.elapsed() < PATIENCE, "waited in vain for {what}; see {}", self.directory.join("log").display());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn join_token(&self, role: &str, uses: usize) -> String {
        let output = Command::new(BINARY)
            .args(["token", "join", "create", "-role", role, "-uses", &uses.to_string()])
            .args(["-address", &format!("http://127.0.0.1:{}", self.http_port)])
            .output()
            .expect("the CLI runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// In kB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// User and system time in ticks of 10 ms.
    pub fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        [11, 12].iter().filter_map(|field| fields.get(*field)?.parse::<u64>().ok()).sum()
    }

    pub fn bytes_written(&self) -> u64 {
        let io = fs::read_to_string(format!("/proc/{}/io", self.pid())).unwrap_or_default();
        io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// So many servers that form one cluster, all voting, with `more` on their command lines.
pub async fn cluster(root: &Path, count: usize, more: &[&str]) -> Vec<Server> {
    let mut servers: Vec<Server> = (1..=count).map(|number| Server::new(root, &format!("s{number}"))).collect();
    let (first, others) = servers.split_first_mut().expect("at least one");
    first.start(&[&["-bootstrap"], more].concat());
    first.wait_for("the first server to lead", "/v1/status/leader", Value::is_string).await;
    if !others.is_empty() {
        let token = first.join_token("server", others.len());
        others.iter_mut().for_each(|server| server.start(&[&["-join", &first.rpc, "-token", &token], more].concat()));
    }
    let votes = move |value: &Value| {
        let servers = value["Servers"].as_array().map_or(&[][..], Vec::as_slice);
        servers.iter().filter(|server| server["Voter"] == true).count() == count
    };
    first.wait_for("all servers to vote", "/v1/operator/raft/configuration", votes).await;
    servers
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}
