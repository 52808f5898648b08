//! Several clients register and read the same jobs through different servers while leaders are killed, held up and cut off; a checker says
//! whether all that they were answered could have come from one machine that never failed.
//!
//! Needs root, iproute2 and curl (nft for partitions); without them it says so and passes.

#![allow(clippy::panic, reason = "this is how a test fails")]

mod checker;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use checker::{Kind, Operation, Value, is_linearizable};
use serde_json::json;
use support::cluster::{Cluster, Remote};
use support::faults::can_filter;

const JOBS: usize = 4;
const CLIENTS: usize = 5;

/// How long each fault lasts, and the peace after it.
const PHASE: Duration = Duration::from_secs(4);

#[test]
fn answers_under_faults_are_those_of_one_machine() {
    let Some(mut cluster) = Cluster::of_three_servers("lin", &["s1", "s2", "s3"]) else { return };
    let filters = can_filter();
    let servers = cluster.remotes(&["s1", "s2", "s3"].map(str::to_owned));
    let (stopped, tags, clock) = (AtomicBool::new(false), AtomicU64::new(1), Instant::now());
    let history = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = Client { number, servers: &servers, clock, tags: &tags, known: vec![None; JOBS] };
                let stopped = &stopped;
                scope.spawn(move || client.run(stopped))
            })
            .collect();
        for fault in 0..4 {
            suffer(&mut cluster, fault, filters);
        }
        stopped.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().expect("the client ends")).collect::<Vec<_>>()
    });
    for job in 0..JOBS {
        let own: Vec<Operation> = history.iter().filter(|(about, _)| *about == job).map(|(_, operation)| operation.clone()).collect();
        let count = |wanted: fn(&Kind) -> bool| own.iter().filter(|operation| wanted(&operation.kind)).count();
        let swapped = count(|kind| matches!(kind, Kind::Swapped { .. }));
        eprintln!(
            "job {job}: {} operations: {swapped} writes, {} conflicts, {} of unknown outcome, {} reads",
            own.len(),
            count(|kind| matches!(kind, Kind::Conflict { .. })),
            count(|kind| matches!(kind, Kind::Unknown { .. })),
            count(|kind| matches!(kind, Kind::Read(_))),
        );
        assert!(swapped >= 5, "too little happened to tell anything");
        assert!(is_linearizable(&own), "job {job}: no order explains {own:#?}");
    }
    cluster.verify(&[], &[]);
}

/// One fault, for a while, and then none.
fn suffer(cluster: &mut Cluster, fault: usize, filters: bool) {
    let leader = cluster.leader();
    let others = cluster.other_servers(&leader);
    match fault {
        0 => cluster.kill(&leader),
        1 => cluster.signal(&leader, "STOP"),
        2 if filters => others.iter().for_each(|other| cluster.part(&leader, other)),
        3 if filters => cluster.block(&others[0], &leader),
        _ => return,
    }
    let until = Instant::now() + PHASE;
    cluster.wait("the fault to have lasted", |_| Instant::now() >= until);
    match fault {
        0 => cluster.start(&leader),
        1 => cluster.signal(&leader, "CONT"),
        _ => cluster.unblock(),
    }
    let until = Instant::now() + PHASE / 2;
    cluster.wait("a leader, and some peace", |cluster| {
        Instant::now() >= until && cluster.agent(&others[0]).try_get("/v1/jobs").is_some_and(|(status, _)| status == 200)
    });
}

/// One client: asks one server after the other, and writes down what it is answered.
struct Client<'a> {
    number: usize,
    servers: &'a [Remote],
    clock: Instant,
    tags: &'a AtomicU64,
    /// What it last saw of each job: tag and index.
    known: Vec<Option<(u64, u64)>>,
}

impl Client<'_> {
    fn run(mut self, stopped: &AtomicBool) -> Vec<(usize, Operation)> {
        let mut history = Vec::new();
        for round in 0.. {
            if stopped.load(Ordering::Relaxed) {
                break;
            }
            let job = (round + self.number) % JOBS;
            let server = &self.servers[(round / 2 + self.number) % self.servers.len()];
            let operation = if round % 2 == 0 { self.read(server, job, round % 4 == 0) } else { Some(self.write(server, job)) };
            history.extend(operation.map(|operation| (job, operation)));
        }
        history
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).expect("it does not run for centuries")
    }

    /// `None`: nothing was learnt.
    fn read(&mut self, server: &Remote, job: usize, consistent: bool) -> Option<Operation> {
        let call = self.now();
        let question = if consistent { "?consistent=true" } else { "" };
        let answer = server.request("GET", &format!("/v1/job/lin-{job}{question}"), None);
        let returned = Some(self.now());
        let found: Option<(u64, u64)> = match answer.status {
            404 => None,
            200 => {
                let row: serde_json::Value = serde_json::from_str(&answer.text).expect("a job");
                let tag = row["Meta"]["tag"].as_str().and_then(|tag| tag.parse().ok()).expect("our tag");
                Some((tag, row["JobModifyIndex"].as_u64().expect("an index")))
            }
            // Held up or cut off: no answer is no lie.
            0 | 503 => return None,
            other => panic!("{other} {}", answer.text),
        };
        self.known[job] = found;
        Some(Operation { call, returned, kind: Kind::Read(found.map(|(tag, _)| tag)) })
    }

    /// Registers the job with a new tag, if it is still what this client last saw.
    fn write(&mut self, server: &Remote, job: usize) -> Operation {
        let tag = self.tags.fetch_add(1, Ordering::Relaxed);
        let expected: Value = self.known[job].map(|(tag, _)| tag);
        let index = self.known[job].map_or(0, |(_, index)| index);
        let name = format!("lin-{job}");
        let task = json!({"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"}});
        let group = json!({"Name": "g", "Count": 0, "Tasks": [task]});
        let specification = json!({"ID": name, "Name": name, "Type": "service", "Datacenters": ["*"], "TaskGroups": [group],
                                   "Meta": {"tag": tag.to_string()}});
        let body = json!({"Job": specification, "EnforceIndex": true, "JobModifyIndex": index});
        let call = self.now();
        let answer = server.request("PUT", "/v1/jobs", Some(&body));
        let returned = Some(self.now());
        match answer.status {
            200 => {
                let row: serde_json::Value = serde_json::from_str(&answer.text).expect("an answer");
                self.known[job] = Some((tag, row["JobModifyIndex"].as_u64().expect("an index")));
                Operation { call, returned, kind: Kind::Swapped { expected, tag } }
            }
            500 if answer.text.contains("Enforcing job modify index") => Operation { call, returned, kind: Kind::Conflict { expected } },
            0 | 503 => Operation { call, returned: None, kind: Kind::Unknown { expected, tag } },
            other => panic!("{other} {}", answer.text),
        }
    }
}
