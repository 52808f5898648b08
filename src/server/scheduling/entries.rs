//! Plans cut into log entries: many small ones together in one, a very large one in several, so that no entry is larger than the log takes, none
//! holds up everybody while it is applied, and others get in between.

use std::collections::BTreeSet;

use crate::model::plan::{Placement, PlacementMetrics, Run};
use crate::model::{JobKey, Plan};

/// How large an entry may become.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Allocations that it places, stops or changes: what applying it takes time for.
    pub rows: usize,
    /// Estimated from above.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // A log entry takes 32 MiB; ten thousand rows are applied in some tens of milliseconds.
        Self { rows: 10_000, bytes: 8 << 20 }
    }
}

/// A part of a decision that is committed at once.
#[derive(Debug)]
pub struct Entry {
    pub plan: Plan,
    /// Whose evaluations the plan was made for.
    pub jobs: BTreeSet<JobKey>,
    /// It says what became of the evaluations of a plan in several entries: only true, and only to be proposed, once those are applied as
    /// they were decided.
    pub is_last_of_several: bool,
}

/// `plans` are those of one decision, one per job, in order.
pub fn cut(plans: Vec<Plan>, limits: Limits) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut open: Option<(Entry, Load)> = None;
    for plan in plans.into_iter().filter(|plan| !plan.is_empty()) {
        let load = Load::of(&plan);
        let jobs = jobs_of(&plan);
        match &mut open {
            Some((entry, before)) if before.plus(load).fits(limits) => {
                entry.plan.append(plan);
                entry.jobs.extend(jobs);
                *before = before.plus(load);
            }
            _ => {
                entries.extend(open.take().map(|(entry, _)| entry));
                if load.fits(limits) {
                    open = Some((Entry { plan, jobs, is_last_of_several: false }, load));
                } else {
                    entries.extend(several(plan, &jobs, limits));
                }
            }
        }
    }
    entries.extend(open.map(|(entry, _)| entry));
    entries
}

fn jobs_of(plan: &Plan) -> BTreeSet<JobKey> {
    let evaluated = plan.evaluations.iter().map(|evaluation| &evaluation.job);
    evaluated.chain(plan.placements.iter().map(|placement| &placement.job.key)).cloned().collect()
}

/// Stops first, so that what they make room for finds it; what became of the evaluations last.
fn several(plan: Plan, jobs: &BTreeSet<JobKey>, limits: Limits) -> Vec<Entry> {
    let mut cutter = Cutter {
        parts: Vec::new(),
        load: Load::default(),
        limits,
        next_ordinal: plan.first_ordinal,
        pattern: (plan.created_at, plan.id_seed),
    };
    {
        let first = cutter.part(Load::default());
        first.new_deployments = plan.new_deployments;
        first.deployment_updates = plan.deployment_updates;
    }
    for stop in plan.stops {
        let load = Load { rows: 1, bytes: STOP + stop.description.len() };
        cutter.part(load).stops.push(stop);
    }
    for update in plan.in_place {
        cutter.part(Load { rows: 1, bytes: IN_PLACE + update.job.key.id.len() }).in_place.push(update);
    }
    for placement in plan.placements {
        cutter.place(placement);
    }
    let last = Plan { evaluations: plan.evaluations, ..cutter.empty() };
    let entry = |plan, is_last_of_several| Entry { plan, jobs: jobs.clone(), is_last_of_several };
    cutter.parts.into_iter().map(|plan| entry(plan, false)).chain([entry(last, true)]).collect()
}

struct Cutter {
    parts: Vec<Plan>,
    /// Of the last part.
    load: Load,
    limits: Limits,
    next_ordinal: u64,
    pattern: (crate::util::clock::Timestamp, u128),
}

impl Cutter {
    fn empty(&self) -> Plan {
        let (created_at, id_seed) = self.pattern;
        Plan { created_at, id_seed, first_ordinal: self.next_ordinal, ..Plan::default() }
    }

    /// The part that takes `load` more.
    fn part(&mut self, load: Load) -> &mut Plan {
        let is_bare = self.load.rows == 0 && self.load.bytes == 0;
        if self.parts.is_empty() || !(is_bare || self.load.plus(load).fits(self.limits)) {
            let empty = self.empty();
            self.load = Load::default();
            self.parts.push(empty);
        }
        self.load = self.load.plus(load);
        let at = self.parts.len() - 1;
        &mut self.parts[at]
    }

    fn place(&mut self, placement: Placement) {
        let header = Load { rows: 0, bytes: PLACEMENT + metrics_bytes(&placement.metrics) };
        let bare = Placement { runs: Vec::new(), ..placement.clone() };
        let mut is_first = true;
        for mut run in placement.runs {
            while run.count > 0 {
                let each = instance_bytes(&run);
                let fitting = self.room_for(each).min(run.count as usize);
                let needs_new_part = fitting == 0;
                let count = if needs_new_part { self.most_per_part(each, header).min(run.count as usize) } else { fitting };
                let (head, tail) = split(run, u32::try_from(count).unwrap_or(u32::MAX));
                let load = Load { rows: count, bytes: RUN + each * count };
                if is_first || needs_new_part {
                    self.part(header.plus(load)).placements.push(bare.clone());
                    is_first = false;
                } else {
                    self.load = self.load.plus(load);
                }
                self.next_ordinal += u64::from(head.count);
                let part = self.parts.last_mut().and_then(|part| part.placements.last_mut());
                part.into_iter().for_each(|placement| placement.runs.push(head.clone()));
                run = tail;
            }
        }
    }

    fn room_for(&self, each: usize) -> usize {
        let rows = self.limits.rows.saturating_sub(self.load.rows);
        let bytes = self.limits.bytes.saturating_sub(self.load.bytes + RUN) / each.max(1);
        rows.min(bytes)
    }

    /// At least one: an instance cannot be cut.
    fn most_per_part(&self, each: usize, header: Load) -> usize {
        let bytes = self.limits.bytes.saturating_sub(header.bytes + RUN) / each.max(1);
        self.limits.rows.min(bytes).max(1)
    }
}

/// The first `count` instances of a run, and the rest.
fn split(mut run: Run, count: u32) -> (Run, Run) {
    let count = count.min(run.count);
    let share = |length: usize| length / run.count.max(1) as usize * count as usize;
    let (ports, cores, devices) = (share(run.ports.len()), share(run.cores.len()), share(run.devices.len()));
    let tail = Run {
        first_index: run.first_index + count,
        count: run.count - count,
        ports: run.ports.split_off(ports),
        cores: run.cores.split_off(cores),
        devices: run.devices.split_off(devices),
        ..run.clone()
    };
    (Run { count, ..run }, tail)
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    rows: usize,
    bytes: usize,
}

// Upper bounds of what one record takes in the log, texts aside, in bytes.
const STOP: usize = 96;
const IN_PLACE: usize = 160;
const PLACEMENT: usize = 512;
const RUN: usize = 64;
const PORT: usize = 16;
const DEVICE: usize = 128;
const RESCHEDULE: usize = 64;
const EVALUATION: usize = 512;
const DEPLOYMENT: usize = 512;

impl Load {
    fn of(plan: &Plan) -> Self {
        let mut load = Self { rows: plan.stops.len() + plan.in_place.len(), bytes: 0 };
        load.bytes += plan.stops.iter().map(|stop| STOP + stop.description.len()).sum::<usize>();
        load.bytes += plan.in_place.iter().map(|update| IN_PLACE + update.job.key.id.len()).sum::<usize>();
        load.bytes += (plan.new_deployments.len() + plan.deployment_updates.len()) * DEPLOYMENT;
        for placement in &plan.placements {
            load.bytes += PLACEMENT + metrics_bytes(&placement.metrics);
            for run in &placement.runs {
                load.rows += run.count as usize;
                load.bytes += RUN + instance_bytes(run) * run.count as usize;
            }
        }
        for evaluation in &plan.evaluations {
            load.bytes += EVALUATION + evaluation.failed_groups.values().map(|metrics| metrics_bytes(metrics)).sum::<usize>();
        }
        load
    }

    fn plus(self, other: Self) -> Self {
        Self { rows: self.rows + other.rows, bytes: self.bytes + other.bytes }
    }

    fn fits(self, limits: Limits) -> bool {
        self.rows <= limits.rows && self.bytes <= limits.bytes
    }
}

fn instance_bytes(run: &Run) -> usize {
    let ports: usize = run.ports.iter().map(|port| PORT + port.label.len() + port.host_ip.len()).sum();
    let ids = (run.devices.len() + run.preempts.len()) * DEVICE + run.reschedules.len() * RESCHEDULE;
    let all = ports + run.cores.len() * 3 + ids;
    all.div_ceil(run.count.max(1) as usize)
}

fn metrics_bytes(metrics: &PlacementMetrics) -> usize {
    let maps = [
        &metrics.nodes_available,
        &metrics.class_filtered,
        &metrics.constraint_filtered,
        &metrics.class_exhausted,
        &metrics.dimension_exhausted,
    ];
    let counted: usize = maps.iter().flat_map(|map| map.keys()).map(|name| name.len() + 8).sum();
    let free: usize = metrics.largest_free.iter().map(|(name, text)| name.len() + text.len() + 8).sum();
    let terms: usize = metrics.scores.iter().flat_map(|score| &score.terms).map(|(name, _)| name.len() + 16).sum();
    counted + free + terms + metrics.scores.len() * 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Stop;
    use crate::model::{AllocDesiredStatus, AllocId, AssignedPort, JobType, NodeId, fixtures};

    fn small(id: &str, instances: u32, first_ordinal: u64) -> Plan {
        let job = fixtures::job(id, JobType::Batch, instances);
        Plan { first_ordinal, ..fixtures::placing(&job, NodeId(1), 0, instances, 7) }
    }

    /// Ids with their node and index, as `apply` will count them.
    fn placed(plan: &Plan) -> Vec<(AllocId, NodeId, u32, Vec<u16>)> {
        let mut ordinal = plan.first_ordinal;
        let mut placed = Vec::new();
        for run in plan.placements.iter().flat_map(|placement| &placement.runs) {
            let each = run.ports.len() / run.count as usize;
            for instance in 0..run.count {
                let ports = run.ports.iter().skip(each * instance as usize).take(each).map(|port| port.value).collect();
                placed.push((AllocId::derive(plan.id_seed, ordinal), run.node, run.first_index + instance, ports));
                ordinal += 1;
            }
        }
        placed
    }

    #[test]
    fn small_plans_share_an_entry() {
        let plans = vec![small("a", 3, 0), Plan::default(), small("b", 4, 3), small("c", 5, 7)];
        let entries = cut(plans, Limits { rows: 8, bytes: 1 << 20 });
        let sizes: Vec<(u64, usize)> = entries.iter().map(|entry| (entry.plan.instances(), entry.jobs.len())).collect();
        assert_eq!(sizes, [(7, 2), (5, 1)]);
        assert!(entries.iter().all(|entry| !entry.is_last_of_several));
    }

    #[test]
    fn a_large_plan_is_cut_and_means_the_same() {
        let job = fixtures::job("large", JobType::Batch, 100);
        let mut plan = Plan { first_ordinal: 5, ..fixtures::placing(&job, NodeId(1), 0, 25, 7) };
        let port = |value| AssignedPort { label: "http".into(), value, to: value, host_ip: "10.0.0.1".into(), shared: false };
        let mut second = plan.placements[0].runs[0].clone();
        second.node = NodeId(2);
        second.first_index = 25;
        second.ports = (0..50).map(port).collect();
        plan.placements[0].runs.push(second);
        let stop = |id| Stop {
            alloc: AllocId(id),
            desired: AllocDesiredStatus::Stop,
            description: "stopped".into(),
            client_status: None,
            follow_up_eval: None,
            preempted_by: None,
        };
        plan.stops = (0..13).map(stop).collect();
        let whole = plan.clone();
        for limits in [Limits { rows: 10, bytes: 1 << 20 }, Limits { rows: 1_000, bytes: 1_500 }, Limits { rows: 1, bytes: 1 }] {
            let entries = cut(vec![plan.clone()], limits);
            let (last, parts) = entries.split_last().unwrap();
            assert!(last.is_last_of_several && last.plan.evaluations == whole.evaluations && last.plan.instances() == 0);
            assert!(parts.iter().all(|part| part.plan.evaluations.is_empty() && !part.is_last_of_several && !part.plan.is_empty()));
            assert!(parts.iter().all(|part| Load::of(&part.plan).rows <= limits.rows));
            assert_eq!(parts.iter().flat_map(|part| placed(&part.plan)).collect::<Vec<_>>(), placed(&whole), "{limits:?}");
            assert_eq!(parts.iter().flat_map(|part| part.plan.stops.clone()).collect::<Vec<_>>(), whole.stops);
            let first_placing = parts.iter().position(|part| part.plan.instances() > 0).unwrap();
            assert!(parts[first_placing + 1..].iter().all(|part| part.plan.stops.is_empty()), "stops come first");
        }
    }
}
