//! The openb trace: nodes, pods, and the figures that were published for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::machine::Machine;
use crate::rng::Rng;

/// A pod's request; `models` is a set of node models as bits, zero for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pod {
    pub cpu: i64,
    pub memory: i64,
    pub gpus: u16,
    /// Thousandths of each.
    pub share: u16,
    pub models: u32,
}

impl Pod {
    /// Thousandths of GPUs in all.
    pub fn gpu_milli(&self) -> u64 {
        u64::from(self.gpus) * u64::from(self.share)
    }
}

pub struct Trace {
    pub machines: Vec<Machine>,
    pub models: Vec<String>,
    pub pods: Vec<Pod>,
    /// Mean GPU allocation in percent by policy, where 130 % were asked for.
    pub published: BTreeMap<String, f64>,
}

/// The workloads in a folder, by name.
pub fn workloads(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("NOTHING WAS MEASURED: cannot read {}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_prefix("openb_pod_list_")?.strip_suffix(".csv")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

impl Trace {
    pub fn read(folder: &Path, workload: &str) -> Result<Self, String> {
        let mut models: Vec<String> = Vec::new();
        let machines = rows(&folder.join("openb_node_list_gpu_node.csv"))?
            .iter()
            .map(|row| {
                let name = row.get(4).cloned().unwrap_or_default();
                let model = models.iter().position(|known| *known == name).unwrap_or_else(|| {
                    models.push(name);
                    models.len() - 1
                });
                Ok(Machine::new(number(row, 1)?, number(row, 2)?, number(row, 3)? as usize, model))
            })
            .collect::<Result<Vec<Machine>, String>>()?;
        let pods = rows(&folder.join(format!("openb_pod_list_{workload}.csv")))?
            .iter()
            .map(|row| {
                let allowed = row.get(5).map_or("", String::as_str);
                let bit = |name: &str| models.iter().position(|known| known == name).map_or(1 << 31, |at| 1 << at);
                let models = allowed.split('|').filter(|name| !name.is_empty()).fold(0u32, |set, name| set | bit(name));
                let small = |column| u16::try_from(number(row, column)?).map_err(|_| format!("{row:?}: too large"));
                Ok(Pod { cpu: number(row, 1)?, memory: number(row, 2)?, gpus: small(3)?, share: small(4)?, models })
            })
            .collect::<Result<Vec<Pod>, String>>()?;
        let mut published = BTreeMap::new();
        // Absent figures are only not printed.
        for row in rows(&folder.join("published_results.csv")).unwrap_or_default() {
            if row.len() > 4 && row[0] == "gpu_alloc_pct" && row[1] == workload && row[3] == "130" {
                published.insert(row[2].clone(), row[4].parse().unwrap_or(0.0));
            }
        }
        Ok(Self { machines, models, pods, published })
    }

    /// Workloads that nobody published figures for and no policy was chosen on: this one's with other proportions.
    pub fn variations(&self) -> Vec<(&'static str, Self)> {
        let with = |change: &dyn Fn(usize, &mut Pod)| {
            let mut pods = self.pods.clone();
            pods.iter_mut().enumerate().for_each(|(at, pod)| change(at, pod));
            self.of(self.machines.clone(), pods)
        };
        let machines = |keeps: &dyn Fn(usize, &Machine) -> bool| {
            let kept = self.machines.iter().enumerate().filter(|(at, machine)| keeps(*at, machine)).map(|(_, machine)| machine.clone());
            self.of(kept.collect(), self.pods.clone())
        };
        vec![
            ("cpu x1.5", with(&|_, pod| pod.cpu += pod.cpu / 2)),
            ("cpu x0.5", with(&|_, pod| pod.cpu /= 2)),
            ("memory x2", with(&|_, pod| pod.memory *= 2)),
            ("more halves", with(&|at, pod| pod.share = if at % 2 == 0 && pod.gpus == 1 { 500 } else { pod.share })),
            ("big shares", with(&|_, pod| pod.share = if pod.share < 500 { pod.share * 2 } else { pod.share })),
            ("less cpu-only", {
                let pods = self.pods.iter().enumerate().filter(|(at, pod)| pod.gpus > 0 || at % 4 == 0).map(|(_, pod)| *pod);
                self.of(self.machines.clone(), pods.collect())
            }),
            ("every 4th node", machines(&|at, _| at % 4 == 0)),
            ("8-GPU nodes", machines(&|_, machine| machine.gpus.len() == 8)),
        ]
    }

    fn of(&self, machines: Vec<Machine>, pods: Vec<Pod>) -> Self {
        Self { machines, models: self.models.clone(), pods, published: BTreeMap::new() }
    }

    /// Thousandths of all GPUs.
    pub fn capacity(&self) -> u64 {
        self.machines.iter().map(|machine| machine.gpus.len() as u64 * 1000).sum()
    }

    /// Pods in the order in which they come: together they ask for 130 % of the GPUs.
    pub fn arrivals(&self, seed: u64) -> Vec<Pod> {
        let mut rng = Rng::new(seed);
        let goal = self.capacity() * 13 / 10;
        let mut pods = self.pods.clone();
        let mut asked: u64 = pods.iter().map(Pod::gpu_milli).sum();
        if asked > goal {
            rng.shuffle(&mut pods);
            while asked > goal
                && let Some(pod) = pods.pop()
            {
                asked -= pod.gpu_milli();
            }
        }
        while asked < goal {
            let pod = self.pods[rng.below(self.pods.len())];
            asked += pod.gpu_milli();
            pods.push(pod);
        }
        rng.shuffle(&mut pods);
        pods
    }
}

fn rows(file: &Path) -> Result<Vec<Vec<String>>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

fn number(row: &[String], column: usize) -> Result<i64, String> {
    row.get(column).and_then(|field| field.parse().ok()).ok_or_else(|| format!("{row:?}: no number in column {}", column + 1))
}
