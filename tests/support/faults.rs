//! What happens to a cluster in network namespaces: packets that do not arrive, writes that go on meanwhile, and what must hold after it.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::cluster::{Cluster, ClusterAgent, Remote};

/// Whoever asks is answered within 5 s. The rest is for curl and a machine that runs a whole cluster on two cores.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(6);

/// Whether packets can be dropped one by one; said loudly when not.
pub fn can_filter() -> bool {
    let found = Command::new("nft").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !found {
        eprintln!("SKIPPED: one-way partitions and packet loss need nft (scripts/setup --tests)");
    }
    found
}

impl Cluster {
    /// What `from` sends no longer arrives at `to`; the other direction works.
    pub fn block(&self, from: &str, to: &str) {
        let source = self.agent(from).ip.clone();
        self.filter(to, &format!("add rule inet faults in ip saddr {source} drop"));
    }

    /// Neither of the two hears the other.
    pub fn part(&self, one: &str, other: &str) {
        self.block(one, other);
        self.block(other, one);
    }

    /// This share of what arrives at `name` is lost.
    pub fn lose(&self, name: &str, percent: u32) {
        self.filter(name, &format!("add rule inet faults in iifname eth0 numgen random mod 100 < {percent} drop"));
    }

    /// Everything arrives again, everywhere.
    pub fn unblock(&self) {
        for name in self.names() {
            self.nft(&name, "add table inet faults; delete table inet faults");
        }
    }

    fn filter(&self, name: &str, rule: &str) {
        self.nft(name, &format!("add table inet faults; add chain inet faults in {{ type filter hook input priority 0; }}; {rule}"));
    }

    fn nft(&self, name: &str, commands: &str) {
        let output = self.agent(name).within("nft").arg(commands).output().expect("nft runs");
        assert!(output.status.success(), "nft {commands}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Index and SHA-256 of each server's own state; `None` where one does not say.
    pub fn state_digests(&self) -> Vec<Option<(u64, [u8; 32])>> {
        let servers = self.names().into_iter().filter(|name| name.starts_with('s'));
        servers.map(|name| state_digest(self.agent(&name))).collect()
    }

    /// Whether every server has the same state, byte for byte.
    pub fn servers_agree(&self) -> bool {
        let digests = self.state_digests();
        digests.iter().all(Option::is_some) && digests.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// What must hold once nothing is broken any more: what was acknowledged is there, of each of `jobs` as many instances run as it asks for,
    /// none of them twice (in the state and on the nodes), and every server has the same state.
    pub fn verify(&mut self, acknowledged: &[String], jobs: &[(&str, usize)]) {
        self.wait("every acknowledged write to be there", |cluster| {
            let jobs = cluster.get("/v1/jobs");
            let there: BTreeSet<&str> = jobs.as_array().into_iter().flatten().filter_map(|job| job["ID"].as_str()).collect();
            acknowledged.iter().all(|name| there.contains(name.as_str()))
        });
        for (job, count) in jobs {
            self.wait(&format!("{job} to run {count} times"), |cluster| {
                let running = cluster.running(job);
                let names: BTreeSet<String> = running.iter().map(|row| row["Name"].to_string()).collect();
                running.len() == *count && names.len() == *count
            });
        }
        let wanted: usize = jobs.iter().map(|(_, count)| count).sum();
        self.wait(&format!("{wanted} tasks to run on the nodes"), |cluster| {
            cluster.names().iter().map(|name| cluster.agent(name).task_pids().len()).sum::<usize>() == wanted
        });
        self.wait("all servers to have the same state", |cluster| cluster.servers_agree());
    }
}

/// From a server's own state, leader or none.
fn state_digest(agent: &ClusterAgent) -> Option<(u64, [u8; 32])> {
    let url = "http://127.0.0.1:4646/v1/operator/snapshot?stale=true";
    let output = agent.within("curl").args(["-s", "-f", "-m", "20", url]).output().ok()?;
    let (meta, state) = pannier::api::archive::unpack(&output.stdout).ok()?;
    Some((meta.index, Sha256::digest(state).into()))
}

/// Registrations of empty jobs, one after the other, at servers in turn.
pub struct Load {
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<Outcome>,
}

/// What became of a [`Load`].
#[derive(Debug, Default)]
pub struct Outcome {
    pub acknowledged: Vec<String>,
    pub refused: usize,
}

impl Load {
    /// Jobs are called `prefix-0` and so on. Each answer must be a success, or a refusal that is worth a retry, within [`ANSWER_LIMIT`].
    pub fn start(prefix: &str, servers: Vec<Remote>) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let (flag, prefix) = (Arc::clone(&stopped), prefix.to_owned());
        let thread = std::thread::spawn(move || {
            let mut outcome = Outcome::default();
            for (number, server) in (0..).zip(servers.iter().cycle()) {
                if flag.load(Ordering::Relaxed) {
                    break;
                }
                let name = format!("{prefix}-{number}");
                let answer = server.register(&name, 0);
                assert!(answer.took < ANSWER_LIMIT, "{name}: {answer:?}");
                match answer.status {
                    200 => outcome.acknowledged.push(name),
                    503 => {
                        assert!(answer.retry_after.is_some(), "{name}: no retry advice in {answer:?}");
                        outcome.refused += 1;
                    }
                    _ => panic!("{name}: {answer:?}"),
                }
            }
            outcome
        });
        Self { stopped, thread }
    }

    pub fn stop(self) -> Outcome {
        self.stopped.store(true, Ordering::Relaxed);
        let outcome = self.thread.join().expect("every answer was as it should be");
        eprintln!("load: {} acknowledged, {} refused", outcome.acknowledged.len(), outcome.refused);
        outcome
    }
}
