//! What nodes have and what allocations were given.

use std::collections::BTreeMap;

use super::signed;
use crate::api::types::resources::{
    AllocatedCpuResources, AllocatedMemoryResources, AllocatedPort, AllocatedResources, AllocatedSharedResources, AllocatedTaskResources,
    NetworkPort, NetworkResource, NodeCpuResources, NodeDiskResources, NodeMemoryResources, NodeReservedCpu, NodeReservedNetworks,
    NodeReservedResources, NodeResources, Resources,
};
use crate::model::network::DYNAMIC_PORTS;
use crate::model::{self, Allocation, AssignedPort, TaskGroup};

impl From<&model::NodeResources> for NodeResources {
    fn from(resources: &model::NodeResources) -> Self {
        Self {
            cpu: NodeCpuResources {
                cpu_shares: signed(resources.cpu.0),
                total_cpu_cores: resources.total_cores,
                reservable_cpu_cores: resources.reservable_cores.clone(),
            },
            memory: NodeMemoryResources { memory_mb: signed(resources.memory.0) },
            disk: NodeDiskResources { disk_mb: signed(resources.disk.0) },
            networks: resources
                .networks
                .iter()
                .map(|network| NetworkResource {
                    mode: "host".to_owned(),
                    device: network.device.to_string(),
                    cidr: network.cidr.to_string(),
                    ip: network.ip.to_string(),
                    ..NetworkResource::default()
                })
                .collect(),
            devices: resources.devices.iter().map(Into::into).collect(),
            min_dynamic_port: *DYNAMIC_PORTS.start(),
            max_dynamic_port: *DYNAMIC_PORTS.end(),
        }
    }
}

impl From<&model::NodeResources> for NodeReservedResources {
    fn from(resources: &model::NodeResources) -> Self {
        let ports: Vec<_> = resources.reserved_ports.iter().map(u16::to_string).collect();
        Self {
            cpu: NodeReservedCpu { cpu_shares: resources.reserved_cpu.0 },
            memory: NodeMemoryResources { memory_mb: signed(resources.reserved_memory.0) },
            disk: NodeDiskResources { disk_mb: signed(resources.reserved_disk.0) },
            networks: NodeReservedNetworks { reserved_host_ports: ports.join(",") },
        }
    }
}

/// What an allocation holds: per task as its group asks, and ports and disk for all tasks together.
pub fn allocated(allocation: &Allocation, group: Option<&TaskGroup>) -> AllocatedResources {
    let mut tasks = BTreeMap::new();
    for (group, task) in group.into_iter().flat_map(|group| group.tasks.iter().map(move |task| (group, task))) {
        let asked = &task.resources;
        let given = AllocatedTaskResources {
            cpu: AllocatedCpuResources { cpu_shares: signed(asked.cpu.0), reserved_cores: group.cores_of(&task.name, &allocation.cores) },
            memory: AllocatedMemoryResources { memory_mb: signed(asked.memory.0), memory_max_mb: signed(asked.memory_max.0) },
            devices: super::devices::of_task(allocation, &task.name),
            ..AllocatedTaskResources::default()
        };
        tasks.insert(task.name.to_string(), given);
    }
    AllocatedResources {
        tasks,
        shared: AllocatedSharedResources {
            disk_mb: signed(allocation.ask.disk.0),
            networks: networks(allocation, group),
            ports: allocation.ports.iter().map(AllocatedPort::from).collect(),
        },
    }
}

/// The flat form of the whole allocation.
pub fn flat(allocation: &Allocation, group: Option<&TaskGroup>) -> Resources {
    Resources {
        cpu: signed(allocation.ask.cpu.0),
        cores: allocation.ask.cores.into(),
        memory_mb: signed(allocation.ask.memory.0),
        disk_mb: signed(allocation.ask.disk.0),
        networks: networks(allocation, group),
        ..Resources::default()
    }
}

/// The flat form of each task.
pub fn flat_tasks(group: Option<&TaskGroup>) -> BTreeMap<String, Resources> {
    let tasks = group.into_iter().flat_map(|group| &group.tasks);
    tasks
        .map(|task| {
            let asked = &task.resources;
            let flat = Resources {
                cpu: signed(asked.cpu.0),
                cores: asked.cores.into(),
                memory_mb: signed(asked.memory.0),
                memory_max_mb: signed(asked.memory_max.0),
                ..Resources::default()
            };
            (task.name.to_string(), flat)
        })
        .collect()
}

impl From<&AssignedPort> for AllocatedPort {
    fn from(port: &AssignedPort) -> Self {
        Self { label: port.label.to_string(), value: port.value, to: port.to.into(), host_ip: port.host_ip.to_string() }
    }
}

fn networks(allocation: &Allocation, group: Option<&TaskGroup>) -> Vec<NetworkResource> {
    let assigned = |label: &str| allocation.ports.iter().find(|port| &*port.label == label);
    let networks = group.into_iter().flat_map(|group| &group.networks);
    networks
        .map(|network| {
            let mut shown = NetworkResource {
                mode: network.mode.name(),
                hostname: network.hostname.as_deref().unwrap_or_default().to_owned(),
                ..NetworkResource::default()
            };
            for port in &network.ports {
                let Some(given) = assigned(&port.label) else { continue };
                shown.ip = given.host_ip.to_string();
                let list = if port.static_port.is_some() { &mut shown.reserved_ports } else { &mut shown.dynamic_ports };
                list.push(NetworkPort {
                    label: port.label.to_string(),
                    value: given.value,
                    to: given.to.into(),
                    host_network: port.host_network.to_string(),
                });
            }
            shown
        })
        .collect()
}
