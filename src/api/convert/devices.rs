//! Devices of nodes and of tasks.

use crate::api::types::resources::{AllocatedDeviceResource, DeviceAttribute, NodeDevice, NodeDeviceLocality, NodeDeviceResource};
use crate::model::{Allocation, AssignedDevice, DeviceGroup, DeviceInstance};

impl From<&DeviceGroup> for NodeDeviceResource {
    fn from(group: &DeviceGroup) -> Self {
        Self {
            vendor: group.vendor.to_string(),
            r#type: group.kind.to_string(),
            name: group.name.to_string(),
            instances: group.instances.iter().map(NodeDevice::from).collect(),
            attributes: group.attributes.iter().map(|(name, value)| (name.to_string(), attribute(value))).collect(),
        }
    }
}

impl From<&DeviceInstance> for NodeDevice {
    fn from(instance: &DeviceInstance) -> Self {
        let pci_bus_id = instance.pci_bus_id.to_string();
        Self {
            id: instance.id.to_string(),
            healthy: instance.healthy,
            health_description: instance.health_description.to_string(),
            locality: (!pci_bus_id.is_empty()).then_some(NodeDeviceLocality { pci_bus_id }),
        }
    }
}

/// `40 GiB` is a number with a unit, `3` one without, everything else text.
fn attribute(value: &str) -> DeviceAttribute {
    let (number, unit) = value.split_once(' ').unwrap_or((value, ""));
    let attribute = DeviceAttribute { unit: unit.to_owned(), ..DeviceAttribute::default() };
    let is_unit = unit.chars().all(|c| c.is_ascii_alphabetic() || c == '/');
    match (number.parse::<i64>(), number.parse::<f64>()) {
        (Ok(int), _) if is_unit => DeviceAttribute { int: Some(int), ..attribute },
        (_, Ok(float)) if is_unit && float.is_finite() => DeviceAttribute { float: Some(float), ..attribute },
        _ if value == "true" || value == "false" => DeviceAttribute { bool: Some(value == "true"), ..DeviceAttribute::default() },
        _ => DeviceAttribute { string: Some(value.to_owned()), ..DeviceAttribute::default() },
    }
}

/// What an allocation's task was given, one entry per group of equal devices and share.
pub fn of_task(allocation: &Allocation, task: &str) -> Vec<AllocatedDeviceResource> {
    let mut given: Vec<(&AssignedDevice, Vec<String>)> = Vec::new();
    let alike = |a: &AssignedDevice, b: &AssignedDevice| (&a.vendor, &a.kind, &a.name, a.share) == (&b.vendor, &b.kind, &b.name, b.share);
    for device in allocation.devices.iter().filter(|device| &*device.task == task) {
        match given.iter_mut().find(|(first, _)| alike(first, device)) {
            Some((_, ids)) => ids.push(device.instance.to_string()),
            None => given.push((device, vec![device.instance.to_string()])),
        }
    }
    let shown = given.into_iter().map(|(device, device_ids)| AllocatedDeviceResource {
        vendor: device.vendor.to_string(),
        r#type: device.kind.to_string(),
        name: device.name.to_string(),
        device_ids,
        share: f64::from(device.share.0) / 1000.0,
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_keep_their_kind() {
        let json = |value: &str| serde_json::to_value(attribute(value)).unwrap();
        assert_eq!(json("40 GiB"), serde_json::json!({"Int": 40, "Unit": "GiB"}));
        assert_eq!(json("1.5 GHz"), serde_json::json!({"Float": 1.5, "Unit": "GHz"}));
        assert_eq!(json("3"), serde_json::json!({"Int": 3}));
        assert_eq!(json("true"), serde_json::json!({"Bool": true}));
        assert_eq!(json("Tesla T4"), serde_json::json!({"String": "Tesla T4"}));
        assert_eq!(json("8 of 9"), serde_json::json!({"String": "8 of 9"}));
    }
}
