//! Which device groups of a node a task's `device` block accepts, and how much it likes them.

use std::borrow::Cow;

use super::check::Check;
use super::quantity;
use crate::model::{DeviceAsk, DeviceGroup, DeviceShare, Node, TaskGroup, Text};
use crate::scheduler::placement::{DeviceNeed, DeviceOffer};

/// One `device` block, compiled.
#[derive(Debug)]
pub struct DeviceRequirement {
    pub task: Text,
    pub name: Text,
    count: u16,
    share: DeviceShare,
    constraints: Vec<Check>,
    affinities: Vec<(Check, i64)>,
}

impl DeviceRequirement {
    /// Those of a group: task by task, in the order of the specification. Every task has devices of its own, also those that never run
    /// together: what a device holds does not end with a task.
    pub fn of(group: &TaskGroup) -> Vec<Self> {
        let asks = group.tasks.iter().flat_map(|task| task.resources.devices.iter().map(|ask| (task.name.clone(), ask)));
        asks.map(|(task, ask)| Self::new(task, ask)).collect()
    }

    fn new(task: Text, ask: &DeviceAsk) -> Self {
        Self {
            task,
            name: ask.name.clone(),
            // More than any node has is the same as the most that can be said.
            count: u16::try_from(ask.count).unwrap_or(u16::MAX),
            share: ask.share,
            constraints: ask.constraints.iter().map(Check::from).collect(),
            affinities: ask.affinities.iter().map(|affinity| (Check::from(affinity), i64::from(affinity.weight))).collect(),
        }
    }

    pub fn name(&self) -> &Text {
        &self.name
    }

    pub fn need(&self) -> DeviceNeed {
        DeviceNeed { count: self.count, share: self.share }
    }

    pub fn share(&self) -> DeviceShare {
        self.share
    }

    pub fn affinity_weight(&self) -> i64 {
        self.affinities.iter().map(|(_, weight)| weight.abs()).sum()
    }

    /// The node's groups that will do and have enough healthy devices, best first.
    pub fn offers(&self, node: &Node) -> Vec<DeviceOffer> {
        let mut offers = Vec::new();
        for (group, position) in node.resources.devices.iter().zip(0u16..) {
            let healthy = group.instances.iter().filter(|instance| instance.healthy).count();
            let accepted = group.answers_to(&self.name)
                && healthy >= usize::from(self.count)
                && self.constraints.iter().all(|check| holds_of(check, group));
            if accepted {
                let met = self.affinities.iter().filter(|(check, _)| holds_of(check, group));
                offers.push(DeviceOffer { group: position, weight: met.map(|(_, weight)| weight).sum() });
            }
        }
        offers.sort_by_key(|offer| (std::cmp::Reverse(offer.weight), offer.group));
        offers
    }
}

fn holds_of(check: &Check, group: &DeviceGroup) -> bool {
    let (left, right) = check.sides();
    match (resolve(group, left), resolve(group, right)) {
        (Some(left), Some(right)) => match quantity::comparable(&left, &right) {
            Some((left, right)) => check.judge(Some(&left), Some(&right)),
            None => check.judge(Some(&left), Some(&right)),
        },
        (left, right) => check.judge(left.as_deref(), right.as_deref()),
    }
}

/// `${device.attr.x}`, `${device.vendor}`, `${device.type}`, `${device.model}` and literal text.
fn resolve<'a>(group: &'a DeviceGroup, target: &'a str) -> Option<Cow<'a, str>> {
    let Some(name) = target.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Some(Cow::Borrowed(target));
    };
    match name {
        "device.vendor" => Some(Cow::Borrowed(&group.vendor)),
        "device.type" => Some(Cow::Borrowed(&group.kind)),
        "device.model" => Some(Cow::Borrowed(&group.name)),
        _ => group.attributes.get(name.strip_prefix("device.attr.")?).map(|value| Cow::Borrowed(&**value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Affinity, DeviceInstance, Operand};
    use crate::scheduler::testing::{constraint, node};

    fn fleet_node() -> Node {
        let group = |vendor: &str, name: &str, memory: &str, healthy: usize| DeviceGroup {
            vendor: vendor.into(),
            kind: "gpu".into(),
            name: name.into(),
            attributes: [("memory".into(), memory.into()), ("bus".into(), "pcie".into())].into(),
            instances: (0..2)
                .map(|id| DeviceInstance {
                    id: format!("{name}-{id}").into(),
                    healthy: id < healthy,
                    health_description: "".into(),
                    pci_bus_id: "".into(),
                    numa_node: None,
                })
                .collect(),
        };
        let mut node = node(1);
        node.resources.devices =
            vec![group("nvidia", "T4", "15360 MiB", 2), group("nvidia", "A100", "40 GiB", 2), group("amd", "MI100", "32 GiB", 1)];
        node
    }

    fn accepted(name: &str, count: u64, constraints: &[(&str, &str, &str)]) -> Vec<u16> {
        let constraints = constraints.iter().map(|(left, operand, right)| constraint(left, operand, right)).collect();
        let ask = DeviceAsk { name: name.into(), count, constraints, ..DeviceAsk::default() };
        DeviceRequirement::new("t".into(), &ask).offers(&fleet_node()).iter().map(|offer| offer.group).collect()
    }

    #[test]
    fn asks_find_their_groups() {
        type Case<'a> = (&'a str, u64, &'a [(&'a str, &'a str, &'a str)], &'a [u16]);
        let cases: [Case<'_>; 17] = [
            ("gpu", 1, &[], &[0, 1, 2]),
            ("nvidia/gpu", 1, &[], &[0, 1]),
            ("nvidia/gpu/T4", 1, &[], &[0]),
            ("fpga", 1, &[], &[]),
            ("gpu", 2, &[], &[0, 1]),
            ("gpu", 3, &[], &[]),
            ("gpu", u64::MAX, &[], &[]),
            ("gpu", 1, &[("${device.attr.memory}", ">=", "32 GiB")], &[1, 2]),
            ("gpu", 1, &[("${device.attr.memory}", ">", "32 GiB")], &[1]),
            ("gpu", 1, &[("${device.attr.memory}", "=", "15 GiB")], &[0]),
            ("gpu", 1, &[("${device.attr.memory}", "!=", "15 GiB")], &[1, 2]),
            ("gpu", 1, &[("${device.model}", "regexp", "^A")], &[1]),
            ("gpu", 1, &[("${device.vendor}", "=", "amd")], &[2]),
            ("gpu", 1, &[("${device.type}", "=", "gpu"), ("${device.attr.bus}", "is_set", "")], &[0, 1, 2]),
            ("gpu", 1, &[("${device.attr.nvlink}", "is_not_set", "")], &[0, 1, 2]),
            ("gpu", 1, &[("${device.attr.nvlink}", "=", "yes")], &[]),
            ("gpu", 1, &[("${attr.kernel.name}", "=", "linux")], &[]),
        ];
        for (name, count, constraints, expected) in cases {
            assert_eq!(accepted(name, count, constraints), expected, "{name} x{count} {constraints:?}");
        }
    }

    #[test]
    fn affinities_put_the_liked_group_first() {
        let like = |right: &str, weight| Affinity { left: "${device.model}".into(), operand: Operand::Equal, right: right.into(), weight };
        let ask = DeviceAsk { name: "gpu".into(), count: 1, affinities: vec![like("A100", 30), like("T4", -70)], ..DeviceAsk::default() };
        let requirement = DeviceRequirement::new("t".into(), &ask);
        let offers: Vec<_> = requirement.offers(&fleet_node()).iter().map(|offer| (offer.group, offer.weight)).collect();
        assert_eq!(offers, [(1, 30), (2, 0), (0, -70)]);
        assert_eq!(requirement.affinity_weight(), 100);
    }
}
