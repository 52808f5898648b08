//! Picks written down as runs: consecutive indexes on one node are one record.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::GroupRequest;
use crate::model::device::DevicePosition;
use crate::model::plan::{Placement, PlacementMetrics, Run};
use crate::model::{Ask, AssignedDevice, AssignedPort, Node, Port, TaskGroup};
use crate::scheduler::placement::{Fleet, NodeOrd, Pick};
use crate::scheduler::reconcile::Instance;

pub struct RunBuilder<'a> {
    request: &'a GroupRequest<'a>,
    metrics: Arc<PlacementMetrics>,
    /// One placement per ask: the compute of whole cores differs between nodes.
    runs: Vec<(Ask, Vec<Run>)>,
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
    pub fn add_plain(&mut self, fleet: &Fleet, indexes: impl Iterator<Item = u32>, picks: Vec<Pick>) {
        let mut order: Vec<NodeOrd> = Vec::new();
        let mut by_node: BTreeMap<NodeOrd, Vec<Pick>> = BTreeMap::new();
        for pick in picks {
            let on_node = by_node.entry(pick.ord).or_default();
            if on_node.is_empty() {
                order.push(pick.ord);
            }
            on_node.push(pick);
        }
        let mut indexes = indexes;
        for ord in order {
            let node = fleet.node(ord);
            let mut open: Option<(Ask, Run)> = None;
            for (pick, index) in by_node.remove(&ord).unwrap_or_default().into_iter().zip(&mut indexes) {
                let ports = assign(self.request.group, node, &pick.ports);
                let devices = assign_devices(self.request, node, &pick.devices);
                match &mut open {
                    Some((ask, run))
                        if *ask == pick.ask
                            && run.first_index + run.count == index
                            && run.preempts.is_empty()
                            && pick.evicts.is_empty() =>
                    {
                        run.count += 1;
                        run.ports.extend(ports);
                        run.cores.extend(pick.cores);
                        run.devices.extend(devices);
                    }
                    _ => {
                        let run = Run {
                            node: node.id,
                            first_index: index,
                            count: 1,
                            ports,
                            cores: pick.cores,
                            devices,
                            previous: None,
                            reschedules: Vec::new(),
                            preempts: pick.evicts,
                        };
                        if let Some((ask, run)) = open.replace((pick.ask, run)) {
                            self.push(ask, run);
                        }
                    }
                }
            }
            if let Some((ask, run)) = open {
                self.push(ask, run);
            }
        }
    }

    fn push(&mut self, ask: Ask, run: Run) {
        if let Some((_, runs)) = self.runs.iter_mut().find(|(known, _)| *known == ask) {
            runs.push(run);
        } else {
            self.runs.push((ask, vec![run]));
        }
    }

    pub fn finish(self) -> Vec<Placement> {
        let Self { request, metrics, runs } = self;
        let placement = |(ask, runs)| Placement {
            eval_id: request.eval,
            job: request.reference.clone(),
            newest: request.newest,
            group: request.group.name.clone(),
            ask,
            deployment: request.deployment,
            canary: request.canary,
            metrics: Arc::clone(&metrics),
            runs,
        };
        runs.into_iter().map(placement).collect()
    }
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
