//! Devices: what the operator lists in the configuration, and NVIDIA cards whose kernel driver is loaded, which tells model and UUID of each
//! in `/proc/driver/nvidia/gpus`. Without vendor tools nothing more can be known of a card (its memory, for one): the operator may list the
//! card by its UUID with the attributes that jobs shall see, which then stand in for what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Facts;
use crate::model::{DeviceGroup, DeviceInstance, Text};
use crate::node::config::NodeConfig;

const NVIDIA_CARDS: &str = "/proc/driver/nvidia/gpus";
const PCI_DEVICES: &str = "/sys/bus/pci/devices";

pub fn add(facts: &mut Facts, config: &NodeConfig) {
    let mut groups = config.devices.clone();
    let listed: BTreeSet<Text> = groups.iter().flat_map(|group| &group.instances).map(|instance| instance.id.clone()).collect();
    groups.extend(nvidia_cards(Path::new(NVIDIA_CARDS), Path::new(PCI_DEVICES), &listed));
    for group in &groups {
        tracing::info!(device = %group, count = group.instances.len(), "found devices");
    }
    facts.resources.devices = groups;
}

/// Cards by model, save those that the operator listed.
fn nvidia_cards(cards: &Path, pci_devices: &Path, listed: &BTreeSet<Text>) -> Vec<DeviceGroup> {
    let mut models: BTreeMap<String, Vec<DeviceInstance>> = BTreeMap::new();
    // No directory: no such driver, as on most machines.
    let Ok(entries) = std::fs::read_dir(cards) else {
        return Vec::new();
    };
    for entry in entries.flatten() {
        let bus_id = entry.file_name().to_string_lossy().into_owned();
        let Ok(information) = std::fs::read_to_string(entry.path().join("information")) else {
            tracing::warn!(card = bus_id, "cannot read what the NVIDIA driver says of a card");
            continue;
        };
        let field = |name: &str| {
            let mut fields = information.lines().filter_map(|line| line.split_once(':'));
            fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
        };
        let Some(model) = field("Model") else { continue };
        // A card that fell off the bus keeps its entry, with question marks for a UUID.
        let uuid = field("GPU UUID").filter(|uuid| !uuid.contains('?'));
        let id: Text = uuid.clone().unwrap_or_else(|| bus_id.clone()).into();
        if listed.contains(&id) {
            continue;
        }
        let numa_node = std::fs::read_to_string(pci_devices.join(&bus_id).join("numa_node")).ok();
        models.entry(model).or_default().push(DeviceInstance {
            id,
            healthy: uuid.is_some(),
            health_description: if uuid.is_some() { "" } else { "the driver cannot tell its UUID" }.into(),
            pci_bus_id: bus_id.into(),
            // -1: the machine has but one.
            numa_node: numa_node.and_then(|node| node.trim().parse().ok()),
        });
    }
    let group = |(model, mut instances): (String, Vec<DeviceInstance>)| {
        instances.sort_by(|a, b| a.pci_bus_id.cmp(&b.pci_bus_id));
        let name = model.strip_prefix("NVIDIA ").unwrap_or(&model);
        DeviceGroup { vendor: "nvidia".into(), kind: "gpu".into(), name: name.into(), attributes: BTreeMap::new(), instances }
    };
    models.into_iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_grouped_by_model_as_their_driver_tells() {
        let root = tempfile::tempdir().unwrap();
        let (cards, pci) = (root.path().join("gpus"), root.path().join("pci"));
        let card = |bus: &str, model: &str, uuid: &str, numa: &str| {
            let (card, device) = (cards.join(bus), pci.join(bus));
            std::fs::create_dir_all(&card).unwrap();
            std::fs::create_dir_all(&device).unwrap();
            std::fs::write(card.join("information"), format!("Model: \t\t {model}\nIRQ:   \t\t 52\nGPU UUID: \t {uuid}\n")).unwrap();
            std::fs::write(device.join("numa_node"), format!("{numa}\n")).unwrap();
        };
        card("0000:3b:00.0", "NVIDIA A100-SXM4-40GB", "GPU-b", "1");
        card("0000:1b:00.0", "NVIDIA A100-SXM4-40GB", "GPU-a", "0");
        card("0000:5b:00.0", "Tesla T4", "GPU-????????", "-1");
        card("0000:6b:00.0", "Tesla T4", "GPU-listed", "-1");
        let groups = nvidia_cards(&cards, &pci, &BTreeSet::from(["GPU-listed".into()]));
        let shown: Vec<_> = groups
            .iter()
            .map(|group| {
                let cards: Vec<_> = group.instances.iter().map(|card| (&*card.id, card.healthy, card.numa_node)).collect();
                (group.to_string(), cards)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("nvidia/gpu/A100-SXM4-40GB".to_owned(), vec![("GPU-a", true, Some(0)), ("GPU-b", true, Some(1))]),
                ("nvidia/gpu/Tesla T4".to_owned(), vec![("0000:5b:00.0", false, None)]),
            ]
        );
        assert!(nvidia_cards(&root.path().join("none"), &pci, &BTreeSet::new()).is_empty());
    }
}
