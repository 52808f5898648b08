//! What a proposal costs on a server of one: alone it is one sync of the disk, among many it shares one.

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
    let opened = Instant::now();
    let raft = runtime.block_on(Raft::open(RaftConfig::new(directory.path()))).expect("a new directory opens");
    println!("open to leadership: {:?}", opened.elapsed());
    print_percentiles(&runtime, &raft);

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

fn print_percentiles(runtime: &Runtime, raft: &Raft) {
    let mut latencies: Vec<Duration> = (0..SEQUENTIAL)
        .map(|_| {
            let started = Instant::now();
            runtime.block_on(raft.propose(Command::Noop)).expect("it leads");
            started.elapsed()
        })
        .collect();
    latencies.sort_unstable();
    println!("{SEQUENTIAL} sequential proposals: p50 {:?}, p99 {:?}", latencies[SEQUENTIAL / 2], latencies[SEQUENTIAL * 99 / 100]);
}

criterion_group!(benches, propose);
criterion_main!(benches);
