//! How much of a cluster is used before work is turned away, on a production trace; and how few nodes hold given work.
//!
//! `scripts/bench-packing --data DIR` runs it, with the folder of the openb trace (`openb_node_list_gpu_node.csv` and
//! `openb_pod_list_*.csv`: Alibaba's cluster-trace-gpu-v2023). The recipe is that of Weng et al., "Beware of Fragmentation", USENIX ATC 2023:
//! pods of one list, drawn again until they ask for 130 % of all GPUs, come one by one in random order and never leave; one that
//! does not fit is dropped. Baselines are written here anew; pannier's policy is the scheduler's own.

mod baselines;
mod compaction;
mod default_policy;
mod machine;
#[path = "../shared/model.rs"]
mod model;
mod plot;
mod rng;
mod simulation;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

// What the fixtures name as `crate`.
use pannier::util;
use simulation::{Outcome, Policy};
use trace::Trace;

const USAGE: &str = "usage: bench-packing --data DIR [--seeds N] [--workload NAME] [--variations] [--plot DIR] [--json] [--no-compaction]

--variations: also workloads with other proportions, made of the first one.

DIR holds openb_node_list_gpu_node.csv and openb_pod_list_*.csv (see the trace's README). Example:
  scripts/bench-packing --data ../shared/data/openb --seeds 10 --plot /tmp/plots";

#[derive(Default)]
struct Options {
    data: Option<PathBuf>,
    seeds: u64,
    workload: Option<String>,
    plot: Option<PathBuf>,
    json: bool,
    variations: bool,
    no_compaction: bool,
}

fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options { seeds: 10, ..Options::default() };
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value\n\n{USAGE}"));
        match argument.as_str() {
            "--data" => options.data = Some(value()?.into()),
            "--seeds" => options.seeds = value()?.parse().map_err(|_| format!("--seeds needs a number\n\n{USAGE}"))?,
            "--workload" => options.workload = Some(value()?),
            "--plot" => options.plot = Some(value()?.into()),
            "--json" => options.json = true,
            "--variations" => options.variations = true,
            "--no-compaction" => options.no_compaction = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), String> {
    let Some(data) = &options.data else {
        return Err(format!("NOTHING WAS MEASURED: no trace was given.\n\n{USAGE}"));
    };
    let mut workloads = trace::workloads(data)?;
    if let Some(only) = &options.workload {
        workloads.retain(|name| name == only);
    }
    if workloads.is_empty() {
        return Err(format!("NOTHING WAS MEASURED: no openb_pod_list_*.csv that is asked for in {}", data.display()));
    }
    if !options.json {
        println!(
            "{:<14} {:<13} {:>10} {:>16} {:>10} {:>12} {:>12}",
            "workload", "policy", "GPU alloc", "min to max", "published", "fragmented", "pods/s"
        );
    }
    let mut outcomes: Vec<(String, Vec<Outcome>)> = Vec::new();
    let mut published: Vec<Option<f64>> = Vec::new();
    let first = workloads.iter().find(|name| *name == "default").unwrap_or(&workloads[0]).clone();
    let mut traces: Vec<(String, Trace)> = Vec::new();
    for workload in workloads {
        let trace = Trace::read(data, &workload)?;
        traces.push((workload, trace));
    }
    if options.variations {
        let varied = Trace::read(data, &first)?.variations();
        traces.extend(varied.into_iter().map(|(name, trace)| (name.to_owned(), trace)));
    }
    for (workload, trace) in traces {
        let of_workload: Vec<Outcome> = Policy::ALL.iter().map(|policy| simulation::run(&trace, *policy, options.seeds)).collect();
        for outcome in &of_workload {
            report(options, &trace, &workload, outcome);
        }
        published.push(trace.published.get("FGD").copied());
        outcomes.push((workload, of_workload));
    }
    if let Some(folder) = &options.plot {
        plot::outcomes(folder, &outcomes, &published)?;
    }
    if !options.no_compaction {
        let trials = compaction::run(&Trace::read(data, &first)?, 20, options.json);
        if let Some(folder) = &options.plot {
            plot::compaction(folder, &trials)?;
        }
    }
    Ok(())
}

fn report(options: &Options, trace: &Trace, workload: &str, outcome: &Outcome) {
    let Outcome { policy, allocated, fragmented, pods_per_second } = outcome;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let least = allocated.iter().copied().fold(f64::INFINITY, f64::min);
    let most = allocated.iter().copied().fold(0.0, f64::max);
    let published = trace.published.get(policy.published_name()).copied();
    if options.json {
        let published = published.map_or("null".to_owned(), |published| published.to_string());
        println!(
            r#"{{"bench":"packing","workload":"{workload}","policy":"{}","seeds":{},"gpu_alloc_percent":{:.3},"min":{least:.3},"max":{most:.3},"published_percent":{published},"fragmented_percent_of_gpus":{:.3},"pods_per_second":{pods_per_second:.0}}}"#,
            policy.name(),
            allocated.len(),
            mean(allocated),
            mean(fragmented),
        );
    } else {
        println!(
            "{workload:<14} {:<13} {:>8.2} % {:>16} {:>10} {:>10.2} % {pods_per_second:>12.0}",
            policy.name(),
            mean(allocated),
            format!("{least:.2} to {most:.2}"),
            published.map_or(String::new(), |published| format!("{published:.2} %")),
            mean(fragmented),
        );
    }
}
