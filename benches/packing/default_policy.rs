//! Pannier's own scheduler core on the trace, told nothing but the pods as they come.

use std::collections::HashMap;
use std::sync::Arc;

use pannier::scheduler::placement::{DeviceDemand, DeviceNeed, DeviceOffer, Fleet, NodeOrd};

use crate::model::device::{AssignedDevice, DeviceGroup, DeviceInstance, DeviceShare};
use crate::model::*;
use crate::trace::{Pod, Trace};

pub struct Pannier<'a> {
    trace: &'a Trace,
    fleet: Fleet,
    nodes: Vec<Arc<Node>>,
    running: Vec<Vec<Arc<Allocation>>>,
    demands: HashMap<(u16, u16, u32), DeviceDemand>,
    placed: u128,
    template: Allocation,
    device: AssignedDevice,
}

impl<'a> Pannier<'a> {
    pub fn new(trace: &'a Trace) -> Self {
        let machines = trace.machines.iter().zip(0u32..);
        let nodes: Vec<Arc<Node>> = machines
            .map(|(machine, number)| Arc::new(node(number, machine.cpu, machine.memory, machine.gpus.len(), &trace.models[machine.model])))
            .collect();
        let mut fleet = Fleet::default();
        for node in &nodes {
            fleet.set(node, &[]);
        }
        let running = vec![Vec::new(); nodes.len()];
        Self {
            trace,
            fleet,
            nodes,
            running,
            demands: HashMap::new(),
            placed: 0,
            template: fixtures::allocation(&fixtures::job("pod", JobType::Batch, 1), 0, NodeId(0)),
            device: device(),
        }
    }

    /// Places a pod: the machine, and which of its GPUs.
    pub fn place(&mut self, pod: &Pod) -> Option<(usize, Vec<usize>)> {
        let ask = ask(pod.cpu, pod.memory);
        let key = (pod.gpus, pod.share, pod.models);
        let fleet = &mut self.fleet;
        let devices = &*self.demands.entry(key).or_insert_with(|| demand(fleet, self.trace, pod));
        let best = fleet.best_for(ask, devices, 1, &|_| true);
        let (_, ord) = *best.first()?;
        let choice = fleet.choose_devices(ord, devices)?;
        let gpus: Vec<usize> = choice.devices.iter().map(|(_, position)| usize::from(position.0)).collect();
        self.placed += 1;
        let NodeOrd(at) = ord;
        let at = at as usize;
        let group = self.nodes[at].resources.devices.first();
        let assigned = |gpu: &usize| {
            let group = group?;
            let instance = group.instances[*gpu].id.clone();
            Some(AssignedDevice { name: group.name.clone(), instance, share: DeviceShare(pod.share), ..self.device.clone() })
        };
        let devices = gpus.iter().filter_map(assigned).collect();
        let row = Allocation { id: AllocId(self.placed), node_id: self.nodes[at].id, ask, devices, ..self.template.clone() };
        self.running[at].push(Arc::new(row));
        fleet.set(&self.nodes[at], &self.running[at]);
        Some((at, gpus))
    }
}

pub fn ask(cpu: i64, memory: i64) -> Ask {
    let amount = |value: i64| u64::try_from(value).unwrap_or(0);
    Ask { cpu: MegaHertz(amount(cpu)), cores: 0, memory: MebiBytes(amount(memory)), disk: MebiBytes(0) }
}

fn demand(fleet: &Fleet, trace: &Trace, pod: &Pod) -> DeviceDemand {
    if pod.gpus == 0 {
        return DeviceDemand::default();
    }
    let is_allowed = |node: &Node| {
        let model = node.resources.devices.first().and_then(|group| trace.models.iter().position(|name| **name == *group.name));
        pod.models == 0 || model.is_some_and(|model| pod.models & (1 << model) != 0)
    };
    let offer = |node: &Node| vec![if is_allowed(node) { vec![DeviceOffer { group: 0, weight: 0 }] } else { Vec::new() }];
    DeviceDemand {
        needs: vec![DeviceNeed { count: pod.gpus, share: DeviceShare(pod.share) }],
        offers: Arc::new(fleet.classes().representatives().map(offer).collect()),
        affinity_weight: 0,
    }
}

pub fn node(number: u32, cpu: i64, memory: i64, gpus: usize, model: &str) -> Node {
    let mut node = fixtures::node(u128::from(number) + 1);
    node.attributes = [("gpu.model".into(), model.into())].into();
    let Ask { cpu, memory, .. } = ask(cpu, memory);
    let instance = |at: usize| DeviceInstance {
        id: at.to_string().into(),
        healthy: true,
        health_description: "".into(),
        pci_bus_id: "".into(),
        numa_node: None,
    };
    let instances: Vec<DeviceInstance> = (0..gpus).map(instance).collect();
    let group = DeviceGroup { vendor: "nvidia".into(), kind: "gpu".into(), name: model.into(), instances, ..DeviceGroup::default() };
    let devices = if gpus == 0 { Vec::new() } else { vec![group] };
    node.resources = NodeResources { cpu, memory, devices, ..NodeResources::default() };
    node
}

fn device() -> AssignedDevice {
    AssignedDevice {
        task: "main".into(),
        vendor: "nvidia".into(),
        kind: "gpu".into(),
        name: "".into(),
        instance: "".into(),
        share: DeviceShare::WHOLE,
    }
}
