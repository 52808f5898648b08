//! What a proposal costs on a server of one: alone it is one sync of the disk, among many it shares one.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use pannier::raft::{Raft, RaftConfig};
use pannier::state::Command;
use tokio::runtime::Runtime;

/// Proposals per measurement of the median.
const SEQUENTIAL: usize = 500;

fn propose(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let directory = tempfile::tempdir().expect("a temporary directory is made");
    print_percentiles("append and sync of a plain file", &mut plain_append(directory.path()));
    let opened = Instant::now();
    let raft = runtime.block_on(Raft::open(RaftConfig::new(directory.path()))).expect("a new directory opens");
    println!("open to leadership: {:?}", opened.elapsed());
    print_percentiles("proposal", &mut || {
        runtime.block_on(raft.propose(Command::Noop)).expect("it leads");
    });

    let mut group = criterion.benchmark_group("propose");
    group.bench_function("sequential", |bencher| bencher.iter(|| runtime.block_on(raft.propose(Command::Noop)).expect("it leads")));
    for clients in [16, 256] {
        group.throughput(Throughput::Elements(clients as u64));
        group.bench_function(format!("{clients} at once"), |bencher| {
            bencher.iter(|| {
                let replies = runtime.block_on(join_all((0..clients).map(|_| raft.propose(Command::Noop))));
                assert!(replies.iter().all(Result::is_ok));
            });
        });
    }
    group.finish();
    runtime.block_on(raft.shutdown());
}

/// The yardstick: what this disk takes for a record as large as a small proposal's.
fn plain_append(directory: &Path) -> impl FnMut() {
    let mut file = File::create(directory.join("yardstick")).expect("a file is made");
    move || {
        file.write_all(&[0; 100]).expect("the file is written");
        file.sync_data().expect("the file is synced");
    }
}

fn print_percentiles(what: &str, work: &mut dyn FnMut()) {
    let mut latencies: Vec<Duration> = (0..SEQUENTIAL)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .collect();
    latencies.sort_unstable();
    println!("{SEQUENTIAL} x {what}: p50 {:?}, p99 {:?}", latencies[SEQUENTIAL / 2], latencies[SEQUENTIAL * 99 / 100]);
}

criterion_group!(benches, propose);
criterion_main!(benches);
