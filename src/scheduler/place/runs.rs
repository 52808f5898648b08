//! Picks written down as runs: consecutive indexes on one node are one record.

use std::sync::Arc;

use super::GroupRequest;
use crate::model::device::DevicePosition;
use crate::model::plan::{NodeScore, Placement, PlacementMetrics, Run};
use crate::model::{Ask, AssignedDevice, AssignedPort, Node, Port, TaskGroup};
use crate::scheduler::placement::{Fleet, Pick};
use crate::scheduler::reconcile::Instance;

pub struct RunBuilder<'a> {
    request: &'a GroupRequest<'a>,
    metrics: Arc<PlacementMetrics>,
    /// One placement per ask, since the compute of whole cores differs between nodes; those that push others aside are apart.
    runs: Vec<(Ask, bool, Vec<Run>)>,
}

impl<'a> RunBuilder<'a> {
    pub fn new(request: &'a GroupRequest<'a>, metrics: Arc<PlacementMetrics>) -> Self {
        Self { request, metrics, runs: Vec::new() }
    }

    /// An instance with a history: a run of its own.
    pub fn add_special(&mut self, fleet: &Fleet, instance: Instance, pick: Pick) {
        let node = fleet.node(pick.ord);
        let run = Run {
            node: node.id,
            first_index: instance.index,
            count: 1,
            ports: assign(self.request.group, node, &pick.ports),
            devices: assign_devices(self.request, node, &pick.devices),
            cores: pick.cores,
            previous: instance.previous.map(|previous| previous.id),
            reschedules: instance.reschedules,
            preempts: pick.evicts,
        };
        self.push(pick.ask, run);
    }

    /// Equal instances: which of them goes where does not matter, so indexes are dealt out node by node.
    pub fn add_plain(&mut self, fleet: &Fleet, mut indexes: impl Iterator<Item = u32>, picks: Vec<Pick>) {
        for pick in by_node(fleet, picks) {
            let node = fleet.node(pick.ord);
            let count = pick.count as usize;
            let (ports, devices, cores) = (pick.ports.len() / count, pick.devices.len() / count, pick.cores.len() / count);
            let mut done = 0;
            for (first_index, length) in consecutive(indexes.by_ref().take(count)) {
                let of_run = done..done + length as usize;
                let part = |each: usize| of_run.start * each..of_run.end * each;
                let run = Run {
                    node: node.id,
                    first_index,
                    count: length,
                    ports: of_run
                        .clone()
                        .flat_map(|at| assign(self.request.group, node, &pick.ports[at * ports..(at + 1) * ports]))
                        .collect(),
                    cores: pick.cores[part(cores)].to_vec(),
                    devices: assign_devices(self.request, node, &pick.devices[part(devices)]),
                    previous: None,
                    reschedules: Vec::new(),
                    preempts: pick.evicts.clone(),
                };
                done = of_run.end;
                self.push(pick.ask, run);
            }
        }
    }

    fn push(&mut self, ask: Ask, run: Run) {
        let pushes = !run.preempts.is_empty();
        if let Some((.., runs)) = self.runs.iter_mut().find(|(known, known_pushes, _)| *known == ask && *known_pushes == pushes) {
            runs.push(run);
        } else {
            self.runs.push((ask, pushes, vec![run]));
        }
    }

    /// `scores` of the nodes where others are pushed aside.
    pub fn finish(self, scores: Vec<NodeScore>) -> Vec<Placement> {
        let Self { request, metrics, runs } = self;
        let pushing = (!scores.is_empty()).then(|| Arc::new(PlacementMetrics { scores, ..PlacementMetrics::clone(&metrics) }));
        let placement = |(ask, pushes, runs): (Ask, bool, Vec<Run>)| Placement {
            eval_id: request.eval,
            job: request.reference.clone(),
            newest: request.newest,
            group: request.group.name.clone(),
            ask,
            deployment: request.deployment,
            canary: request.canary,
            metrics: Arc::clone(pushing.as_ref().filter(|_| pushes).unwrap_or(&metrics)),
            runs,
        };
        runs.into_iter().map(placement).collect()
    }
}

/// One pick per node, in the order in which the nodes were first picked; those that push others aside stay by themselves.
fn by_node(fleet: &Fleet, picks: Vec<Pick>) -> Vec<Pick> {
    if picks.len() < 2 {
        return picks;
    }
    let mut position = vec![usize::MAX; fleet.len()];
    let mut merged: Vec<Pick> = Vec::with_capacity(picks.len());
    for pick in picks {
        match merged.get_mut(position[pick.ord.at()]) {
            Some(known) if pick.evicts.is_empty() => known.absorb(pick),
            _ => {
                if pick.evicts.is_empty() {
                    position[pick.ord.at()] = merged.len();
                }
                merged.push(pick);
            }
        }
    }
    merged
}

/// Ascending numbers as runs: the first of each and its length.
fn consecutive(numbers: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((first, length)) if *first + *length == number => *length += 1,
            _ => runs.push((number, 1)),
        }
    }
    runs
}

/// The ports of one instance in the order of the group's specification; `dynamic` are the numbers chosen for those
/// without a fixed one.
fn assign(group: &TaskGroup, node: &Node, dynamic: &[u16]) -> Vec<AssignedPort> {
    let mut dynamic = dynamic.iter().copied();
    let assign_one = |port: &Port| {
        let value = port.static_port.or_else(|| dynamic.next())?;
        let to = match port.to {
            -1 => value,
            to => u16::try_from(to).unwrap_or(0),
        };
        let shared = port.ignore_collision && port.static_port.is_some();
        Some(AssignedPort { label: port.label.clone(), value, to, host_ip: host_ip(node, port), shared })
    };
    group.ports().filter_map(assign_one).collect()
}

/// The devices that were picked by position, by name.
fn assign_devices(request: &GroupRequest<'_>, node: &Node, picked: &[(usize, DevicePosition)]) -> Vec<AssignedDevice> {
    let asked = request.profile.requirements.devices();
    let all = || node.resources.devices.iter().flat_map(|group| group.instances.iter().map(move |instance| (group, instance)));
    let assign_one = |(need, position): &(usize, DevicePosition)| {
        let (group, instance) = all().nth(usize::from(position.0))?;
        Some(AssignedDevice {
            task: asked[*need].task.clone(),
            vendor: group.vendor.clone(),
            kind: group.kind.clone(),
            name: group.name.clone(),
            instance: instance.id.clone(),
            share: asked[*need].share(),
        })
    };
    picked.iter().filter_map(assign_one).collect()
}

/// The address of the host network that the port names, else of the node's first.
fn host_ip(node: &Node, port: &Port) -> crate::model::Text {
    let networks = &node.resources.networks;
    let named = networks.iter().find(|network| network.device == port.host_network);
    named.or(networks.first()).map_or_else(|| "".into(), |network| network.ip.clone())
}
